using System.Collections.Concurrent;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>
/// Keeps the engines to what people asked for. Of several processes on one database one at a time does so: the one that holds an advisory
/// lock, which goes with its connection. It looks at a container when somebody asks for something, when an engine tells of it, and when a
/// regular comparison of everything finds a difference; one at a time works on each container, and containers are worked on side by side.
/// Whoever took over, or lost the lock without noticing, does no harm: engine containers have one name each, engine calls can be repeated,
/// and observations of an earlier request are refused by <see cref="ContainerWriter"/>.
/// </summary>
/// <remarks><c>gate</c> guards <c>works</c> and the fields of each <see cref="ContainerWork"/>.</remarks>
internal sealed partial class ContainerReconciler(
    IDbContextFactory<DemiurgeDbContext> contexts, NpgsqlDataSource database, ContainerChanges changes, AccessChanges accessChanges, ContainerWriter writer,
    ContainerStarter starter, ContainerEnder ender, ContainerHousekeeping housekeeping, IContainerRuntimes runtimes, Installation installation,
    IOptions<ContainerOptions> options, TimeProvider time, ILogger<ContainerReconciler> logger) : BackgroundService
{
    private static readonly TimeSpan Standby = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeaseCheck = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, ContainerWork> works = [];
    private readonly SemaphoreSlim queueChanged = new(0, 1);
    private readonly SemaphoreSlim houseChanged = new(0, 1);

    /// <summary>Hosts whose events are heard, and that were compared since they are.</summary>
    private readonly ConcurrentDictionary<Guid, bool> heard = new();
    private Dictionary<Guid, int> announced = [];
    private CancellationToken leading;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(stoppingToken);
                if (await TryLock(connection, stoppingToken))
                    await Lead(connection, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Interrupted(logger, exception.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(Standby, time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private static async Task<bool> TryLock(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock(hashtextextended('demiurge containers', 0))", connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task Lead(NpgsqlConnection connection, CancellationToken stoppingToken)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        leading = lost.Token;
        Log.Leading(logger);
        changes.Requested += Ask;
        accessChanges.Changed += OnAccessChanged;
        try
        {
            await TakeOver(leading);
            await Task.WhenAll(
                Guard(HoldLock(connection), lost), Guard(PumpQueue(), lost), Guard(WatchHosts(), lost), Guard(KeepHouse(), lost));
        }
        finally
        {
            changes.Requested -= Ask;
            accessChanges.Changed -= OnAccessChanged;
            await lost.CancelAsync();
            await Settle();
        }
    }

    /// <summary>One part that ends ends all, so that another process, or this one again, begins with a whole.</summary>
    private async Task Guard(Task part, CancellationTokenSource lost)
    {
        try
        {
            await part;
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            // As it should be.
        }
        catch (Exception exception)
        {
            Log.Interrupted(logger, exception.Message);
        }
        await lost.CancelAsync();
    }

    private async Task HoldLock(NpgsqlConnection connection)
    {
        while (true)
        {
            await Task.Delay(LeaseCheck, time, leading);
            await using var command = new NpgsqlCommand("SELECT 1", connection) { CommandTimeout = 5 };
            await command.ExecuteScalarAsync(leading);
        }
    }

    /// <summary>What another process had begun is begun again; what it had promised is done.</summary>
    private async Task TakeOver(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        await db.Set<Container>()
            .Where(row => row.Place == ContainerPlace.Engine && row.Desired == DesiredState.Running
                && row.State != ContainerState.Running && row.State != ContainerState.Queued)
            .ExecuteUpdateAsync(
                set => set.SetProperty(row => row.State, ContainerState.Queued).SetProperty(row => row.Progress, (double?)null)
                    .SetProperty(row => row.QueuedAt, row => row.QueuedAt ?? now),
                cancellationToken);
        foreach (var id in await db.Set<Container>()
            .Where(row => row.State == ContainerState.Stopping || (row.State == ContainerState.Deleting && row.EngineId != null)).Select(row => row.Id).ToListAsync(cancellationToken))
        {
            Nudge(id);
        }
    }

    private async Task Settle()
    {
        while (true)
        {
            lock (gate)
            {
                if (works.Count == 0)
                    return;
            }
            await Task.Delay(20);
        }
    }

    private void Ask(ContainerChanged change)
    {
        Nudge(change.ContainerId);
        Signal(queueChanged);
    }

    private void OnAccessChanged(AccessChanged change) => Signal(houseChanged);

    private static void Signal(SemaphoreSlim signal)
    {
        try
        {
            signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is going to look anyway.
        }
    }

    /// <summary>Sees to it that somebody looks at the container now, or once more when they are done.</summary>
    internal void Nudge(Guid containerId) => TryBegin(containerId, startsOn: null);

    /// <summary>Begins to work on a container; false when somebody is at it, who then looks at it once more.</summary>
    private bool TryBegin(Guid containerId, ContainerHost? startsOn)
    {
        ContainerWork work;
        lock (gate)
        {
            if (leading.IsCancellationRequested)
                return false;
            if (works.TryGetValue(containerId, out var current))
            {
                current.Again = true;
                current.Poke();
                if (current.For is not null)
                    _ = CancelIfStale(current);
                return false;
            }
            work = new ContainerWork(containerId, leading) { StartsOn = startsOn?.Id };
            works.Add(containerId, work);
        }
        _ = Task.Run(() => Work(work));
        return true;
    }

    private async Task Work(ContainerWork work)
    {
        try
        {
            await Converge(work);
        }
        catch (OperationCanceledException) when (work.Cancelled.IsCancellationRequested)
        {
            // Something else is wanted, or somebody else leads.
        }
        catch (Exception exception)
        {
            if (exception is RuntimeException)
                Log.EngineRefused(logger, work.ContainerId, exception.Message);
            else
                Log.WorkFailed(logger, exception, work.ContainerId);
            _ = NudgeLater(work.ContainerId);
        }
        bool again;
        lock (gate)
        {
            again = work.Again;
            works.Remove(work.ContainerId);
            work.Dispose();
        }
        Signal(queueChanged);
        if (again)
            Nudge(work.ContainerId);
    }

    private async Task NudgeLater(Guid containerId)
    {
        var token = leading;
        await Task.Delay(options.Value.RetryDelay, time, token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        if (!token.IsCancellationRequested)
            Nudge(containerId);
    }

    /// <summary>Ends work for something that isn't wanted any more: an image that is being fetched for a container that was stopped.</summary>
    private async Task CancelIfStale(ContainerWork work)
    {
        try
        {
            var row = await writer.Read(work.ContainerId, leading);
            lock (gate)
            {
                if (works.GetValueOrDefault(work.ContainerId) == work && work.For is { } target && target != (row?.Generation ?? 0, row?.Desired ?? DesiredState.Deleted))
                    work.Cancel();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or NpgsqlException or ObjectDisposedException)
        {
            // Then it comes to its end.
        }
    }

    /// <summary>Does what is missing between what was asked for and what is.</summary>
    private async Task Converge(ContainerWork work)
    {
        var container = await writer.Read(work.ContainerId, work.Cancelled);
        if (container is null)
            return;
        var host = container.HostId is { } hostId ? await Host(hostId, work.Cancelled) : null;
        if (work.StartsOn is { } placedOn && host?.Id != placedOn)
            host = await Host(placedOn, work.Cancelled) ?? host;
        var runtime = host is null ? null : runtimes.Of(host);
        switch (container)
        {
            case { Place: ContainerPlace.Remote }:
                await ender.PurgeRemote(container, work.Cancelled);
                break;
            case { Desired: DesiredState.Deleted }:
                await ender.Remove(container, runtime, work.Cancelled);
                break;
            case { Desired: DesiredState.Stopped }:
                await ender.Stop(container, runtime, work.Cancelled);
                break;
            case { State: ContainerState.Running, HostId: { } on } when !heard.ContainsKey(on):
                // Whether it ended by itself or with its engine is for the comparison to say that comes with the connection.
                break;
            case { State: ContainerState.Running }:
                await ender.Verify(container, runtime, work.Cancelled);
                break;
            case var _ when work.StartsOn is not null && host is not null && runtime is not null:
                lock (gate)
                    work.For = (container.Generation, container.Desired);
                await starter.Start(container, host, runtime, work, () => EngineDone(work));
                break;
            case { State: ContainerState.Queued }:
                Signal(queueChanged);
                break;
            default:
                // A start that came to no end: it has another turn.
                await starter.Wait(container, "Starting it was interrupted; it starts again.", work.Cancelled);
                Signal(queueChanged);
                break;
        }
    }

    /// <summary>The engine has done its part of a start: the next one may begin there.</summary>
    private void EngineDone(ContainerWork work)
    {
        lock (gate)
            work.StartsOn = null;
        Signal(queueChanged);
    }

    private async Task<ContainerHost?> Host(Guid hostId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<ContainerHost>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken);
    }

    private async Task KeepHouse()
    {
        while (true)
        {
            foreach (var id in await housekeeping.Look(leading))
                Nudge(id);
            await houseChanged.WaitAsync(options.Value.Interval, leading);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "This process looks after the containers now")]
        public static partial void Leading(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "Looking after the containers was interrupted: {Reason}")]
        public static partial void Interrupted(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Warning, "Container {ContainerId} has to wait for its engine: {Reason}")]
        public static partial void EngineRefused(ILogger logger, Guid containerId, string reason);

        [LoggerMessage(4, LogLevel.Error, "Working on container {ContainerId} failed; trying again")]
        public static partial void WorkFailed(ILogger logger, Exception exception, Guid containerId);

        [LoggerMessage(5, LogLevel.Warning, "The engine of host {Host} doesn't answer: {Reason}")]
        public static partial void HostAway(ILogger logger, string host, string reason);

        [LoggerMessage(6, LogLevel.Information, "Removed {Name} from host {Host}: there is no such container any more")]
        public static partial void OrphanRemoved(ILogger logger, string name, string host);

        [LoggerMessage(7, LogLevel.Information, "The engine of host {Host} answers")]
        public static partial void HostThere(ILogger logger, string host);
    }
}
