using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>The queue: whose turn it is, and on which host.</summary>
internal sealed partial class ContainerReconciler
{
    private static readonly TimeSpan AnnouncementInterval = TimeSpan.FromSeconds(1);

    private async Task PumpQueue()
    {
        var announcedAt = DateTimeOffset.MinValue;
        while (true)
        {
            var next = await StartThoseWhoseTurnItIs();
            if (time.GetUtcNow() - announcedAt >= AnnouncementInterval)
            {
                announcedAt = time.GetUtcNow();
                await AnnouncePositions();
            }
            else if (announced.Count > 0)
            {
                next = Earlier(next, announcedAt + AnnouncementInterval);
            }
            var pause = next is { } at ? at - time.GetUtcNow() : options.Value.Interval;
            pause = pause > options.Value.Interval ? options.Value.Interval : pause;
            await queueChanged.WaitAsync(pause > TimeSpan.FromMilliseconds(1) ? pause : TimeSpan.FromMilliseconds(1), leading);
        }
    }

    /// <summary>Starts what can be started now; returns when the next one may try again.</summary>
    private async Task<DateTimeOffset?> StartThoseWhoseTurnItIs()
    {
        await using var db = await contexts.CreateDbContextAsync(leading);
        var (waiting, starting) = await StartQueue.Load(db, leading);
        if (waiting.Count == 0)
            return null;
        var order = StartQueue.Order(waiting, starting);
        var ids = order.ConvertAll(entry => entry.Id);
        var rows = await db.Set<Container>().AsNoTracking().Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, leading);
        var tiers = await db.Set<Tier>().AsNoTracking().ToDictionaryAsync(tier => tier.Id, leading);
        var placement = await Placement.Load(db, time, leading);
        Dictionary<Guid, int> taken;
        lock (gate)
            taken = works.Values.Where(work => work.StartsOn is not null).GroupBy(work => work.StartsOn!.Value).ToDictionary(group => group.Key, group => group.Count());
        if (placement.Hosts.Count > 0 && placement.Hosts.All(host => taken.GetValueOrDefault(host.Id) >= options.Value.StartsPerHost))
            return null;
        DateTimeOffset? next = null;
        foreach (var container in order.Select(entry => rows.GetValueOrDefault(entry.Id)).OfType<Container>())
        {
            if (container.NextAttemptAt > time.GetUtcNow())
            {
                next = Earlier(next, container.NextAttemptAt.Value);
                continue;
            }
            var (host, why, _) = placement.Place(container, tiers[container.TierId]);
            if (host is null)
            {
                next = Earlier(next, time.GetUtcNow() + options.Value.RetryDelay);
                if (container.Reason != why)
                    await writer.Write(container, (db, row) => writer.Show(db, row, ContainerState.Queued, why, why!), leading);
                continue;
            }
            if (taken.GetValueOrDefault(host.Id) >= options.Value.StartsPerHost || !TryBegin(container.Id, host))
                continue;
            taken[host.Id] = taken.GetValueOrDefault(host.Id) + 1;
            placement.Reserve(container, tiers[container.TierId], host);
        }
        return next;
    }

    /// <summary>Tells those whose place in the queue changed, or who left it.</summary>
    private async Task AnnouncePositions()
    {
        await using var db = await contexts.CreateDbContextAsync(leading);
        var (waiting, starting) = await StartQueue.Load(db, leading);
        if (waiting.Count == 0 && announced.Count == 0)
            return;
        var positions = StartQueue.Order(waiting, starting).Select((entry, index) => (entry.Id, index)).ToDictionary(row => row.Id, row => row.index);
        var moved = positions.Where(pair => announced.TryGetValue(pair.Key, out var before) && before != pair.Value).Select(pair => pair.Key).ToList();
        announced = positions;
        foreach (var row in await db.Set<Container>().Where(row => moved.Contains(row.Id)).Select(row => new { row.OrganizationId, row.ProjectId, row.Id }).ToListAsync(leading))
            changes.Publish(new ContainerChanged(row.OrganizationId, row.ProjectId, row.Id));
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset b) => a < b ? a : b;
}
