using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Usage;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>Listens to the engines, and compares them with the rows.</summary>
internal sealed partial class ContainerReconciler
{
    private const string AwayReason = "Its host doesn't answer.";

    private static readonly TimeSpan HostRetry = TimeSpan.FromSeconds(1);

    /// <summary>One listener a host; hosts come and go.</summary>
    private async Task WatchHosts()
    {
        var listeners = new Dictionary<Guid, (CancellationTokenSource End, Task Task)>();
        try
        {
            while (true)
            {
                List<ContainerHost> hosts;
                await using (var db = await contexts.CreateDbContextAsync(leading))
                    hosts = await db.Set<ContainerHost>().AsNoTracking().ToListAsync(leading);
                foreach (var gone in listeners.Keys.Except(hosts.Select(host => host.Id)).ToList())
                {
                    await listeners[gone].End.CancelAsync();
                    listeners.Remove(gone);
                }
                foreach (var host in hosts.Where(host => !listeners.ContainsKey(host.Id)))
                {
                    var end = CancellationTokenSource.CreateLinkedTokenSource(leading);
                    listeners.Add(host.Id, (end, Listen(host.Id, end.Token)));
                    Signal(queueChanged);
                }
                await Task.Delay(HostRetry, time, leading);
            }
        }
        finally
        {
            await Task.WhenAll(listeners.Values.Select(listener => listener.Task));
            foreach (var (end, _) in listeners.Values)
                end.Dispose();
        }
    }

