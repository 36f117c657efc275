using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Snapshots.Archive;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>
/// Takes, restores and removes snapshots, and begins the scheduled ones. One process at a time does so (<see cref="AdvisoryLease"/>). What a
/// process that died had begun is begun again from the start: half-written files and helpers are removed first, rows say what is to be done.
/// One piece of work a container, a few a host.
/// </summary>
/// <remarks><c>gate</c> guards <c>busy</c>.</remarks>
internal sealed partial class SnapshotWorker(
    IDbContextFactory<DemiurgeDbContext> contexts, AdvisoryLease lease, SnapshotTaker taker, SnapshotRestorer restorer, SnapshotService snapshots, SnapshotStores stores,
    IContainerVolumes volumes, SnapshotSignal signal, ContainerChanges changes, IOptions<SnapshotOptions> options, TimeProvider time, ILogger<SnapshotWorker> logger)
    : BackgroundService
{
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, (Guid? Host, Task Work)> busy = [];

    /// <summary>The look for containers that are held still for nobody; of the loop alone.</summary>
    private Task releasing = Task.CompletedTask;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => lease.Hold("demiurge snapshots", Lead, stoppingToken);

    private async Task Lead(CancellationToken cancellationToken)
    {
        try
        {
            await CleanUp(cancellationToken);
            while (!cancellationToken.IsCancellationRequested)
            {
                try
                {
                    if (releasing.IsCompleted)
                        releasing = Release(cancellationToken);
                    await BeginScheduled(cancellationToken);
                    await BeginWork(cancellationToken);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    Log.Failed(logger, exception);
                }
                await signal.Wait(options.Value.Interval, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Somebody else goes on, or nobody.
        }
        finally
        {
            Task[] rest;
            lock (gate)
                rest = [.. busy.Values.Select(entry => entry.Work)];
            await Task.WhenAll([releasing, .. rest]);
        }
    }

    private async Task CleanUp(CancellationToken cancellationToken)
    {
        foreach (var store in stores.All)
        {
            try
            {
                if (await store.RemoveUnfinished(cancellationToken) is > 0 and var count)
                    Log.Removed(logger, count, store.Kind);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or HttpRequestException)
            {
                Log.NotCleaned(logger, store.Kind, exception.Message);
            }
        }
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await CountInterrupted(db, cancellationToken);
        foreach (var host in await db.Set<ContainerHost>().AsNoTracking().Where(host => host.Enabled).ToListAsync(cancellationToken))
        {
            try
            {
                await volumes.RemoveHelpers(host, cancellationToken);
            }
            catch (RuntimeException exception)
            {
                Log.NotCleaned(logger, host.Name, exception.Message);
            }
        }
    }

    /// <summary>
    /// Lets containers go on that a process that died, or that lost its engine, had held still for a snapshot. Beside the other work: an engine that doesn't answer
    /// holds up nobody.
    /// </summary>
    private async Task Release(CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            foreach (var host in await db.Set<ContainerHost>().AsNoTracking().ToListAsync(cancellationToken))
            {
                try
                {
                    foreach (var id in await volumes.Unpause(host, IsBusy, cancellationToken))
                        Log.Released(logger, id);
                }
                catch (RuntimeException)
                {
                    // Its engine doesn't answer; it is looked at again.
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or System.Data.Common.DbException)
        {
            // The next one looks again.
        }
    }

    private bool IsBusy(Guid containerId)
    {
        lock (gate)
            return busy.ContainsKey(containerId);
    }

    /// <summary>What was begun and not finished has cost an attempt: one whose taking ends every process doesn't do so for ever.</summary>
    private async Task CountInterrupted(DemiurgeDbContext db, CancellationToken cancellationToken)
    {
        var interrupted = await db.Set<Snapshot>()
            .Where(row => row.State == SnapshotState.Creating && row.Location != null && row.NextAttemptAt == null).ToListAsync(cancellationToken);
        foreach (var row in interrupted)
        {
            row.Attempts++;
            row.Step = null;
            if (row.Attempts < options.Value.Attempts)
            {
                row.Reason = "Demiurge ended in the middle of it; it is taken again.";
                continue;
            }
            try
            {
                var (store, key) = stores.Of(row.Location!);
                await store.Delete(key, cancellationToken);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Log.NotRemoved(logger, row.Id, exception.Message);
            }
            (row.State, row.Reason, row.Location, row.FinishedAt) = (SnapshotState.Failed, $"Demiurge ended in the middle of it, {row.Attempts} times.", null, time.GetUtcNow());
            (row.Bytes, row.UnpackedBytes) = (0, 0);
            if (await db.Set<Container>().AnyAsync(container => container.Id == row.ContainerId, cancellationToken))
                ContainerStory.Tell(db, row.ContainerId, time.GetUtcNow(), "snapshot.failed", $"The snapshot {row.Name} failed: {row.Reason}");
        }
        await db.SaveChangesAsync(cancellationToken);
    }

    private async Task BeginScheduled(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var due = await db.Set<SnapshotSchedule>().Where(schedule => schedule.Enabled && schedule.NextAt <= now).OrderBy(schedule => schedule.NextAt).Take(100).ToListAsync(cancellationToken);
        foreach (var schedule in due)
        {
            // However many times were missed, one snapshot makes up for them.
            if (CronTimes.Parse(schedule.Cron)?.After(now) is { } next)
                schedule.NextAt = next;
            else
                schedule.Enabled = false;
            await db.SaveChangesAsync(cancellationToken);
            await using var own = await contexts.CreateDbContextAsync(cancellationToken);
            var container = await own.Set<Container>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == schedule.ContainerId, cancellationToken);
            // Nothing changes while a container is stopped: one snapshot after it did is enough.
            if (container is null || container.DeletedAt is not null || await IsUnchanged(own, container, cancellationToken))
                continue;
            if ((await snapshots.Add(own, container, null, "", cancellationToken)).Error is not { } refused)
                continue;
            ContainerStory.Tell(own, container.Id, now, "snapshot.skipped", $"The scheduled snapshot wasn't taken: {refused.Message}");
            await own.SaveChangesAsync(cancellationToken);
        }
    }

    private static async Task<bool> IsUnchanged(DemiurgeDbContext db, Container container, CancellationToken cancellationToken) =>
        container is { State: ContainerState.Stopped, StartedAt: null }
        && await db.Set<Snapshot>().AnyAsync(
            row => row.ContainerId == container.Id && row.State == SnapshotState.Ready && row.CreatedAt > container.StateChangedAt, cancellationToken);

    private async Task BeginWork(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var restores = await (
            from restore in db.Set<SnapshotRestore>().AsNoTracking()
            join container in db.Set<Container>() on restore.ContainerId equals container.Id
            where restore.FinishedAt == null && (restore.NextAttemptAt == null || restore.NextAttemptAt <= now)
            orderby restore.Id
            select new { restore.Id, restore.ContainerId, container.HostId }).ToListAsync(cancellationToken);
        foreach (var row in restores)
            TryBegin(row.ContainerId, row.HostId, token => restorer.Restore(row.Id, token), cancellationToken);
        var rows = await (
            from snapshot in db.Set<Snapshot>().AsNoTracking()
            join container in db.Set<Container>() on snapshot.ContainerId equals container.Id into found
            from container in found.DefaultIfEmpty()
            where snapshot.State == SnapshotState.Deleting || (snapshot.State == SnapshotState.Creating && (snapshot.NextAttemptAt == null || snapshot.NextAttemptAt <= now))
            orderby snapshot.Id
            select new { snapshot.Id, snapshot.ContainerId, snapshot.State, HostId = (Guid?)container.HostId }).ToListAsync(cancellationToken);
        foreach (var row in rows)
        {
            if (row.State == SnapshotState.Deleting)
                TryBegin(row.ContainerId, null, token => Remove(row.Id, token), cancellationToken);
            else
                TryBegin(row.ContainerId, row.HostId, token => Take(row.Id, row.ContainerId, token), cancellationToken);
        }
    }

    private async Task Take(Guid snapshotId, Guid containerId, CancellationToken cancellationToken)
    {
        await taker.Take(snapshotId, cancellationToken);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Set<SnapshotSchedule>().AsNoTracking().SingleOrDefaultAsync(row => row.ContainerId == containerId, cancellationToken) is not { } schedule)
            return;
        var kept = db.Set<Snapshot>().Where(row => row.ContainerId == containerId && row.Automatic && row.State == SnapshotState.Ready).OrderByDescending(row => row.Id).Take(schedule.Keep).Select(row => row.Id);
        var removed = await db.Set<Snapshot>()
            .Where(row => row.ContainerId == containerId && row.Automatic && row.State == SnapshotState.Ready && !kept.Contains(row.Id)
                && !db.Set<SnapshotRestore>().Any(restore => restore.SnapshotId == row.Id && restore.FinishedAt == null))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.State, SnapshotState.Deleting), cancellationToken);
        if (removed > 0)
            signal.Set();
    }

    private async Task Remove(Guid snapshotId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Set<Snapshot>().SingleOrDefaultAsync(row => row.Id == snapshotId && row.State == SnapshotState.Deleting, cancellationToken) is not { } snapshot)
            return;
        try
        {
            if (snapshot.Location is { } location)
            {
                var (store, key) = stores.Of(location);
                await store.Delete(key, cancellationToken);
            }
            db.Remove(snapshot);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotRemoved(logger, snapshotId, exception.Message);
            snapshot.Reason = $"It can't be removed at the moment: {exception.Message}";
        }
        await db.SaveChangesAsync(cancellationToken);
        changes.Publish(new ContainerChanged(snapshot.OrganizationId, snapshot.ProjectId, snapshot.ContainerId));
    }

    private void TryBegin(Guid containerId, Guid? hostId, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (busy.ContainsKey(containerId) || (hostId is not null && busy.Values.Count(entry => entry.Host == hostId) >= options.Value.PerHost))
                return;
            busy.Add(containerId, (hostId, Task.Run(() => Work(containerId, work, cancellationToken), CancellationToken.None)));
        }
    }

    private async Task Work(Guid containerId, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It is begun again by whoever goes on.
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception);
        }
        finally
        {
            lock (gate)
                busy.Remove(containerId);
            signal.Set();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Work on snapshots failed")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Information, "Removed {Count} half-written snapshots from {Store}")]
        public static partial void Removed(ILogger logger, int count, string store);

        [LoggerMessage(3, LogLevel.Warning, "What was left unfinished on {Place} stays for now: {Reason}")]
        public static partial void NotCleaned(ILogger logger, string place, string reason);

        [LoggerMessage(5, LogLevel.Warning, "Container {ContainerId} was held still for a snapshot that nobody takes any more; it goes on")]
        public static partial void Released(ILogger logger, Guid containerId);

        [LoggerMessage(4, LogLevel.Warning, "The file of snapshot {SnapshotId} stays for now: {Reason}")]
        public static partial void NotRemoved(ILogger logger, Guid snapshotId, string reason);
    }
}
