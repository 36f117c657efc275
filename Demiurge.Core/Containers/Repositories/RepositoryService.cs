using System.Security.Cryptography;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Repositories.Running;
using Demiurge.Core.Containers.Repositories.Yaml;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>
/// What people do with Git repositories that containers are made from. For the role edit in the project, and for those who control the container. Safe for
/// concurrent use.
/// </summary>
public sealed class RepositoryService(
    IDbContextFactory<DemiurgeDbContext> contexts, IDataProtectionProvider protection, IContainerRuntimes runtimes, Installation installation, ContainerEnvironment environment,
    ContainerChanges changes, RepositorySignal signal, IOptions<ContainerOptions> options, TimeProvider time)
{
    private static readonly TimeSpan TestTime = TimeSpan.FromSeconds(60);

    /// <summary>Tests at once, of all people: each is a container that no quota counts.</summary>
    private const int MostTests = 4;

    private readonly HashSet<Guid> testing = [];

    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.Containers.DeployKeys");

    /// <summary>Adds one, with a deploy key of its own.</summary>
    public async Task<Result<RepositoryInfo>> Add(Actor actor, Guid projectId, string? url, string? branch = null, CancellationToken cancellationToken = default)
    {
        url = url?.Trim() ?? "";
        branch = string.IsNullOrWhiteSpace(branch) ? null : branch.Trim();
        if (!GitScript.IsUrl(url))
            return Errors.UrlInvalid;
        if (branch is not null && !GitScript.IsBranch(branch))
            return Errors.BranchInvalid;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Require(db, actor, projectId, ProjectRole.Edit, cancellationToken) is { Error: { } refused })
            return refused;
        var organizationId = await db.Projects.Where(project => project.Id == projectId).Select(project => project.OrganizationId).SingleAsync(cancellationToken);
        var id = Guid.CreateVersion7();
        var key = DeployKey.Create($"demiurge-{id.ToString("N")[^8..]}");
        var repository = new Repository
        {
            Id = id, OrganizationId = organizationId, ProjectId = projectId, Url = url, Branch = branch, DeployKeyPublic = key.Public, DeployKeyProtected = protector.Protect(key.Private),
            CreatedBy = actor.UserId, CreatedAt = time.GetUtcNow(),
        };
        db.Add(repository);
        AuditLog.Record(db, time, actor, "repository.added", organizationId, projectId, details: [("repository", id), ("url", url)]);
        await db.SaveChangesAsync(cancellationToken);
        return InfoOf(repository);
    }

    public async Task<Result<IReadOnlyList<RepositoryInfo>>> List(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Require(db, actor, projectId, ProjectRole.View, cancellationToken) is { Error: { } refused })
            return refused;
        var rows = await db.Set<Repository>().AsNoTracking().Where(row => row.ProjectId == projectId).OrderBy(row => row.Id).ToListAsync(cancellationToken);
        return rows.ConvertAll(InfoOf);
    }

    public async Task<Result<RepositoryInfo>> Get(Actor actor, Guid repositoryId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Find(db, actor, repositoryId, ProjectRole.View, cancellationToken);
        return found.Succeeded ? InfoOf(found.Value) : found.Error;
    }

    public async Task<Result> Delete(Actor actor, Guid repositoryId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Find(db, actor, repositoryId, ProjectRole.Edit, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        if (await db.Set<Container>().AnyAsync(row => row.RepositoryId == repositoryId, cancellationToken))
            return Errors.InUse;
        db.Remove(found.Value);
        AuditLog.Record(db, time, actor, "repository.deleted", found.Value.OrganizationId, found.Value.ProjectId, details: [("repository", repositoryId), ("url", found.Value.Url)]);
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Trusts whatever keys the server shows next time: after it was moved, say.</summary>
    public async Task<Result> ForgetHostKeys(Actor actor, Guid repositoryId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Find(db, actor, repositoryId, ProjectRole.Edit, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        found.Value.HostKeys = null;
        AuditLog.Record(db, time, actor, "repository.host_keys_forgotten", found.Value.OrganizationId, found.Value.ProjectId, details: [("repository", repositoryId)]);
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Asks the server for its branches with the deploy key, from a container that is made for it in the organization's network.</summary>
    public async Task<Result<AccessTest>> TestAccess(Actor actor, Guid repositoryId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Find(db, actor, repositoryId, ProjectRole.Edit, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        lock (testing)
        {
            if (testing.Count >= MostTests || !testing.Add(actor.UserId))
                return Errors.TestUnderWay;
        }

        try
        {
            return await TestAccess(db, found.Value, cancellationToken);
        }
        finally
        {
            lock (testing)
                testing.Remove(actor.UserId);
        }
    }

    private async Task<Result<AccessTest>> TestAccess(DemiurgeDbContext db, Repository repository, CancellationToken cancellationToken)
    {
        var hosts = await db.Set<ContainerHost>().AsNoTracking().Where(row => row.Enabled).OrderBy(row => row.Name).ToListAsync(cancellationToken);
        if (hosts.FirstOrDefault(row => row.OrganizationIds.Count == 0 || row.OrganizationIds.Contains(repository.OrganizationId)) is not { } host)
            return Errors.NoHost;
        var runtime = runtimes.Of(host);
        var id = Guid.CreateVersion7();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TestTime);
        AccessTest result;
        try
        {
            var image = options.Value.Images.Terminal;
            if (await runtime.EnsureImage(image, new Progress<PullProgress>(), limit.Token) is { Present: false } missing)
                return new AccessTest(false, missing.Error ?? "The image for the test is not there.");
            var running = await runtime.Ensure(
                new RuntimeSpec(
                    id, repository.OrganizationId, RuntimeSpec.TestGeneration, image, new Dictionary<string, string>(), [], [], 0.5, 256L << 20, 64, 1L << 30, false, ["/tmp"], null, null, ["sleep", "90"], host.Runtime),
                limit.Token);
            var (said, succeeded) = await Git(db, runtime, running.Name, repository, "test", "", null, limit.Token);
            result = succeeded.ExitCode == 0
                ? await Peek(db, runtime, running.Name, repository, Branches(said), limit.Token)
                : new AccessTest(false, Explain(said));
        }
        catch (RuntimeException exception)
        {
            result = new AccessTest(false, exception.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            result = new AccessTest(false, "The server didn't answer within a minute.");
        }
        finally
        {
            try
            {
                await runtime.Remove((await installation.Names(CancellationToken.None)).Container(id), volumes: true, CancellationToken.None);
            }
            catch (RuntimeException)
            {
                // The reconciler removes what has no row.
            }
        }
        return result;
    }

    /// <summary>Says what is wrong with a <c>demiurge.yaml</c>, line by line.</summary>
    /// <param name="projectId">Where it is to be used: names of templates and tiers are looked up there. For everybody who may view it. Null looks at the form alone.</param>
    public async Task<Result<WorkspaceFileInfo>> Check(Actor actor, string? text, Guid? projectId = null, CancellationToken cancellationToken = default)
    {
        if (projectId is not { } id)
            return WorkspaceFileInfo.Of(WorkspaceFileParser.Parse(text ?? ""));
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ProjectAccess.Find(db, actor, id, cancellationToken) is not { } grant)
            return Projects.Errors.ProjectNotFound;
        return WorkspaceFileInfo.Of(WorkspaceFileParser.Parse(text ?? "", await WorkspaceNames.Of(db, grant.Project.OrganizationId, cancellationToken)));
    }

    /// <summary>Reads <c>demiurge.yaml</c> without a clone to keep, and remembers it when it is without faults.</summary>
    private async Task<AccessTest> Peek(DemiurgeDbContext db, IContainerRuntime runtime, string name, Repository repository, string message, CancellationToken cancellationToken)
    {
        var (said, (code, _)) = await Git(db, runtime, name, repository, "read", "", null, cancellationToken);
        if (code == 44)
            return new AccessTest(true, $"{message} There is no {WorkspaceFileParser.FileName} in it.");
        if (code != 0 || said.IndexOf('\n', StringComparison.Ordinal) is not (> 0 and var at))
            return new AccessTest(true, code == 0 ? message : $"{message} {WorkspaceFileParser.FileName} couldn't be read yet.");
        var text = said[(at + 1)..];
        var reading = WorkspaceFileParser.Parse(text, await WorkspaceNames.Of(db, repository.OrganizationId, cancellationToken));
        if (reading.File is not null)
            await db.Set<Repository>().Where(row => row.Id == repository.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.File, text), cancellationToken);
        return new AccessTest(true, message, text, WorkspaceFileInfo.Of(reading));
    }

    private static string Branches(string said) => said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length switch
    {
        1 => "It can be read: one branch.",
        var count => $"It can be read: {count} branches.",
    };

    /// <summary>Sets up a container's repository again, with what the branch has now.</summary>
    public async Task<Result<RepositoryRunInfo>> Update(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Containers.Errors.ContainerNotFound;
        if (!grant.Rights.CanControl)
            return Containers.Errors.NotYours;
        if (grant.Container.RepositoryId is not { } repositoryId)
            return Errors.NoRepository;
        if (grant.Container.State != ContainerState.Running)
            return Errors.NotRunning;
        var run = new RepositoryRun { ContainerId = containerId, RepositoryId = repositoryId, RequestedBy = actor.UserId, CreatedAt = time.GetUtcNow() };
        db.Add(run);
        ContainerStory.Tell(db, containerId, run.CreatedAt, "repository.update", "Update from Git requested.");
        return await Save(db, grant.Container, run, cancellationToken);
    }

    /// <summary>Goes on with the last run at the step that failed.</summary>
    public async Task<Result<RepositoryRunInfo>> Retry(Actor actor, Guid runId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Set<RepositoryRun>().SingleOrDefaultAsync(row => row.Id == runId, cancellationToken) is not { } run
            || await ContainerAccess.Find(db, actor, run.ContainerId, cancellationToken) is not { } grant)
            return Errors.RunNotFound;
        if (!grant.Rights.CanControl)
            return Containers.Errors.NotYours;
        if (run.State != RunState.Failed || await db.Set<RepositoryRun>().AnyAsync(row => row.ContainerId == run.ContainerId && row.CreatedAt > run.CreatedAt, cancellationToken))
            return Errors.NotFailed;
        if (grant.Container.State != ContainerState.Running)
            return Errors.NotRunning;
        (run.State, run.Reason, run.FinishedAt) = (RunState.Waiting, null, null);
        run.Steps = [.. run.Steps.Select(step => step.State is StepState.Failed or StepState.Running ? step with { State = StepState.Waiting, ExitCode = null, FinishedAt = null } : step)];
        return await Save(db, grant.Container, run, cancellationToken);
    }

    /// <summary>A container's runs, latest first; for everybody with a role in its project.</summary>
    public async Task<Result<IReadOnlyList<RepositoryRunInfo>>> Runs(Actor actor, Guid containerId, int count = 10, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { Rights.Role: not null })
            return Containers.Errors.ContainerNotFound;
        var rows = await db.Set<RepositoryRun>().AsNoTracking().Where(row => row.ContainerId == containerId).OrderByDescending(row => row.Id)
            .Take(Math.Clamp(count, 1, 100)).ToListAsync(cancellationToken);
        return rows.ConvertAll(InfoOf);
    }

    /// <summary>The repository of a container; null when it has none.</summary>
    public async Task<Result<RepositoryInfo?>> Of(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { Rights.Role: not null } grant)
            return Containers.Errors.ContainerNotFound;
        var repository = await db.Set<Repository>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == grant.Container.RepositoryId, cancellationToken);
        return repository is null ? default : InfoOf(repository);
    }

    /// <summary>The processes of a container's <c>demiurge.yaml</c> as they are now; for those who may open it.</summary>
    public async Task<Result<IReadOnlyList<ProcessInfo>>> Processes(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { Rights.CanOpen: true } grant)
            return Containers.Errors.ContainerNotFound;
        var container = grant.Container;
        if (container.State != ContainerState.Running || container.HostId is not { } hostId)
            return Errors.NotRunning;
        var host = await db.Set<ContainerHost>().AsNoTracking().SingleAsync(row => row.Id == hostId, cancellationToken);
        var redactor = await environment.Redactor(db, container, cancellationToken);
        var mark = Mark();
        var (_, output) = await ContainerShell.Run(
            runtimes.Of(host), (await installation.Names(cancellationToken)).Container(containerId), SupervisorScript.Report, [mark], null, null, null, cancellationToken);
        return SupervisorScript.Read(redactor.Apply(output), mark);
    }

    /// <summary>Runs git with the repository's key, and notes the server's keys when they are seen first.</summary>
    internal async Task<(string Said, (int ExitCode, string? Commit) Result)> Git(
        DemiurgeDbContext db, IContainerRuntime runtime, string name, Repository repository, string act, string folder, Action<string>? written, CancellationToken cancellationToken)
    {
        string key;
        try
        {
            key = protector.Unprotect(repository.DeployKeyProtected ?? "");
        }
        catch (CryptographicException)
        {
            return ("The deploy key can't be decrypted any more. Add the repository again.", (93, null));
        }
        var mark = Mark();
        var (code, output) = await ContainerShell.Run(
            runtime, name, GitScript.Text, [act, repository.Url, repository.Branch ?? "", folder, mark], GitScript.Input(key, repository.HostKeys), null,
            written is null ? null : text => written(GitScript.Read(text, mark).Said), cancellationToken);
        var (said, commit, hosts) = GitScript.Read(output, mark);
        if (code == 0 && repository.HostKeys is null && hosts is not null)
            await db.Set<Repository>().Where(row => row.Id == repository.Id && row.HostKeys == null).ExecuteUpdateAsync(set => set.SetProperty(row => row.HostKeys, hosts), cancellationToken);
        return (said, (code, commit));
    }

    /// <summary>Git's and ssh's words, with what to do about them.</summary>
    internal static string Explain(string said)
    {
        var hint = said switch
        {
            _ when said.Contains("Host key verification failed", StringComparison.Ordinal) || said.Contains("HOST IDENTIFICATION HAS CHANGED", StringComparison.Ordinal) =>
                "The server shows another key than at the first connection. If it was moved, let the new key be trusted.",
            _ when said.Contains("Permission denied", StringComparison.Ordinal) || said.Contains("publickey", StringComparison.Ordinal) =>
                "The server doesn't take the deploy key. Add it to the repository's settings.",
            _ when said.Contains("could not read Username", StringComparison.Ordinal) || said.Contains("Authentication failed", StringComparison.Ordinal) =>
                "The server wants a name and password. Use the ssh address and the deploy key instead.",
            _ when said.Contains("Remote branch", StringComparison.Ordinal) => "There is no such branch.",
            _ when said.Contains("Could not resolve", StringComparison.Ordinal) => "There is no server of that name.",
            _ => null,
        };
        var last = said.Length > 500 ? said[^500..] : said;
        return hint is null ? (last.Length > 0 ? last : "Git failed without a word.") : $"{hint} ({last.ReplaceLineEndings(" ")})";
    }

    internal static RepositoryRunInfo InfoOf(RepositoryRun run) =>
        new(run.Id, run.ContainerId, run.State, run.Reason, run.Commit, run.OnlyProcesses, run.Steps, run.CreatedAt, run.FinishedAt);

    private static string Mark() => $"=={Guid.NewGuid():N}==";

    private async Task<Result<RepositoryRunInfo>> Save(DemiurgeDbContext db, Container container, RepositoryRun run, CancellationToken cancellationToken)
    {
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return Errors.UnderWay;
        }
        signal.Set();
        changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        return InfoOf(run);
    }

    private static RepositoryInfo InfoOf(Repository row)
    {
        var file = row.File is { } text ? WorkspaceFileParser.Parse(text).File : null;
        return new(
            row.Id, row.ProjectId, row.Url, row.Branch, row.DeployKeyPublic ?? "", row.HostKeys is not null, row.LastCommit, row.LastError, file?.Template, file?.Tier,
            file?.Tabs ?? [], row.CreatedAt);
    }

    private static async Task<Result<Repository>> Find(DemiurgeDbContext db, Actor actor, Guid repositoryId, ProjectRole least, CancellationToken cancellationToken)
    {
        if (await db.Set<Repository>().SingleOrDefaultAsync(row => row.Id == repositoryId, cancellationToken) is not { } repository)
            return Errors.RepositoryNotFound;
        return await ProjectAccess.Find(db, actor, repository.ProjectId, cancellationToken) switch
        {
            null => Errors.RepositoryNotFound,
            { } grant when grant.Role < least => Containers.Errors.NeedsRole(least, "change repositories"),
            _ => repository,
        };
    }

    private static async Task<Result> Require(DemiurgeDbContext db, Actor actor, Guid projectId, ProjectRole least, CancellationToken cancellationToken) =>
        await ProjectAccess.Find(db, actor, projectId, cancellationToken) switch
        {
            null => Projects.Errors.ProjectNotFound,
            { } grant when grant.Role < least => Containers.Errors.NeedsRole(least, "add repositories"),
            _ => Result.Ok,
        };
}

/// <summary>Tells this process's runner that there is something to do. Safe for concurrent use.</summary>
public sealed class RepositorySignal
{
    private readonly SemaphoreSlim signal = new(0, 1);

    public void Set()
    {
        lock (signal)
        {
            if (signal.CurrentCount == 0)
                signal.Release();
        }
    }

    public Task Wait(TimeSpan longest, CancellationToken cancellationToken) => signal.WaitAsync(longest, cancellationToken);
}
