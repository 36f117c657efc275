using System.IO.Pipelines;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Snapshots.Archive;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>Brings one snapshot back: check, stop, write into fresh volumes, compare, swap, start, and only then remove the volumes of before.</summary>
internal sealed partial class SnapshotRestorer(
    IDbContextFactory<DemiurgeDbContext> contexts, IContainerVolumes volumes, IContainerRuntimes runtimes, ContainerVolumePaths paths, SnapshotStores stores,
    ContainerService containers, ContainerChanges changes, Installation installation, IOptions<SnapshotOptions> options, TimeProvider time, ILogger<SnapshotRestorer> logger)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public async Task Restore(Guid restoreId, CancellationToken cancellationToken)
    {
        string? reason = null;
        var passing = false;
        try
        {
            reason = await Try(restoreId, cancellationToken);
            if (reason is null)
                return;
        }
        catch (SnapshotArchiveException exception)
        {
            (reason, passing) = (exception.Message, exception.Passing);
        }
        catch (FileNotFoundException)
        {
            reason = "The snapshot's file is gone from the store.";
        }
        catch (RuntimeException exception)
        {
            (reason, passing) = (exception.Message, exception.Failure is RuntimeFailure.Unreachable or RuntimeFailure.Failed);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or UnauthorizedAccessException)
        {
            (reason, passing) = (exception.Message, true);
        }
        await Fail(restoreId, reason, passing);
    }

    /// <summary>Null when it is done, otherwise why it can't be.</summary>
    private async Task<string?> Try(Guid restoreId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Set<SnapshotRestore>().SingleOrDefaultAsync(row => row.Id == restoreId && row.FinishedAt == null, cancellationToken) is not { } restore)
            return null;
        var snapshot = await db.Set<Snapshot>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == restore.SnapshotId, cancellationToken);
        if (snapshot is not { State: SnapshotState.Ready, Location: { } location, Sha256: { } hash, ContentDigest: { } digest })
            return "The snapshot is gone.";
        // A container that was just made gets its host when it is its turn.
        var container = await Until(restore.ContainerId, row => row.HostId is not null && row.State is not (ContainerState.Queued or ContainerState.Pulling), cancellationToken);
        if (container is null)
            return "The container is gone.";
        var host = await db.Set<ContainerHost>().AsNoTracking().SingleAsync(row => row.Id == container.HostId, cancellationToken);
        var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
        var (image, mounted) = await paths.Of(db, container, host, cancellationToken);
        if (!mounted.SequenceEqual(snapshot.Volumes))
            return Errors.OtherVolumes.Message;

        if (restore.VolumeSet == 0 || container.VolumeSet != restore.VolumeSet)
        {
            var (store, key) = stores.Of(location);
            var limits = new ArchiveLimits(Math.Min(tier.DiskBytes, options.Value.LargestBytes), options.Value.LargestEntries);
            await CheckFile(store, key, hash, digest, limits, cancellationToken);

            restore.StartsAfter |= container.Desired == DesiredState.Running;
            restore.VolumeSet = container.VolumeSet + 1;
            await Show(db, restore, container, RestoreState.Stopping, cancellationToken);
            if (await Stopped(container.Id, cancellationToken) is not { } stopped)
                return "The container is gone.";

            await volumes.RemoveSet(host, container.Id, restore.VolumeSet, cancellationToken);
            await using (var open = await volumes.Open(
                host, new VolumesSpec(container.Id, container.OrganizationId, image, mounted, restore.VolumeSet), cancellationToken))
            {
                await Show(db, restore, container, RestoreState.Writing, cancellationToken);
                await Write(open, store, key, mounted, limits, Progress(restore, container, snapshot.UnpackedBytes, cancellationToken), cancellationToken);
                await Show(db, restore, container, RestoreState.Verifying, cancellationToken);
                var written = await SnapshotArchive.Digest(mounted.Count, open.Read, Progress(restore, container, snapshot.UnpackedBytes, cancellationToken), cancellationToken);
                if (written.Digest != digest)
                    throw new SnapshotArchiveException("What was written into the volumes isn't what the snapshot holds. The container keeps the data it had.", passing: true);
            }
            await Show(db, restore, container, RestoreState.Starting, cancellationToken);
            // Somebody may have started it in between; the data of then would be gone without their knowing.
            if (await Stopped(container.Id, cancellationToken) is null)
                return "The container is gone.";
            if ((await containers.SwapVolumes(container.Id, restore.VolumeSet, restore.StartsAfter, cancellationToken)).Error is { } refused)
                return refused.Message;
        }
        await Finish(db, restore, snapshot, host, cancellationToken);
        return null;
    }

    private static async Task CheckFile(ISnapshotStore store, string key, string hash, string digest, ArchiveLimits limits, CancellationToken cancellationToken)
    {
        await using var file = await store.Open(key, cancellationToken);
        await using var measured = new MeasuredReads(file);
        var content = await SnapshotArchive.Check(measured, limits, null, cancellationToken);
        await measured.CopyToAsync(Stream.Null, cancellationToken);
        if (measured.Sha256() != hash || content.Digest != digest)
            throw new SnapshotArchiveException("The snapshot's file was changed since it was taken: its SHA-256 is another. It isn't restored.");
    }

    private static async Task Write(
        IOpenVolumes open, ISnapshotStore store, string key, IReadOnlyList<string> mounted, ArchiveLimits limits, IProgress<long> progress, CancellationToken cancellationToken)
    {
        await using var file = await store.Open(key, cancellationToken);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19));
        var unpacking = Unpack();
        try
        {
            await using var tar = pipe.Reader.AsStream();
            await open.Write(tar, cancellationToken);
        }
        finally
        {
            // Whichever of the two failed first says why.
            await unpacking;
        }

        async Task Unpack()
        {
            Exception? failure = null;
            try
            {
                await using var tar = pipe.Writer.AsStream(leaveOpen: true);
                await SnapshotArchive.Unpack(file, tar, mounted, limits, progress, cancellationToken);
            }
            catch (Exception exception) when (exception is InvalidOperationException or IOException && exception is not SnapshotArchiveException)
            {
                failure = exception;
            }
            await pipe.Writer.CompleteAsync(failure);
        }
    }

    private async Task Finish(DemiurgeDbContext db, SnapshotRestore restore, Snapshot snapshot, ContainerHost host, CancellationToken cancellationToken)
    {
        var container = restore.StartsAfter
            ? await Until(restore.ContainerId, row => row.State is ContainerState.Running or ContainerState.Failed or ContainerState.Stopped || row.Desired != DesiredState.Running, cancellationToken)
            : await Until(restore.ContainerId, _ => true, cancellationToken);
        if (container is null)
            return;
        if (container.State is ContainerState.Running or ContainerState.Stopped)
        {
            // An engine container that was stopped still holds the volumes it was made with.
            if (container.Desired == DesiredState.Stopped)
                await runtimes.Of(host).Remove((await installation.Names(cancellationToken)).Container(container.Id), volumes: false, cancellationToken);
            for (var set = 0; set < restore.VolumeSet; set++)
                await volumes.RemoveSet(host, container.Id, set, cancellationToken);
        }
        (restore.State, restore.Reason, restore.Progress, restore.FinishedAt) = (RestoreState.Done, container.State == ContainerState.Failed ? "The data is restored, but the container didn't start." : null, null, time.GetUtcNow());
        ContainerStory.Tell(db, restore.ContainerId, time.GetUtcNow(), "snapshot.restored", $"The snapshot {snapshot.Name} was restored.");
        await db.SaveChangesAsync(cancellationToken);
        Told(container);
    }

    private async Task Fail(Guid restoreId, string reason, bool passing)
    {
        await using var db = await contexts.CreateDbContextAsync();
        if (await db.Set<SnapshotRestore>().SingleOrDefaultAsync(row => row.Id == restoreId && row.FinishedAt == null) is not { } restore)
            return;
        Log.Failed(logger, restoreId, reason);
        restore.Attempts++;
        (restore.Reason, restore.Progress) = (reason, null);
        var container = await db.Set<Container>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == restore.ContainerId);
        if (passing && restore.Attempts < options.Value.Attempts)
        {
            restore.NextAttemptAt = time.GetUtcNow() + (options.Value.RetryDelay * Math.Pow(2, restore.Attempts - 1));
            restore.State = RestoreState.Waiting;
        }
        else
        {
            (restore.State, restore.FinishedAt) = (RestoreState.Failed, time.GetUtcNow());
            if (container is not null)
                ContainerStory.Tell(db, restore.ContainerId, time.GetUtcNow(), "snapshot.restore_failed", $"The snapshot wasn't restored: {reason} The container keeps the data it had.");
        }
        await db.SaveChangesAsync();
        if (container is null)
            return;
        if (restore.FinishedAt is not null)
            await GiveUp(restore, container);
        Told(container);
    }

    /// <summary>The container goes on with the volumes it had.</summary>
    private async Task GiveUp(SnapshotRestore restore, Container container)
    {
        if (restore.VolumeSet != 0 && container.VolumeSet != restore.VolumeSet && container.HostId is { } hostId)
        {
            try
            {
                await using var db = await contexts.CreateDbContextAsync();
                await volumes.RemoveSet(await db.Set<ContainerHost>().AsNoTracking().SingleAsync(row => row.Id == hostId), container.Id, restore.VolumeSet, CancellationToken.None);
            }
            catch (RuntimeException exception)
            {
                // They go with the container.
                Log.VolumesStay(logger, container.Id, exception.Message);
            }
        }
        if (restore.StartsAfter)
            await containers.SwapVolumes(container.Id, container.VolumeSet, starts: true, CancellationToken.None);
    }

    private async Task<Container?> Stopped(Guid containerId, CancellationToken cancellationToken)
    {
        await containers.StopForRestore(containerId, cancellationToken);
        return await Until(
            containerId, row => row.Desired == DesiredState.Stopped && row.State is ContainerState.Stopped or ContainerState.Failed && row.StartedAt is null, cancellationToken);
    }

    /// <summary>Waits for the row to be like that; null when it is gone or deleted.</summary>
    private async Task<Container?> Until(Guid containerId, Func<Container, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
            {
                var row = await db.Set<Container>().AsNoTracking().SingleOrDefaultAsync(found => found.Id == containerId, cancellationToken);
                if (row is null || row.DeletedAt is not null)
                    return null;
                if (condition(row))
                    return row;
            }
            await Task.Delay(Look, cancellationToken);
        }
    }

    private async Task Show(DemiurgeDbContext db, SnapshotRestore restore, Container container, RestoreState state, CancellationToken cancellationToken)
    {
        (restore.State, restore.Reason, restore.Progress) = (state, null, null);
        await db.SaveChangesAsync(cancellationToken);
        Told(container);
    }

    private Reports Progress(SnapshotRestore restore, Container container, long total, CancellationToken cancellationToken)
    {
        var last = time.GetTimestamp();
        var writing = Task.CompletedTask;
        return new Reports(value =>
        {
            if (total == 0 || !writing.IsCompleted || time.GetElapsedTime(last) < TimeSpan.FromMilliseconds(500))
                return;
            last = time.GetTimestamp();
            writing = Write(Math.Min(1, (double)value / total));
        });

        async Task Write(double fraction)
        {
            try
            {
                await using var db = await contexts.CreateDbContextAsync(cancellationToken);
                await db.Set<SnapshotRestore>().Where(row => row.Id == restore.Id && row.FinishedAt == null)
                    .ExecuteUpdateAsync(set => set.SetProperty(row => row.Progress, fraction), cancellationToken);
                Told(container);
            }
            catch (Exception exception) when (exception is OperationCanceledException or System.Data.Common.DbException)
            {
                // The next one tells more.
            }
        }
    }

    private void Told(Container container) => changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));

    private sealed class Reports(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Restore {RestoreId} failed: {Reason}")]
        public static partial void Failed(ILogger logger, Guid restoreId, string reason);

        [LoggerMessage(2, LogLevel.Warning, "The unused volumes of container {ContainerId} stay for now: {Reason}")]
        public static partial void VolumesStay(ILogger logger, Guid containerId, string reason);
    }
}
