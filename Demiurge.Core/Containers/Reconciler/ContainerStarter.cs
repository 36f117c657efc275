using System.Diagnostics;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Containers.Usage;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>
/// Takes one container from its turn in the queue to running: image, engine, health. Every step can be repeated, so a start that a dead
/// process began is simply begun again.
/// </summary>
internal sealed partial class ContainerStarter(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerWriter writer, ContainerEnvironment environment, ContainerLogKeeper logs, HealthProbe health,
    Installation installation, ContainerMetrics metrics, IOptions<ContainerOptions> options, TimeProvider time, ILogger<ContainerStarter> logger)
{
    /// <summary>How long a service without a check of its own may take until it takes connections.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan FirstProbe = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    /// <param name="engineDone">Called when the engine has done its part, and the next container may have its turn.</param>
    public async Task Start(Container container, ContainerHost host, IContainerRuntime runtime, ContainerWork work, Action engineDone)
    {
        var cancellationToken = work.Cancelled;
        var redactor = new Redactor([]);
        try
        {
            TemplateSpec template;
            RuntimeSpec spec;
            await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
            {
                template = (await db.Set<TemplateVersion>().AsNoTracking().SingleAsync(
                    row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
                var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
                redactor = await environment.Redactor(db, container, cancellationToken);
                spec = MakeSpec(container, host, template, tier, await environment.Variables(db, container, template, cancellationToken));
            }

            if (await EnsureImage(container, host, runtime, spec.Image, cancellationToken) is { } missing)
            {
                await Fail(container, runtime, redactor.Apply(missing), final: true, CancellationToken.None);
                return;
            }
            var current = await writer.Write(
                container,
                (db, row) =>
                {
                    row.HostId = host.Id;
                    writer.Show(db, row, ContainerState.Starting, null, "Starting.");
                },
                cancellationToken);
            if (current is null)
                return;

            var name = (await installation.Names(cancellationToken)).Container(container.Id);
            // A generation that still runs ends politely, and leaves its last words.
            if (container.Generation > 1 && await runtime.Find(name, cancellationToken) is { } earlier && earlier.Generation != container.Generation)
            {
                if (earlier.State == RuntimeState.Running)
                    await runtime.Stop(name, options.Value.StopGrace, cancellationToken);
                await logs.Keep(container, runtime, name, cancellationToken);
            }
            var running = await runtime.Ensure(spec, cancellationToken);
            if (running.State != RuntimeState.Running)
            {
                await Fail(container, runtime, redactor.Apply(running.Error ?? EndReason.Of(running)), final: false, CancellationToken.None);
                return;
            }
            engineDone();
            var isAwaited = AwaitedOf(container, template).Any(service => PortOf(service, container) > 0);
            if (!await Observe(container, running, template, !isAwaited))
                return;
            if (isAwaited)
                await WaitForHealth(container, runtime, running, template, redactor, work);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever cancelled it knows what is wanted instead.
        }
        catch (RuntimeException exception) when (exception.Failure == RuntimeFailure.Unreachable)
        {
            await Wait(container, "Its host doesn't answer; it is started as soon as it does.", CancellationToken.None);
        }
        catch (RuntimeException exception)
        {
            await Fail(container, runtime, redactor.Apply(exception.Message), exception.Failure == RuntimeFailure.Refused, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception, container.Id);
            await Fail(container, runtime, "Something went wrong on our side; the server's log has the details.", final: false, CancellationToken.None);
        }
    }

    /// <summary>The container waits, without that counting as an attempt.</summary>
    public Task Wait(Container container, string reason, CancellationToken cancellationToken) => writer.Write(
        container,
        (db, row) =>
        {
            row.NextAttemptAt = time.GetUtcNow() + options.Value.RetryDelay;
            row.QueuedAt ??= time.GetUtcNow();
            if (row.State == ContainerState.Queued && row.Reason == reason)
                return;
            writer.Show(db, row, ContainerState.Queued, reason, reason);
        },
        cancellationToken);

    /// <summary>What is to be started, as its template, tier and options have it.</summary>
    internal RuntimeSpec MakeSpec(Container container, ContainerHost host, TemplateSpec template, Tier tier, Dictionary<string, string> variables)
    {
        var values = environment.Values(container, withSecrets: true);
        string[]? command = null;
        if (template.Command is { } parts)
        {
            var filled = parts.Select(part => TemplateText.Fill(part, values)).ToList();
            command = filled.Contains(null) ? null : [.. filled.OfType<string>()];
        }
        return new RuntimeSpec(
            container.Id, container.OrganizationId, container.Generation, TemplateText.Fill(template.Image, values) ?? template.Image, variables,
            [.. template.Volumes.Select(path => TemplateText.Fill(path, values)).OfType<string>().Where(path => TemplateRules.PathFault(path) is null)],
            [.. ServicesOf(container, template).Select(service => PortOf(service, container)).Where(port => port > 0).Distinct()],
            tier.Cpus, tier.MemoryBytes, tier.Pids, tier.DiskBytes, template.ReadOnlyRoot, template.Tmpfs, template.User, template.WorkingDirectory, command, host.Runtime)
        {
            VolumeSet = container.VolumeSet,
        };
    }

    /// <summary>The template's, and those that its repository adds or replaces.</summary>
    internal static IEnumerable<TemplateService> ServicesOf(Container container, TemplateSpec template) =>
        AwaitedOf(container, template).Concat(container.ExtraServices);

    /// <summary>Those that answer by themselves; a repository's wait for its processes.</summary>
    private static IEnumerable<TemplateService> AwaitedOf(Container container, TemplateSpec template) =>
        template.Services.Where(service => !container.ExtraServices.Exists(extra => extra.Name == service.Name));

    internal static int PortOf(TemplateService service, Container container) =>
        service.PortOption is not { } option ? service.Port
        : int.TryParse(container.Options.GetValueOrDefault(option), out var port) && port is > 0 and < 65536 ? port : 0;

    /// <summary>Its services as the gateway reaches them.</summary>
    internal static List<ContainerEndpoint> Endpoints(Container container, TemplateSpec template, RuntimeContainer running) =>
    [
        .. from service in ServicesOf(container, template)
           let port = PortOf(service, container)
           where running.Reach.ContainsKey(port)
           select new ContainerEndpoint(service.Name, running.Reach[port].Address, running.Reach[port].Port),
    ];

    private async Task<string?> EnsureImage(Container container, ContainerHost host, IContainerRuntime runtime, string image, CancellationToken cancellationToken)
    {
        var shown = default(long);
        var writing = Task.CompletedTask;
        var progress = new Reports(report =>
        {
            if (!writing.IsCompleted || (shown != 0 && Stopwatch.GetElapsedTime(shown) < ProgressInterval))
                return;
            var isFirst = shown == 0;
            shown = Stopwatch.GetTimestamp();
            writing = Task.Run(
                () => writer.Write(
                    container,
                    (db, row) =>
                    {
                        if (isFirst)
                        {
                            row.HostId = host.Id;
                            writer.Show(db, row, ContainerState.Pulling, null, $"Fetching the image {image}.");
                        }
                        row.Progress = report.Fraction;
                    },
                    cancellationToken),
                cancellationToken);
        });
        var state = await runtime.EnsureImage(image, progress, cancellationToken);
        await writing.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return state.Present ? null : state.Error ?? $"The image {image} is not there.";
    }

    /// <summary>Notes what the engine started; false when it isn't wanted any more.</summary>
    private async Task<bool> Observe(Container container, RuntimeContainer running, TemplateSpec template, bool isUsable)
    {
        var queuedAt = container.QueuedAt;
        var observed = await writer.Write(
            container,
            async (db, row) =>
            {
                row.EngineId = running.EngineId;
                row.ImageId = running.ImageId;
                row.StartedAt = running.StartedAt ?? time.GetUtcNow();
                row.QueuedAt = null;
                row.NextAttemptAt = null;
                await UsageMeter.Runs(db, row, row.StartedAt.Value, time.GetUtcNow(), CancellationToken.None);
                if (isUsable)
                    Usable(db, row, running, template);
            },
            CancellationToken.None);
        if (observed is not null && isUsable)
            metrics.Started(queuedAt, time.GetUtcNow());
        return observed is not null;
    }

    private void Usable(DemiurgeDbContext db, Container row, RuntimeContainer running, TemplateSpec template)
    {
        row.Attempts = 0;
        row.ExitCode = null;
        writer.Show(db, row, ContainerState.Running, null, "Running.");
        row.Endpoints = Endpoints(row, template, running);
    }

    private async Task WaitForHealth(
        Container container, IContainerRuntime runtime, RuntimeContainer running, TemplateSpec template, Redactor redactor, ContainerWork work)
    {
        var began = Stopwatch.GetTimestamp();
        var waiting = (
            from service in AwaitedOf(container, template)
            let port = PortOf(service, container)
            where port > 0
            select (Service: service, Port: port)).ToList();
        var longest = waiting.Max(item => item.Service.Health is { } check ? TimeSpan.FromSeconds((double)check.IntervalSeconds * check.Retries) : LongestSilence);
        var pause = FirstProbe;
        var lookedAt = began;
        while (true)
        {
            for (var i = waiting.Count - 1; i >= 0; i--)
            {
                if (running.Reach.TryGetValue(waiting[i].Port, out var reach)
                    && await health.Answers(reach.Address, reach.Port, waiting[i].Service.Health, work.Cancelled))
                    waiting.RemoveAt(i);
            }
            if (waiting.Count == 0)
            {
                if (await writer.Write(container, (db, row) => Usable(db, row, running, template), CancellationToken.None) is not null)
                    metrics.Started(container.QueuedAt, time.GetUtcNow());
                return;
            }
            if (Stopwatch.GetElapsedTime(began) > longest)
            {
                var silent = string.Join(", ", waiting.Select(item => $"{item.Service.Title} (port {item.Port})"));
                await Fail(container, runtime, $"It runs, but {silent} did not answer within {longest.TotalSeconds:0} seconds.", final: false, CancellationToken.None);
                return;
            }
            var happened = await work.Happened.WaitAsync(pause, work.Cancelled);
            // The longer it takes, the less often: from 10 ms to a second.
            pause = TimeSpan.FromMilliseconds(Math.Min(1000, pause.TotalMilliseconds * 1.3));
            if (!happened && Stopwatch.GetElapsedTime(lookedAt) < TimeSpan.FromSeconds(1))
                continue;
            lookedAt = Stopwatch.GetTimestamp();
            var name = (await installation.Names(work.Cancelled)).Container(container.Id);
            if (await runtime.Find(name, work.Cancelled) is { State: RuntimeState.Running } found && found.Generation == container.Generation)
            {
                running = found;
                continue;
            }
            await Died(container, runtime, name, redactor);
            return;
        }
    }

    /// <summary>It ended before its services answered.</summary>
    private async Task Died(Container container, IContainerRuntime runtime, string name, Redactor redactor)
    {
        var dead = await runtime.Find(name, CancellationToken.None);
        await Fail(
            container, runtime, redactor.Apply(dead is null ? "It was removed from its host." : EndReason.Of(dead)), final: false, CancellationToken.None, dead);
    }

    /// <summary>An attempt failed: another follows after a pause, until there were enough of them.</summary>
    private async Task Fail(
        Container container, IContainerRuntime runtime, string reason, bool final, CancellationToken cancellationToken, RuntimeContainer? dead = null)
    {
        var name = (await installation.Names(cancellationToken)).Container(container.Id);
        await logs.Keep(container, runtime, name, cancellationToken);
        var ends = final;
        var written = await writer.Write(
            container,
            async (db, row) =>
            {
                row.Attempts++;
                row.ExitCode = dead?.ExitCode;
                row.StartedAt = null;
                ends = final || row.Attempts >= options.Value.Attempts;
                if (ends)
                {
                    row.Desired = DesiredState.Stopped;
                    row.QueuedAt = null;
                    row.NextAttemptAt = null;
                    writer.Show(db, row, ContainerState.Failed, reason, reason);
                }
                else
                {
                    var pause = options.Value.RetryDelay * Math.Pow(2, row.Attempts - 1);
                    row.NextAttemptAt = time.GetUtcNow() + (pause < LongestPause ? pause : LongestPause);
                    row.QueuedAt ??= time.GetUtcNow();
                    writer.Show(db, row, ContainerState.Queued, $"{reason} Trying again (attempt {row.Attempts + 1} of {options.Value.Attempts}).", reason);
                }
                await UsageMeter.Ended(db, row.Id, dead?.FinishedAt ?? time.GetUtcNow(), cancellationToken);
            },
            cancellationToken);
        if (written is null)
            return;
        metrics.Failed(ends);
        try
        {
            // What doesn't answer is not left running.
            await runtime.Stop(name, options.Value.StopGrace, cancellationToken);
        }
        catch (RuntimeException)
        {
            // The comparison finds it.
        }
    }

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Reports where they are made; <see cref="Progress{T}"/> would put them on other threads, out of order.</summary>
    private sealed class Reports(Action<PullProgress> report) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => report(value);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Starting container {ContainerId} failed unexpectedly")]
        public static partial void Failed(ILogger logger, Exception exception, Guid containerId);
    }
}
