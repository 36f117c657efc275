using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Permissions;

/// <summary>Somebody's rights may have changed: whoever holds a live session has to look them up again.</summary>
/// <param name="OrganizationId">The organization in which something changed.</param>
/// <param name="ProjectId">The only project concerned, or null for all of the organization's.</param>
/// <param name="UserId">The only person concerned, or null for everybody.</param>
public readonly record struct AccessChanged(Guid OrganizationId, Guid? ProjectId = null, Guid? UserId = null);

/// <summary>
/// Tells this process's live sessions (circuits, gateways) of changed memberships, roles, visibility and deletions.
/// Published after the commit, on the committing thread: a subscriber returns at once and works elsewhere.
/// Safe for concurrent use.
/// </summary>
public sealed partial class AccessChanges(ILogger<AccessChanges> logger)
{
    public event Action<AccessChanged>? Changed;

    /// <summary>Calls every subscriber; the failure of one is logged and keeps none of the others from being told.</summary>
    public void Publish(AccessChanged change)
    {
        foreach (var subscriber in Delegate.EnumerateInvocationList(Changed))
        {
            try
            {
                subscriber(change);
            }
            catch (Exception exception)
            {
                Log.SubscriberFailed(logger, exception, change);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A subscriber to access changes failed on {Change}")]
        public static partial void SubscriberFailed(ILogger logger, Exception exception, AccessChanged change);
    }
}
