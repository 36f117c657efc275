using Demiurge.Core.Audit;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Repositories;
using Demiurge.Core.Containers.Repositories.Yaml;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers;

/// <summary>
/// What people do with containers. Commands note what is wanted and return at once; the reconciler sees to it, and
/// <see cref="ContainerChanges"/> tells how it goes. A command asked for twice is done once. Safe for concurrent use.
/// </summary>
public sealed partial class ContainerService(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, ContainerQuotas quotas, ContainerInfos infos, ContainerEnvironment environment,
    ContainerSecrets secrets, Installation installation, IContainerRuntimes runtimes, IOptions<ContainerOptions> options, TimeProvider time)
{
    private static readonly TextRule NameRule = new("name", "The container's name", 80);

    /// <summary>Makes a container and asks for it to run; for the role edit in its project.</summary>
    public async Task<Result<ContainerInfo>> Create(Actor actor, NewContainer request, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(request.Share))
            return Errors.ShareUnknown;
        if (!Enum.IsDefined(request.Place))
            return Errors.PlaceUnknown;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await ProjectAccess.Find(db, actor, request.ProjectId, cancellationToken);
        if (grant is null)
            return Projects.Errors.ProjectNotFound;
        if (grant.Role < ProjectRole.Edit)
            return Errors.NeedsRole(ProjectRole.Edit, "make containers");
        var organizationId = grant.Project.OrganizationId;
        Repository? repository = null;
        if (request.RepositoryId is { } repositoryId)
        {
            repository = await db.Set<Repository>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == repositoryId && row.ProjectId == request.ProjectId, cancellationToken);
            if (repository is null)
                return Errors.RepositoryNotFound;
        }
        // What its demiurge.yaml asks for holds where the person says nothing.
        var file = repository?.File is { } text ? WorkspaceFileParser.Parse(text).File : null;
        var slug = file?.Template;
        if (request.TemplateId is null && slug is null)
            return Repositories.Errors.NoTemplate;
        var template = await db.Set<Template>().AsNoTracking()
            .Where(row => row.Enabled && (row.OrganizationId == null || row.OrganizationId == organizationId))
            .Where(row => request.TemplateId == null ? row.Slug == slug : row.Id == request.TemplateId)
            .OrderBy(row => row.OrganizationId == null).FirstOrDefaultAsync(cancellationToken);
        if (template is null)
            return Errors.TemplateNotFound;
        var version = request.TemplateVersion ?? template.LatestVersion;
        var spec = (await db.Set<TemplateVersion>().AsNoTracking().SingleOrDefaultAsync(
            row => row.TemplateId == template.Id && row.Version == version, cancellationToken))?.Spec;
        if (spec is null)
            return Errors.TemplateVersionNotFound;
        var tier = await FindTier(db, request.TierId, request.TierId is null ? file?.Tier : null, spec, cancellationToken);
        if (tier is null)
            return Errors.TierNotFound;
        var name = NameRule.Check(string.IsNullOrWhiteSpace(request.Name) ? template.Name : request.Name);
        if (!name.Succeeded)
            return name.Error;
        var chosen = TemplateOptions.Check(spec, request.Options);
        if (!chosen.Succeeded)
            return chosen.Error;
        var envSetIds = request.EnvSetIds?.Distinct().ToList() ?? [];
        if ((await EnvSetService.RequireUse(db, actor, organizationId, request.ProjectId, envSetIds, cancellationToken)).Error is { } refused)
            return refused;

        return await Add(
            db, actor, new Container
            {
                OrganizationId = organizationId,
                ProjectId = request.ProjectId,
                OwnerId = actor.UserId,
                Name = name.Value,
                TemplateId = template.Id,
                TemplateVersion = version,
                TierId = tier.Id,
                Options = chosen.Value.Plain,
                ProtectedOptions = chosen.Value.Secret.ToDictionary(option => option.Key, option => secrets.Protect(option.Value)),
                EnvSetIds = envSetIds,
                Place = request.Place,
                Share = request.Share,
                RepositoryId = request.RepositoryId,
                CreatedAt = time.GetUtcNow(),
            },
            tier, grant.Role, cancellationToken);
    }

    /// <summary>Makes one like it, without its data, and starts it; for those who may open it and have the role edit.</summary>
    public async Task<Result<ContainerInfo>> Duplicate(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await ContainerAccess.Find(db, actor, containerId, cancellationToken);
        if (grant is null)
            return Errors.ContainerNotFound;
        var (original, rights) = grant;
        if (rights.Role is not >= ProjectRole.Edit)
            return Errors.NeedsRole(ProjectRole.Edit, "make containers");
        if (original.DeletedAt is not null)
            return Errors.Deleted;
        if (!rights.CanOpen)
            return Errors.NotShared;
        // Its secrets go to whoever can see them already.
        if (original.ProtectedOptions.Count > 0 && !rights.CanManage)
            return Errors.NotYours;
        var usable = new List<Guid>();
        foreach (var id in original.EnvSetIds)
        {
            if ((await EnvSetService.RequireUse(db, actor, original.OrganizationId, original.ProjectId, [id], cancellationToken)).Succeeded)
                usable.Add(id);
        }
        var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == original.TierId, cancellationToken);
        return await Add(
            db, actor, new Container
            {
                OrganizationId = original.OrganizationId,
                ProjectId = original.ProjectId,
                OwnerId = actor.UserId,
                Name = original.Name.Length > 75 ? original.Name : $"{original.Name} copy",
                TemplateId = original.TemplateId,
                TemplateVersion = original.TemplateVersion,
                TierId = original.TierId,
                Options = original.Options,
                ProtectedOptions = original.ProtectedOptions,
                EnvSetIds = usable,
                Place = original.Place,
                Share = original.Share,
                IdleMinutes = original.IdleMinutes,
                RepositoryId = original.RepositoryId,
                CreatedAt = time.GetUtcNow(),
            },
            tier, rights.Role.Value, cancellationToken);
    }

    /// <summary>Asks for it to run; for those who control it.</summary>
    public Task<Result<ContainerInfo>> Start(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Control, "container.started",
        (db, container) => container.Desired == DesiredState.Running ? Unchanged : Run(db, container, "start.requested", "Start requested.", cancellationToken),
        cancellationToken, locksOrganization: true);

    /// <summary>Ends it and starts it anew, its volumes as they are; for those who control it.</summary>
    public Task<Result<ContainerInfo>> Restart(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Control, "container.restarted",
        (db, container) => Run(db, container, "restart.requested", "Restart requested.", cancellationToken),
        cancellationToken, locksOrganization: true);

    /// <summary>Starts a failed one again, at once and with all of its attempts; for those who control it.</summary>
    public Task<Result<ContainerInfo>> Retry(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Control, "container.retried",
        (db, container) => container.State == ContainerState.Failed || container.Attempts > 0
            ? Run(db, container, "retry.requested", "Another try requested.", cancellationToken)
            : Refuse(Errors.NotFailed),
        cancellationToken, locksOrganization: true);

    /// <summary>Ends it; its volumes stay. For those who control it.</summary>
    public Task<Result<ContainerInfo>> Stop(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Control, "container.stopped",
        (db, container) =>
        {
            if (container.Place == ContainerPlace.Remote)
                return Refuse(Errors.RemotePlace);
            if (container.Desired == DesiredState.Stopped)
                return Unchanged;
            container.Desired = DesiredState.Stopped;
            Show(db, container, ContainerState.Stopping, null, "stop.requested", "Stop requested.");
            return Changed;
        },
        cancellationToken);

    /// <summary>Removes it; can be undone until its <see cref="ContainerInfo.UndoUntil"/>, when its volumes go. For those who manage it.</summary>
    public Task<Result<ContainerInfo>> Delete(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Manage, "container.deleted",
        (db, container) =>
        {
            if (container.DeletedAt is not null)
                return Unchanged;
            container.Desired = DesiredState.Deleted;
            container.DeletedAt = time.GetUtcNow();
            Show(db, container, ContainerState.Deleting, null, "delete.requested", "Deleted.");
            return Changed;
        },
        cancellationToken, deletedToo: true);

    /// <summary>Takes a deletion back: the container is there again, stopped, with its volumes. For those who manage it.</summary>
    public Task<Result<ContainerInfo>> Undelete(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Manage, "container.undeleted",
        async (db, container) =>
        {
            if (container.DeletedAt is not { } deletedAt)
                return (false, Errors.NotDeleted);
            if (deletedAt + options.Value.UndoTime <= time.GetUtcNow())
                return (false, Errors.ContainerNotFound);
            var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
            if ((await quotas.Check(db, container, tier, isNew: true, runs: false, cancellationToken: cancellationToken)).Error is { } full)
                return (false, full);
            container.DeletedAt = null;
            container.Desired = DesiredState.Stopped;
            // The reconciler may be in the middle of removing it, and finds it stopped when it is done.
            Show(db, container, container.Place == ContainerPlace.Engine ? ContainerState.Stopping : ContainerState.Stopped, null, "delete.undone", "Deletion taken back.");
            return (true, null);
        },
        cancellationToken, locksOrganization: true, deletedToo: true);

    /// <summary>For those who manage it.</summary>
    public async Task<Result<ContainerInfo>> Rename(Actor actor, Guid containerId, string? name, CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        return await Command(
            actor, containerId, Right.Manage, "container.renamed",
            (_, container) =>
            {
                if (container.Name == checkedName.Value)
                    return Unchanged;
                container.Name = checkedName.Value;
                return Changed;
            },
            cancellationToken);
    }

    /// <summary>Whether it is never stopped for being idle; for those who manage it.</summary>
    public Task<Result<ContainerInfo>> Pin(Actor actor, Guid containerId, bool pinned, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Manage, pinned ? "container.pinned" : "container.unpinned",
        (_, container) =>
        {
            if (container.Pinned == pinned)
                return Unchanged;
            container.Pinned = pinned;
            return Changed;
        },
        cancellationToken);

    /// <summary>Isn't stopped for being idle for that long; zero ends that. For those who control it.</summary>
    public async Task<Result<ContainerInfo>> Keep(Actor actor, Guid containerId, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        if (duration < TimeSpan.Zero || duration > options.Value.LongestKeep)
            return Errors.KeepTooLong(options.Value.LongestKeep);
        return await Command(
            actor, containerId, Right.Control, "container.kept",
            (_, container) =>
            {
                container.KeepUntil = duration == TimeSpan.Zero ? null : time.GetUtcNow() + duration;
                return Changed;
            },
            cancellationToken);
    }

    /// <summary>Minutes without activity after which it is stopped, 0 for never; null takes the template's. For those who manage it.</summary>
    public async Task<Result<ContainerInfo>> SetIdleMinutes(Actor actor, Guid containerId, int? minutes, CancellationToken cancellationToken = default)
    {
        if (minutes is < 0 or > 60 * 24 * 30)
            return Errors.IdleMinutesUnusable;
        return await Command(
            actor, containerId, Right.Manage, "container.idle_changed",
            (_, container) =>
            {
                container.IdleMinutes = minutes;
                return Changed;
            },
            cancellationToken);
    }

    /// <summary>Who may open its services; for those who manage it.</summary>
    public async Task<Result<ContainerInfo>> SetShare(Actor actor, Guid containerId, ShareLevel share, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(share))
            return Errors.ShareUnknown;
        return await Command(
            actor, containerId, Right.Manage, "container.shared",
            (_, container) =>
            {
                if (container.Share == share)
                    return Unchanged;
                container.Share = share;
                return Changed;
            },
            cancellationToken);
    }

    private static async Task<Tier?> FindTier(DemiurgeDbContext db, Guid? tierId, string? name, TemplateSpec spec, CancellationToken cancellationToken)
    {
        var offered = await db.Set<Tier>().AsNoTracking().Where(tier => tier.Enabled).OrderBy(tier => tier.Order).ToListAsync(cancellationToken);
        return tierId is { } id ? offered.SingleOrDefault(tier => tier.Id == id)
            : name is not null ? offered.FirstOrDefault(tier => tier.Name == name)
            : offered.FirstOrDefault(tier => tier.Name == spec.DefaultTier) ?? offered.FirstOrDefault();
    }

    private async Task<Result<ContainerInfo>> Add(
        DemiurgeDbContext db, Actor actor, Container container, Tier tier, ProjectRole role, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, container.OrganizationId, cancellationToken);
        var runs = container.Place == ContainerPlace.Engine;
        if ((await quotas.Check(db, container, tier, isNew: true, runs, cancellationToken: cancellationToken)).Error is { } full)
            return full;
        db.Add(container);
        container.LastActivityAt = container.CreatedAt;
        if (runs)
        {
            container.Desired = DesiredState.Running;
            container.Generation = 1;
            container.QueuedAt = container.CreatedAt;
            Show(db, container, ContainerState.Queued, null, "created", "Created; waits for its turn.");
        }
        else
        {
            container.Desired = DesiredState.Stopped;
            Show(db, container, ContainerState.Stopped, "Waits for your machine to join.", "created", "Created; waits for a machine to join.");
        }
        AuditLog.Record(
            db, time, actor, "container.created", container.OrganizationId, container.ProjectId,
            details: [("container", container.Id), ("name", container.Name), ("tier", tier.Name)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Request(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        var made = await infos.Load(db, actor, db.Set<Container>().Where(row => row.Id == container.Id), _ => role, cancellationToken);
        return made.Count == 1 ? made[0] : Errors.ContainerNotFound;
    }

    /// <summary>Asks for the next generation to run.</summary>
    private async Task<(bool, Error?)> Run(DemiurgeDbContext db, Container container, string kind, string text, CancellationToken cancellationToken)
    {
        if (container.Place == ContainerPlace.Remote)
            return (false, Errors.RemotePlace);
        if (container.Desired != DesiredState.Running)
        {
            var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
            if ((await quotas.Check(db, container, tier, isNew: false, runs: true, cancellationToken: cancellationToken)).Error is { } full)
                return (false, full);
        }
        var now = time.GetUtcNow();
        container.Desired = DesiredState.Running;
        container.Generation++;
        container.Attempts = 0;
        container.NextAttemptAt = null;
        container.QueuedAt = now;
        container.LastActivityAt = now;
        container.ExitCode = null;
        Show(db, container, ContainerState.Queued, null, kind, text);
        return (true, null);
    }

    private void Show(DemiurgeDbContext db, Container container, ContainerState state, string? reason, string kind, string text)
    {
        container.State = state;
        container.Reason = reason;
        container.Progress = null;
        container.Endpoints = [];
        container.StateChangedAt = time.GetUtcNow();
        if (state != ContainerState.Queued)
            container.QueuedAt = null;
        ContainerStory.Tell(db, container.Id, container.StateChangedAt, kind, text);
    }

    /// <summary>Changes one container in one transaction, for those with the right to.</summary>
    /// <param name="change">Whether it changed anything, or why it didn't.</param>
    private async Task<Result<ContainerInfo>> Command(
        Actor actor, Guid containerId, Right right, string action, Func<DemiurgeDbContext, Container, Task<(bool Changed, Error? Refused)>> change,
        CancellationToken cancellationToken, bool locksOrganization = false, bool deletedToo = false)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (locksOrganization)
        {
            await db.Database.ExecuteSqlAsync(
                $"SELECT 1 FROM organizations o JOIN containers c ON c.organization_id = o.id WHERE c.id = {containerId} FOR UPDATE OF o", cancellationToken);
        }
        // Whoever reads the row next sees what is decided here.
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM containers WHERE id = {containerId} FOR UPDATE", cancellationToken);
        var grant = await ContainerAccess.Find(db, actor, containerId, cancellationToken);
        if (grant is null)
            return Errors.ContainerNotFound;
        var (container, rights) = grant;
        if (right == Right.Control ? !rights.CanControl : !rights.CanManage)
            return rights.Role >= ProjectRole.Edit ? Errors.NotYours : Errors.NeedsRole(ProjectRole.Edit, "do that with a container");
        if (container.DeletedAt is not null && !deletedToo)
            return Errors.Deleted;
        var (changed, refused) = await change(db, container);
        if (refused is not null)
            return refused;
        if (changed)
        {
            AuditLog.Record(
                db, time, actor, action, container.OrganizationId, container.ProjectId, details: [("container", container.Id), ("name", container.Name), ("share", container.Share)]);
            await db.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            changes.Request(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        }
        else
        {
            await transaction.RollbackAsync(cancellationToken);
        }
        var rows = await infos.Load(db, actor, db.Set<Container>().Where(row => row.Id == containerId), _ => rights.Role, cancellationToken);
        return rows.Count == 1 ? rows[0] : Errors.ContainerNotFound;
    }

    private enum Right { Control, Manage }

    private static Task<(bool, Error?)> Unchanged => Task.FromResult<(bool, Error?)>((false, null));

    private static Task<(bool, Error?)> Changed => Task.FromResult<(bool, Error?)>((true, null));

    private static Task<(bool, Error?)> Refuse(Error error) => Task.FromResult<(bool, Error?)>((false, error));
}
