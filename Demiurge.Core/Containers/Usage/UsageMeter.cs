using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Usage;

/// <summary>
/// Keeps the records of when a container ran, in the transaction that notes the observation. By the engine's own times, so that nothing
/// is counted twice or missed whoever was down meanwhile; where the engine no longer knows an end, until it was last seen running.
/// </summary>
internal static class UsageMeter
{
    /// <summary>Times are kept to the millisecond, on which engine and database agree.</summary>
    internal static readonly TimeSpan Same = TimeSpan.FromMilliseconds(1);

    /// <summary>It runs since then.</summary>
    public static async Task Runs(DemiurgeDbContext db, Container container, DateTimeOffset since, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var open = await Open(db, container.Id, cancellationToken);
        if (open is not null && (open.From - since).Duration() <= Same)
        {
            open.SeenAt = now;
            return;
        }
        if (open is not null)
        {
            Close(open, since < open.SeenAt ? since : open.SeenAt);
            // The index on open records is looked at row by row.
            await db.SaveChangesAsync(cancellationToken);
        }
        var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
        db.Add(new UsageRecord
        {
            OrganizationId = container.OrganizationId,
            ProjectId = container.ProjectId,
            ContainerId = container.Id,
            ContainerName = container.Name,
            OwnerId = container.OwnerId,
            Tier = tier.Name,
            PricePerHour = tier.PricePerHour,
            From = since,
            SeenAt = since > now ? since : now,
        });
    }

    /// <summary>It doesn't run any more.</summary>
    /// <param name="endedAt">The engine's time of its end; null when the engine doesn't know it.</param>
    public static async Task Ended(DemiurgeDbContext db, Guid containerId, DateTimeOffset? endedAt, CancellationToken cancellationToken)
    {
        if (await Open(db, containerId, cancellationToken) is { } open)
            Close(open, endedAt ?? open.SeenAt);
    }

    private static Task<UsageRecord?> Open(DemiurgeDbContext db, Guid containerId, CancellationToken cancellationToken) =>
        db.Set<UsageRecord>().SingleOrDefaultAsync(record => record.ContainerId == containerId && record.To == null, cancellationToken);

    private static void Close(UsageRecord record, DateTimeOffset at) => record.To = at < record.From ? record.From : at;
}