    private async Task Listen(Guid hostId, CancellationToken cancellationToken)
    {
        var wasThere = true;
        while (!cancellationToken.IsCancellationRequested)
        {
            var name = "?";
            try
            {
                if (await Host(hostId, cancellationToken) is not { } host)
                    return;
                name = host.Name;
                using var connected = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var runtime = runtimes.Of(host);
                var events = Follow(runtime, connected.Token);
                try
                {
                    // What ended while nobody listened ended with its engine, or with us: it is started again.
                    await Compare(host, runtime, isFirst: true, cancellationToken);
                    heard[hostId] = true;
                    // Once more, for what happened between the two.
                    await Compare(host, runtime, isFirst: false, cancellationToken);
                    if (!wasThere)
                        Log.HostThere(logger, name);
                    wasThere = true;
                    Signal(queueChanged);
                    while (await Task.WhenAny(events, Task.Delay(options.Value.Interval, time, connected.Token)) != events)
                        await Compare(host, runtime, isFirst: false, cancellationToken);
                    await events;
                }
                finally
                {
                    heard.TryRemove(hostId, out _);
                    await connected.CancelAsync();
                    await events.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (RuntimeException exception)
            {
                if (wasThere)
                    Log.HostAway(logger, name, exception.Message);
                wasThere = false;
                await SayAway(hostId, exception.Message, cancellationToken);
            }
            catch (Exception exception)
            {
                Log.Interrupted(logger, exception.Message);
            }
            await Task.Delay(HostRetry, time, cancellationToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Follow(IContainerRuntime runtime, CancellationToken cancellationToken)
    {
        await foreach (var happened in runtime.Watch(cancellationToken))
        {
            if (happened.Kind is "die" or "oom" or "destroy" or "start" or "pause" or "unpause")
                Nudge(happened.ContainerId);
        }
    }

    /// <summary>A host that doesn't answer takes no containers; those that run there are shown as running, with that said.</summary>
    private async Task SayAway(Guid hostId, string error, CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            await db.Set<ContainerHost>().Where(row => row.Id == hostId).ExecuteUpdateAsync(set => set.SetProperty(row => row.LastError, error), cancellationToken);
            foreach (var row in await db.Set<Container>().AsNoTracking()
                .Where(row => row.HostId == hostId && row.State == ContainerState.Running && row.Reason == null).ToListAsync(cancellationToken))
            {
                await writer.Write(row, (_, current) => current.Reason = AwayReason, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.Interrupted(logger, exception.Message);
        }
    }

    /// <summary>Whether it was made only to test an access, and not so long ago that the one who made it must have died.</summary>
    private bool IsTest(RuntimeContainer container) =>
        container.Generation == RuntimeSpec.TestGeneration && container.StartedAt > time.GetUtcNow() - TimeSpan.FromMinutes(2);

    /// <summary>Finds every difference between an engine and the rows, and has it seen to.</summary>
    /// <param name="isFirst">Whether nobody listened to the engine before.</param>
    private async Task Compare(ContainerHost host, IContainerRuntime runtime, bool isFirst, CancellationToken cancellationToken)
    {
        // In this order: a row is there before its engine container, and goes after it.
        var found = (await runtime.List(cancellationToken)).ToDictionary(container => container.Name);
        var names = await installation.Names(cancellationToken);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var ids = found.Values.Select(container => container.ContainerId).ToList();
        var rows = await db.Set<Container>().AsNoTracking()
            .Where(row => row.Place == ContainerPlace.Engine && (row.HostId == host.Id || ids.Contains(row.Id))).ToListAsync(cancellationToken);
        var versions = await db.Set<TemplateVersion>().AsNoTracking().ToDictionaryAsync(version => (version.TemplateId, version.Version), version => version.Spec, cancellationToken);
        var known = rows.Where(row => row.HostId == host.Id).Select(row => names.Container(row.Id)).ToHashSet();
        foreach (var orphan in found.Values.Where(container => !known.Contains(container.Name) && !IsTest(container)))
        {
            // Volumes stay: a database that was set back knows less than there is.
            await runtime.Remove(orphan.Name, volumes: false, cancellationToken);
            Log.OrphanRemoved(logger, orphan.Name, host.Name);
        }
        var seen = new List<Guid>();
        foreach (var row in rows.Where(row => row.HostId == host.Id))
        {
            var container = found.GetValueOrDefault(names.Container(row.Id));
            // Held still for a snapshot it runs; whoever took it, or comes after them, lets it go on.
            var runs = container is { State: RuntimeState.Running or RuntimeState.Paused };
            if (runs && row.StartedAt is not null)
                seen.Add(row.Id);
            switch (row)
            {
                case { Desired: DesiredState.Running, State: ContainerState.Running } when !runs || container!.Generation != row.Generation:
                    if (isFirst)
                        await StartAgain(row, container, cancellationToken);
                    else
                        Nudge(row.Id);
                    break;
                case { Desired: DesiredState.Running, State: ContainerState.Running }
                    when row.Reason == AwayReason || !ContainerStarter.Endpoints(row, versions[(row.TemplateId, row.TemplateVersion)], container!).SequenceEqual(row.Endpoints):
                    Nudge(row.Id);
                    break;
                case { Desired: DesiredState.Stopped } when runs || row.State == ContainerState.Stopping:
                case { Desired: DesiredState.Deleted } when container is not null || row.EngineId is not null:
                    Nudge(row.Id);
                    break;
            }
        }
        var now = time.GetUtcNow();
        await db.Set<UsageRecord>().Where(record => record.To == null && seen.Contains(record.ContainerId))
            .ExecuteUpdateAsync(set => set.SetProperty(record => record.SeenAt, now), cancellationToken);
        // It takes containers again, without waiting for the regular look at the hosts.
        await db.Set<ContainerHost>().Where(row => row.Id == host.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastSeenAt, now).SetProperty(row => row.LastError, (string?)null), cancellationToken);
    }

    /// <summary>It ended with its engine, or while nobody looked: once more.</summary>
    private async Task StartAgain(Container row, RuntimeContainer? container, CancellationToken cancellationToken)
    {
        await writer.Write(
            row,
            async (db, current) =>
            {
                current.Desired = DesiredState.Running;
                current.StartedAt = null;
                current.ExitCode = null;
                current.QueuedAt = time.GetUtcNow();
                current.NextAttemptAt = null;
                writer.Show(db, current, ContainerState.Queued, "Its host was restarted; it starts again.", "Ended with its host; starts again.");
                await UsageMeter.Ended(db, current.Id, container?.FinishedAt, cancellationToken);
            },
            cancellationToken);
        Signal(queueChanged);
    }
}
