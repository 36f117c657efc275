using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Snapshots.Archive;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>Takes one snapshot: from the engine through the packer into the store, then reads it back. Only what was read back whole is ready.</summary>
internal sealed partial class SnapshotTaker(
    IDbContextFactory<DemiurgeDbContext> contexts, IContainerVolumes volumes, ContainerVolumePaths paths, SnapshotStores stores, SnapshotService snapshots,
    ContainerChanges changes, IOptions<SnapshotOptions> options, TimeProvider time, ILogger<SnapshotTaker> logger)
{
    public async Task Take(Guid snapshotId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Set<Snapshot>().SingleOrDefaultAsync(row => row.Id == snapshotId && row.State == SnapshotState.Creating, cancellationToken) is not { } snapshot)
            return;
        var container = await db.Set<Container>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == snapshot.ContainerId, cancellationToken);
        var host = container?.HostId is { } hostId ? await db.Set<ContainerHost>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken) : null;
        var store = stores.Current;
        var key = $"{snapshot.OrganizationId:N}/{snapshot.ContainerId:N}/{snapshot.Id:N}.tar.gz";
        string? reason = null;
        var passing = false;
        using var wanted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            if (container is null || host is null)
            {
                reason = "The container is gone.";
            }
            else
            {
                // Known to the row before anything is written, so that a deletion finds it.
                snapshot.Location = SnapshotStores.LocationOf(store, key);
                (snapshot.Format, snapshot.Step, snapshot.NextAttemptAt, snapshot.Bytes, snapshot.UnpackedBytes) = (SnapshotArchive.Format, "Reading the volumes", null, 0, 0);
                await db.SaveChangesAsync(cancellationToken);
                Told(snapshot);
                var (left, _) = await snapshots.Room(db, container, cancellationToken);
                await Write(db, snapshot, container, host, store, key, Math.Max(0, left), wanted);
            }
        }
        catch (OperationCanceledException) when (wanted.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Somebody deleted it; the deletion removes what there is.
            return;
        }
        catch (SnapshotArchiveException exception)
        {
            (reason, passing) = (exception.Message, exception.Passing);
        }
        catch (RuntimeException exception)
        {
            (reason, passing) = (exception.Message, exception.Failure is RuntimeFailure.Unreachable or RuntimeFailure.Failed);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or UnauthorizedAccessException)
        {
            (reason, passing) = (exception.Message, true);
        }
        if (reason is null)
            return;
        await Discard(store, key);
        await Fail(snapshotId, reason, passing);
    }

    private async Task Write(
        DemiurgeDbContext db, Snapshot snapshot, Container container, ContainerHost host, ISnapshotStore store, string key, long left, CancellationTokenSource wanted)
    {
        var token = wanted.Token;
        var (image, mounted) = await paths.Of(db, container, host, token);
        var templateName = await db.Set<Template>().Where(row => row.Id == container.TemplateId).Select(row => row.Slug).SingleAsync(token);
        var limits = new ArchiveLimits(options.Value.LargestBytes, options.Value.LargestEntries);
        ArchiveContent content;
        string hash;
        long bytes;
        await using (var open = await volumes.Open(host, new VolumesSpec(container.Id, container.OrganizationId, image, mounted, container.VolumeSet), token))
        await using (var file = await store.Create(key, token))
        {
            await using var measured = new MeasuredWrites(
                file.Content, left, _ => new SnapshotArchiveException("The quota for snapshots is used up. Delete some, or ask for more."));
            await using var progress = new Progressing(contexts, snapshot, wanted, () => measured.Bytes, Told);
            // Held still for as long as it is read, and not for what follows.
            await using (options.Value.Pause ? await volumes.Pause(host, container.Id, token) : null)
            {
                content = await SnapshotArchive.Write(
                    measured, SnapshotArchive.Describe(container.Id, container.Name, templateName, mounted, snapshot.CreatedAt), open.Read, limits, progress, token);
            }
            await file.Commit(token);
            (hash, bytes) = (measured.Sha256(), measured.Bytes);
        }

        await db.Set<Snapshot>().Where(row => row.Id == snapshot.Id && row.State == SnapshotState.Creating).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Step, "Reading it back").SetProperty(row => row.Bytes, bytes).SetProperty(row => row.UnpackedBytes, content.Bytes), token);
        Told(snapshot);
        await using (var stored = await store.Open(key, token))
        {
            await using var measured = new MeasuredReads(stored);
            var check = await SnapshotArchive.Check(measured, ArchiveLimits.None, null, token);
            // What follows the packed content, if anything, belongs to the file too.
            await measured.CopyToAsync(Stream.Null, token);
            if (measured.Bytes != bytes || measured.Sha256() != hash || check.Digest != content.Digest)
                throw new SnapshotArchiveException("What was stored isn't what was written: the store is damaged.", passing: true);
        }

        await using var writing = await contexts.CreateDbContextAsync(token);
        var row = await writing.Set<Snapshot>().SingleOrDefaultAsync(found => found.Id == snapshot.Id && found.State == SnapshotState.Creating, token);
        if (row is null)
            return;
        (row.State, row.Step, row.Reason, row.FinishedAt) = (SnapshotState.Ready, null, null, time.GetUtcNow());
        (row.Bytes, row.UnpackedBytes, row.Entries, row.Sha256, row.ContentDigest, row.Volumes) = (bytes, content.Bytes, content.Entries, hash, content.Digest, [.. mounted]);
        ContainerStory.Tell(writing, row.ContainerId, time.GetUtcNow(), "snapshot.ready", $"Snapshot {row.Name}: {Size.Of(content.Bytes)} in {Size.Of(bytes)}.");
        await writing.SaveChangesAsync(token);
        Told(row);
    }

    private async Task Fail(Guid snapshotId, string reason, bool passing)
    {
        await using var db = await contexts.CreateDbContextAsync();
        if (await db.Set<Snapshot>().SingleOrDefaultAsync(row => row.Id == snapshotId && row.State == SnapshotState.Creating) is not { } snapshot)
            return;
        Log.Failed(logger, snapshotId, reason);
        snapshot.Attempts++;
        (snapshot.Reason, snapshot.Bytes, snapshot.UnpackedBytes) = (reason, 0, 0);
        if (passing && snapshot.Attempts < options.Value.Attempts)
        {
            snapshot.NextAttemptAt = time.GetUtcNow() + (options.Value.RetryDelay * Math.Pow(2, snapshot.Attempts - 1));
            snapshot.Step = "Waits for another try";
        }
        else
        {
            (snapshot.State, snapshot.Step, snapshot.FinishedAt, snapshot.Location) = (SnapshotState.Failed, null, time.GetUtcNow(), null);
            if (await db.Set<Container>().AnyAsync(row => row.Id == snapshot.ContainerId))
                ContainerStory.Tell(db, snapshot.ContainerId, time.GetUtcNow(), "snapshot.failed", $"The snapshot {snapshot.Name} failed: {reason}");
        }
        await db.SaveChangesAsync();
        Told(snapshot);
    }

    private async Task Discard(ISnapshotStore store, string key)
    {
        try
        {
            await store.Delete(key, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.Left(logger, key, exception.Message);
        }
    }

    private void Told(Snapshot snapshot) => changes.Publish(new ContainerChanged(snapshot.OrganizationId, snapshot.ProjectId, snapshot.ContainerId));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Snapshot {SnapshotId} failed: {Reason}")]
        public static partial void Failed(ILogger logger, Guid snapshotId, string reason);

        [LoggerMessage(2, LogLevel.Warning, "The file {Key} of a snapshot that failed stays: {Reason}")]
        public static partial void Left(ILogger logger, string key, string reason);
    }

    /// <summary>Writes into the row how far it is, twice a second, and ends the work when the row isn't to be made any more.</summary>
    private sealed class Progressing : IProgress<long>, IAsyncDisposable
    {
        private readonly CancellationTokenSource ended = new();
        private readonly Task writing;
        private long unpacked;

        public Progressing(
            IDbContextFactory<DemiurgeDbContext> contexts, Snapshot snapshot, CancellationTokenSource wanted, Func<long> bytes, Action<Snapshot> told)
        {
            writing = Write(contexts, snapshot, wanted, bytes, told);
        }

        public void Report(long value) => Interlocked.Exchange(ref unpacked, value);

        public async ValueTask DisposeAsync()
        {
            await ended.CancelAsync();
            await writing;
            ended.Dispose();
        }

        private async Task Write(
            IDbContextFactory<DemiurgeDbContext> contexts, Snapshot snapshot, CancellationTokenSource wanted, Func<long> bytes, Action<Snapshot> told)
        {
            try
            {
                while (true)
                {
                    await Task.Delay(500, ended.Token);
                    await using var db = await contexts.CreateDbContextAsync(ended.Token);
                    var (now, packed) = (Interlocked.Read(ref unpacked), bytes());
                    if (await db.Set<Snapshot>().Where(row => row.Id == snapshot.Id && row.State == SnapshotState.Creating).ExecuteUpdateAsync(
                        set => set.SetProperty(row => row.UnpackedBytes, now).SetProperty(row => row.Bytes, packed), ended.Token) == 0)
                    {
                        await wanted.CancelAsync();
                        return;
                    }
                    told(snapshot);
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or System.Data.Common.DbException or InvalidOperationException)
            {
                // It is over, or the next one tells more.
            }
        }
    }
}
