using System.Collections.Concurrent;
using Demiurge.Core;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Rooms;
using Demiurge.Core.Tokens;

namespace Demiurge.Gateway.Access;

/// <summary>Verifies tickets for rooms and for containers with the keys that Web handed out. Thread-safe.</summary>
internal sealed class TicketVerifier(Guid organizationId, string issuer, IEnumerable<JsonWebKey> keys, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, long> used = new(StringComparer.Ordinal);
    private volatile JwsKeySet keys = new(keys);

    /// <summary>Takes the keys of the latest heartbeat.</summary>
    public void Replace(IReadOnlyList<JsonWebKey> latest)
    {
        if (latest.Count != keys.Keys.Count || latest.Any(key => !keys.Contains(key.KeyId)))
            keys = new JwsKeySet(latest);
    }

    /// <summary>The ticket, if it is genuine, valid now, and for this room.</summary>
    public Result<RoomTicket> Verify(string? token, Guid projectId)
    {
        var ticket = Jws.Verify<RoomTicket>(token, keys, issuer, RoomTicket.RoomAudience, time.GetUtcNow());
        return !ticket.Succeeded || (ticket.Value.OrganizationId == organizationId && ticket.Value.ProjectId == projectId)
            ? ticket
            : new Error("ticket.wrong-room", "The ticket is for another room.", ErrorKind.Unauthenticated);
    }

    /// <summary>The ticket, if it is genuine, valid now, for this container, and wasn't shown before; null otherwise.</summary>
    public ContainerTicket? VerifyOnce(string? token, string audience, Guid containerId)
    {
        var now = time.GetUtcNow();
        if (Jws.Verify<ContainerTicket>(token, keys, issuer, audience, now) is not { Succeeded: true, Value: var ticket }
            || ticket.OrganizationId != organizationId || ticket.ContainerId != containerId)
            return null;
        if (used.Count > 1000)
        {
            foreach (var (id, expires) in used)
            {
                if (expires < now.ToUnixTimeSeconds())
                    used.TryRemove(id, out _);
            }
        }

        return used.TryAdd(ticket.Id, ticket.ExpiresAt) ? ticket : null;
    }
}
