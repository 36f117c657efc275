using System.Runtime.CompilerServices;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

public sealed partial class ContainerService
{
    public const int MaxEvents = 200;
    public const int MaxLogLines = 5000;

    /// <summary>A project's containers, oldest first; for everybody who may view it.</summary>
    /// <param name="deleted">Whether to list those that were deleted and can be had back, instead.</param>
    public async Task<Result<IReadOnlyList<ContainerInfo>>> List(Actor actor, Guid projectId, bool deleted = false, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ProjectAccess.Find(db, actor, projectId, cancellationToken) is not { } grant)
            return Projects.Errors.ProjectNotFound;
        var since = time.GetUtcNow() - options.Value.UndoTime;
        var rows = db.Set<Container>().Where(row => row.ProjectId == projectId && (deleted ? row.DeletedAt > since : row.DeletedAt == null));
        return await infos.Load(db, actor, rows, _ => grant.Role, cancellationToken);
    }

    /// <summary>For everybody who may view its project, and those with whom it is shared.</summary>
    public async Task<Result<ContainerInfo>> Get(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        var rows = await infos.Load(db, actor, db.Set<Container>().Where(row => row.Id == containerId), _ => grant.Rights.Role, cancellationToken);
        return rows.Count == 1 ? rows[0] : Errors.ContainerNotFound;
    }

    /// <summary>Its story, newest first; for everybody who may view its project.</summary>
    /// <param name="before">The id of the last one of the page before, or null for the first page.</param>
    /// <param name="count">At most <see cref="MaxEvents"/>.</param>
    public async Task<Result<IReadOnlyList<ContainerEventInfo>>> Events(
        Actor actor, Guid containerId, long? before = null, int count = 100, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { Rights.Role: not null })
            return Errors.ContainerNotFound;
        return await db.Set<ContainerEvent>().Where(entry => entry.ContainerId == containerId && (before == null || entry.Id < before))
            .OrderByDescending(entry => entry.Id).Take(Math.Clamp(count, 1, MaxEvents))
            .Select(entry => new ContainerEventInfo(entry.Id, entry.At, entry.Kind, entry.Text)).ToListAsync(cancellationToken);
    }

    /// <summary>What it wrote, oldest first, secrets blackened; of one that is gone from its engine the last lines that were kept. For those who may open it.</summary>
    /// <param name="tail">How many of the last lines to begin with; at most <see cref="MaxLogLines"/>.</param>
    /// <param name="follow">Whether to go on with what it writes from now on, until it ends.</param>
    public async Task<Result<IAsyncEnumerable<LogLine>>> Logs(
        Actor actor, Guid containerId, int tail = 200, bool follow = false, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await FindOpen(db, actor, containerId, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var container = found.Value;
        tail = Math.Clamp(tail, 0, MaxLogLines);
        try
        {
            if (await RuntimeOf(db, container, cancellationToken) is { } runtime)
            {
                var name = (await installation.Names(cancellationToken)).Container(containerId);
                if (await runtime.Find(name, cancellationToken) is not null)
                {
                    var redactor = await environment.Redactor(db, container, cancellationToken);
                    return Lines(Redacted(runtime.Logs(name, null, follow, tail, cancellationToken), redactor, cancellationToken));
                }
            }
        }
        catch (RuntimeException)
        {
            // What was kept is better than nothing.
        }
        var kept = await db.Set<ContainerLogTail>().AsNoTracking().SingleOrDefaultAsync(row => row.ContainerId == containerId, cancellationToken);
        return Lines(Kept(kept, tail));
    }

    /// <summary>What it uses, about once a second while it runs; for everybody who may view its project.</summary>
    public async Task<Result<IAsyncEnumerable<RuntimeStats>>> Stats(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        if (grant.Container.StartedAt is null || await RuntimeOf(db, grant.Container, cancellationToken) is not { } runtime)
            return Errors.NotRunning;
        return Measures(runtime.Stats((await installation.Names(cancellationToken)).Container(containerId), cancellationToken));
    }

    /// <summary>A container that the person may open.</summary>
    private static async Task<Result<Container>> FindOpen(DemiurgeDbContext db, Actor actor, Guid containerId, CancellationToken cancellationToken) =>
        await ContainerAccess.Find(db, actor, containerId, cancellationToken) switch
        {
            null => Errors.ContainerNotFound,
            { Container.DeletedAt: not null } => Errors.Deleted,
            { Rights.CanOpen: false } => Errors.NotShared,
            var grant => grant.Container,
        };

    private async Task<IContainerRuntime?> RuntimeOf(DemiurgeDbContext db, Container container, CancellationToken cancellationToken) =>
        container.HostId is { } hostId && await db.Set<ContainerHost>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken) is { } host
            ? runtimes.Of(host)
            : null;

    // C# converts no interface by itself.
    private static Result<IAsyncEnumerable<LogLine>> Lines(IAsyncEnumerable<LogLine> lines) => Result<IAsyncEnumerable<LogLine>>.Of(lines);

    private static Result<IAsyncEnumerable<RuntimeStats>> Measures(IAsyncEnumerable<RuntimeStats> stats) => Result<IAsyncEnumerable<RuntimeStats>>.Of(stats);

    private static async IAsyncEnumerable<LogLine> Redacted(
        IAsyncEnumerable<LogLine> lines, Redactor redactor, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var line in lines.WithCancellation(cancellationToken))
            yield return line with { Text = redactor.Apply(line.Text) };
    }

    private static async IAsyncEnumerable<LogLine> Kept(ContainerLogTail? kept, int tail)
    {
        await Task.CompletedTask;
        if (kept is null)
            yield break;
        foreach (var line in kept.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(tail))
            yield return new LogLine(kept.At, IsError: false, line);
    }
}
