using System.Diagnostics;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Repositories.Yaml;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Containers.Repositories.Running;

/// <summary>
/// Sets up containers that are made from repositories: clone or update, read <c>demiurge.yaml</c>, install, start processes. One process at a time does so
/// (<see cref="AdvisoryLease"/>), one run a container. Where a process that died was, the next goes on at the same step; steps must put up with being run twice.
/// After each start of a container its processes are started again.
/// </summary>
/// <remarks><c>gate</c> guards <c>busy</c>.</remarks>
internal sealed partial class RepositoryRunner(
    IDbContextFactory<DemiurgeDbContext> contexts, AdvisoryLease lease, RepositoryService repositories, ContainerService containers, ContainerEnvironment environment,
    IContainerRuntimes runtimes, Installation installation, ContainerChanges changes, RepositorySignal signal, TimeProvider time, ILogger<RepositoryRunner> logger) : BackgroundService
{
    private const int MostRuns = 50;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestClone = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Task> busy = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => lease.Hold("demiurge repositories", Lead, stoppingToken);

    private async Task Lead(CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                try
                {
                    await FollowStarts(cancellationToken);
                    await BeginRuns(cancellationToken);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    Log.Failed(logger, exception);
                }
                await signal.Wait(Look, cancellationToken);
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
                rest = [.. busy.Values];
            await Task.WhenAll(rest);
        }
    }

    /// <summary>A container that runs for the first time is set up; one that was started again gets its processes.</summary>
    private async Task FollowStarts(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Set<Container>().AsNoTracking()
            .Where(row => row.RepositoryId != null && row.State == ContainerState.Running && row.StartedAt != null && row.Place == ContainerPlace.Engine)
            .Select(row => new
            {
                row.Id, RepositoryId = row.RepositoryId!.Value, StartedAt = row.StartedAt!.Value, row.CreatedAt,
                Runs = db.Set<RepositoryRun>().Count(run => run.ContainerId == row.Id),
                Last = db.Set<RepositoryRun>().Where(run => run.ContainerId == row.Id).OrderByDescending(run => run.Id).FirstOrDefault(),
            }).ToListAsync(cancellationToken);
        foreach (var row in rows)
        {
            if (row.Last is null)
                db.Add(new RepositoryRun { ContainerId = row.Id, RepositoryId = row.RepositoryId, CreatedAt = time.GetUtcNow() });
            else if (row.Last is { State: RunState.Succeeded } last && last.ContainerStartedAt is { } at && (row.StartedAt - at).Duration() > TimeSpan.FromSeconds(2))
                db.Add(new RepositoryRun { ContainerId = row.Id, RepositoryId = row.RepositoryId, OnlyProcesses = true, CreatedAt = time.GetUtcNow() });
            else
                continue;
            if (row.Runs >= MostRuns)
            {
                var oldest = await db.Set<RepositoryRun>().Where(run => run.ContainerId == row.Id).OrderBy(run => run.Id).FirstAsync(cancellationToken);
                db.Remove(oldest);
            }
        }
        await db.SaveChangesAsync(cancellationToken);
    }

    private async Task BeginRuns(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var runs = await (
            from run in db.Set<RepositoryRun>().AsNoTracking()
            join container in db.Set<Container>() on run.ContainerId equals container.Id
            where run.FinishedAt == null && container.State == ContainerState.Running
            orderby run.Id
            select new { run.Id, run.ContainerId }).ToListAsync(cancellationToken);
        lock (gate)
        {
            foreach (var run in runs.Where(run => !busy.ContainsKey(run.ContainerId)))
                busy.Add(run.ContainerId, Task.Run(() => Work(run.Id, run.ContainerId, cancellationToken), CancellationToken.None));
        }
    }

    private async Task Work(Guid runId, Guid containerId, CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            var run = await db.Set<RepositoryRun>().SingleOrDefaultAsync(row => row.Id == runId && row.FinishedAt == null, cancellationToken);
            if (run is not null)
                await Run(db, run, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever goes on begins with the same step.
        }
        catch (DbUpdateConcurrencyException)
        {
            // The container is gone.
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

    private async Task Run(DemiurgeDbContext db, RepositoryRun run, CancellationToken cancellationToken)
    {
        var container = await db.Set<Container>().AsNoTracking().SingleAsync(row => row.Id == run.ContainerId, cancellationToken);
        var repository = await db.Set<Repository>().SingleAsync(row => row.Id == run.RepositoryId, cancellationToken);
        var host = await db.Set<ContainerHost>().AsNoTracking().SingleAsync(row => row.Id == container.HostId, cancellationToken);
        var template = (await db.Set<TemplateVersion>().AsNoTracking().SingleAsync(
            row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
        var work = new Setup(
            db, run, container, repository, runtimes.Of(host), (await installation.Names(cancellationToken)).Container(container.Id),
            $"{(template.Volumes.Count > 0 ? template.Volumes[0].TrimEnd('/') : "/tmp")}/{GitScript.FolderOf(repository.Url)}",
            await db.Set<Template>().Where(row => row.Id == container.TemplateId).Select(row => row.Slug).SingleAsync(cancellationToken),
            await environment.Redactor(db, container, cancellationToken), [.. (await environment.Variables(db, container, template, cancellationToken)).Keys]);

        run.State = RunState.Running;
        run.ContainerStartedAt = container.StartedAt;
        if (run.Steps.Count == 0)
        {
            run.Steps = run.OnlyProcesses
                ? [new RunStep(StepKind.Processes, "Start the processes", "", null, (int)LongestStart.TotalSeconds)]
                : [
                    new RunStep(StepKind.Clone, "Clone or update", "", null, (int)LongestClone.TotalSeconds),
                    new RunStep(StepKind.Read, $"Read {WorkspaceFileParser.FileName}", "", null, 60),
                ];
        }
        await Save(work, cancellationToken);
        for (var index = 0; index < run.Steps.Count; index++)
        {
            if (run.Steps[index].State == StepState.Succeeded)
                continue;
            if (await Step(work, index, cancellationToken) is { } reason)
            {
                (run.State, run.Reason, run.FinishedAt) = (RunState.Failed, reason, time.GetUtcNow());
                repository.LastError = reason.Length > 1000 ? reason[..1000] : reason;
                ContainerStory.Tell(db, container.Id, time.GetUtcNow(), "repository.failed", $"{run.Steps[index].Name} failed: {reason}");
                await Save(work, cancellationToken);
                return;
            }
            if (work.Restarts)
            {
                // With its new services it comes back by itself, and the run goes on then.
                run.State = RunState.Waiting;
                await Save(work, cancellationToken);
                return;
            }
        }
        (run.State, run.Reason, run.FinishedAt) = (RunState.Succeeded, null, time.GetUtcNow());
        repository.LastError = null;
        if (!run.OnlyProcesses)
            ContainerStory.Tell(db, container.Id, time.GetUtcNow(), "repository.ready", $"The repository is set up at {run.Commit?[..Math.Min(8, run.Commit.Length)]}.");
        await Save(work, cancellationToken);
    }

    /// <summary>Null when it succeeded, otherwise why not.</summary>
    private async Task<string?> Step(Setup work, int index, CancellationToken cancellationToken)
    {
        var step = work.Run.Steps[index];
        Put(step with { State = StepState.Running, StartedAt = time.GetUtcNow(), FinishedAt = null, ExitCode = null, Output = "" });
        await Save(work, cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(step.TimeoutSeconds));
        var output = "";
        var saving = Task.CompletedTask;
        var saved = Stopwatch.GetTimestamp();
        string? reason;
        int? code = null;
        try
        {
            (reason, code) = step.Kind switch
            {
                StepKind.Clone => await Clone(work, Written, limit.Token),
                StepKind.Read => (await Read(work, Written, limit.Token), null),
                StepKind.Install => await Install(work, step, Written, limit.Token),
                _ => (await StartProcesses(work, Written, limit.Token), null),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            reason = $"It didn't end within {TimeSpan.FromSeconds(step.TimeoutSeconds).TotalMinutes:0.#} minutes.";
            await ContainerShell.Run(work.Runtime, work.Name, SupervisorScript.EndStep, [], null, null, null, cancellationToken);
        }
        catch (RuntimeException exception)
        {
            reason = exception.Message;
        }
        await saving;
        reason = reason is null ? null : work.Redactor.Apply(reason);
        Put(work.Run.Steps[index] with { State = reason is null ? StepState.Succeeded : StepState.Failed, FinishedAt = time.GetUtcNow(), ExitCode = code, Output = Shown() });
        await Save(work, cancellationToken);
        return reason;

        void Put(RunStep changed) => work.Run.Steps = [.. work.Run.Steps.Select((other, at) => at == index ? changed : other)];

        string Shown()
        {
            var text = work.Redactor.Apply(output).Replace("\0", "", StringComparison.Ordinal);
            return text.Length > ContainerShell.LongestOutput ? text[^ContainerShell.LongestOutput..] : text;
        }

        // Twice a second into the row, by a context of its own: the run's is not for two at a time.
        void Written(string text)
        {
            output = text;
            if (!saving.IsCompleted || Stopwatch.GetElapsedTime(saved) < TimeSpan.FromMilliseconds(500))
                return;
            saved = Stopwatch.GetTimestamp();
            var steps = work.Run.Steps.Select((other, at) => at == index ? other with { Output = Shown() } : other).ToList();
            saving = Show(work, steps, cancellationToken);
        }
    }

    private async Task Show(Setup work, List<RunStep> steps, CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            await db.Set<RepositoryRun>().Where(row => row.Id == work.Run.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.Steps, steps), cancellationToken);
            Told(work);
        }
        catch (Exception exception) when (exception is OperationCanceledException or System.Data.Common.DbException)
        {
            // The next one shows more.
        }
    }

    private async Task<(string? Reason, int? Code)> Clone(Setup work, Action<string> written, CancellationToken cancellationToken)
    {
        var (said, (code, commit)) = await repositories.Git(work.Db, work.Runtime, work.Name, work.Repository, "clone", work.Folder, written, cancellationToken);
        written(said);
        if (code != 0)
            return (RepositoryService.Explain(said), code);
        work.Run.Commit = work.Repository.LastCommit = commit;
        return (null, code);
    }

    private async Task<string?> Read(Setup work, Action<string> written, CancellationToken cancellationToken)
    {
        var (code, text) = await ContainerShell.Run(
            work.Runtime, work.Name, $"cd \"$1\" && [ -f {WorkspaceFileParser.FileName} ] || exit 44; head -c {YamlDocument.LongestText + 1} {WorkspaceFileParser.FileName}", [work.Folder], null, null,
            null, cancellationToken);
        if (code == 44)
        {
            written($"There is no {WorkspaceFileParser.FileName}: nothing to install, no processes.");
            work.Repository.File = null;
            return null;
        }
        if (code != 0)
            return $"{WorkspaceFileParser.FileName} can't be read.";
        var reading = WorkspaceFileParser.Parse(text);
        if (reading.File is not { } file)
        {
            written(string.Join('\n', reading.Problems));
            return $"{WorkspaceFileParser.FileName}, {reading.Problems[0]}{(reading.Problems.Count > 1 ? $" (and {reading.Problems.Count - 1} more)" : "")}";
        }
        written($"{file.Services.Count} services, {file.Install.Count} install steps, {file.Processes.Count} processes.");
        if (file.Template is { } wanted && work.Template != wanted)
            written($"It asks for the template {wanted}; this container is made from {work.Template}.");
        var missing = file.Environment.Where(name => !work.Variables.Contains(name)).ToList();
        if (missing.Count > 0)
            return $"The container has no value for {string.Join(", ", missing)}. Put it into an env set of the container, restart it, and try again.";
        work.Repository.File = text;
        work.Run.Steps =
        [
            .. work.Run.Steps.Where(step => step.Kind is StepKind.Clone or StepKind.Read),
            .. file.Install.Select(step => new RunStep(StepKind.Install, step.Name, step.Run, step.Directory, (int)step.Timeout.TotalSeconds)),
            .. file.Processes.Count > 0 ? new[] { new RunStep(StepKind.Processes, "Start the processes", "", null, (int)LongestStart.TotalSeconds) } : [],
        ];
        work.Restarts = await containers.SetExtraServices(work.Container.Id, file.Services, cancellationToken);
        return null;
    }

    private static async Task<(string? Reason, int? Code)> Install(Setup work, RunStep step, Action<string> written, CancellationToken cancellationToken)
    {
        var folder = step.Directory is null ? work.Folder : $"{work.Folder}/{step.Directory}";
        var (code, output) = await ContainerShell.Run(work.Runtime, work.Name, SupervisorScript.Step, [folder, step.Command], null, null, written, cancellationToken);
        written(output);
        return (code == 0 ? null : $"It ended with exit code {code}.", code);
    }

    private static async Task<string?> StartProcesses(Setup work, Action<string> written, CancellationToken cancellationToken)
    {
        var processes = work.Repository.File is { } text ? WorkspaceFileParser.Parse(text).File?.Processes ?? [] : [];
        await ContainerShell.Run(work.Runtime, work.Name, SupervisorScript.EndAll, [], null, null, null, cancellationToken);
        foreach (var process in processes)
        {
            var folder = process.Directory is null ? work.Folder : $"{work.Folder}/{process.Directory}";
            await ContainerShell.Run(
                work.Runtime, work.Name, SupervisorScript.Begin, SupervisorScript.Arguments(process, folder), null,
                new Dictionary<string, string> { ["SUPERVISE"] = SupervisorScript.Supervise }, null, cancellationToken);
        }
        var mark = $"=={Guid.NewGuid():N}==";
        while (processes.Count > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
            var (_, report) = await ContainerShell.Run(work.Runtime, work.Name, SupervisorScript.Report, [mark], null, null, null, cancellationToken);
            var found = SupervisorScript.Read(report, mark);
            written(string.Join("\n", found.Select(process => $"{process.Name}: {process.State}{(process.ExitCode is { } code ? $" (exit code {code})" : "")}\n{process.Log}")));
            foreach (var process in found)
            {
                var policy = processes.FirstOrDefault(wanted => wanted.Name == process.Name)?.Restart;
                if (process.State is "waiting" or "unhealthy" || (process.State == "exited" && process.ExitCode != 0))
                    return $"{process.Name} {(process.State == "unhealthy" ? "didn't pass its health check" : $"ended with exit code {process.ExitCode}")}{(policy == RestartPolicy.Never ? "" : "; it is started again until it stays")}.";
            }
            if (found.Count == processes.Count && found.TrueForAll(process => process.State is "running" or "healthy" or "exited"))
                break;
        }
        return null;
    }

    private async Task Save(Setup work, CancellationToken cancellationToken)
    {
        await work.Db.SaveChangesAsync(cancellationToken);
        Told(work);
    }

    private void Told(Setup work) => changes.Publish(new ContainerChanged(work.Container.OrganizationId, work.Container.ProjectId, work.Container.Id));

    private sealed record Setup(
        DemiurgeDbContext Db, RepositoryRun Run, Container Container, Repository Repository, IContainerRuntime Runtime, string Name, string Folder, string Template, Redactor Redactor,
        HashSet<string> Variables)
    {
        /// <summary>Whether the container was asked to start anew.</summary>
        public bool Restarts { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Setting up a repository failed")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
