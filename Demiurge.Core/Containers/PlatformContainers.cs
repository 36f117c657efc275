using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>A container as the installation's administrators see it: that it is there and what it takes, nothing of what is in it.</summary>
public sealed record PlatformContainer(
    Guid Id, string Name, Guid OrganizationId, string OrganizationName, string ProjectName, string OwnerName, string TemplateSlug, string TemplateIcon, string Tier,
    string? HostName, ContainerPlace Place, ContainerState State, string? Reason, DateTimeOffset StateChangedAt, DateTimeOffset? StartedAt, bool CanStop)
{
    /// <summary>While it waits for a host: why each doesn't take it.</summary>
    public IReadOnlyList<HostRefusal> Hosts { get; init; } = [];
}

/// <param name="Total">How many match, on all pages.</param>
/// <param name="States">How many there are in each state, whatever was asked for.</param>
public sealed record PlatformContainersPage(IReadOnlyList<PlatformContainer> Containers, int Total, IReadOnlyDictionary<ContainerState, int> States);

/// <summary>All containers of the installation, for its administrators. Safe for concurrent use.</summary>
public sealed class PlatformContainers(IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, TimeProvider time)
{
    public const int LongestPage = 200;

    /// <summary>Those that aren't deleted, latest change first.</summary>
    /// <param name="search">Part of the name of a container, organization, project or owner.</param>
    public async Task<Result<PlatformContainersPage>> List(
        Actor actor, string? search = null, ContainerState? state = null, int skip = 0, int take = 50, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        var rows =
            from container in db.Set<Container>().AsNoTracking()
            join organization in db.Organizations on container.OrganizationId equals organization.Id
            join project in db.Projects on container.ProjectId equals project.Id
            join owner in db.Users on container.OwnerId equals owner.Id
            join template in db.Set<Templates.Template>() on container.TemplateId equals template.Id
            join tier in db.Set<Tiers.Tier>() on container.TierId equals tier.Id
            join host in db.Set<ContainerHost>() on container.HostId equals (Guid?)host.Id into hosts
            from host in hosts.DefaultIfEmpty()
            where container.DeletedAt == null
            select new { container, organization, project, owner, template, tier, host };
        var states = await rows.GroupBy(row => row.container.State).Select(group => new { group.Key, Count = group.Count() }).ToDictionaryAsync(group => group.Key, group => group.Count, cancellationToken);
        if (search?.Trim() is { Length: > 0 and <= 200 } text && !text.Contains('\0'))
        {
            var pattern = $"%{text.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%";
            rows = rows.Where(row => EF.Functions.ILike(row.container.Name, pattern, @"\") || EF.Functions.ILike(row.organization.Name, pattern, @"\")
                || EF.Functions.ILike(row.project.Name, pattern, @"\") || EF.Functions.ILike(row.owner.DisplayName, pattern, @"\"));
        }
        if (state is { } only)
            rows = rows.Where(row => row.container.State == only);
        var total = await rows.CountAsync(cancellationToken);
        var page = await rows.OrderByDescending(row => row.container.StateChangedAt).ThenBy(row => row.container.Id).Skip(Math.Max(0, skip)).Take(Math.Clamp(take, 1, LongestPage))
            .Select(row => new PlatformContainer(
                row.container.Id, row.container.Name, row.organization.Id, row.organization.Name, row.project.Name, row.owner.DisplayName, row.template.Slug, row.template.Icon,
                row.tier.Name, row.host == null ? null : row.host.Name, row.container.Place, row.container.State, row.container.Reason, row.container.StateChangedAt,
                row.container.StartedAt, row.container.Place == ContainerPlace.Engine && row.container.Desired == DesiredState.Running)).ToListAsync(cancellationToken);
        var heldUp = page.Where(row => row is { State: ContainerState.Queued, Reason: not null }).Select(row => row.Id).ToList();
        if (heldUp.Count > 0)
        {
            var placement = await Placement.Load(db, time, cancellationToken);
            var refusals = (await (
                from container in db.Set<Container>().AsNoTracking()
                join tier in db.Set<Tiers.Tier>() on container.TierId equals tier.Id
                where heldUp.Contains(container.Id)
                select new { container, tier }).ToListAsync(cancellationToken)).ToDictionary(row => row.container.Id, row => placement.Place(row.container, row.tier).Refusals);
            page = page.ConvertAll(row => refusals.TryGetValue(row.Id, out var hosts) ? row with { Hosts = hosts } : row);
        }
        return new PlatformContainersPage(page, total, states);
    }

    /// <summary>Ends it; its volumes stay, and its people can start it again. Nothing happens when it is to be stopped already.</summary>
    public async Task<Result> Stop(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM containers WHERE id = {containerId} FOR UPDATE", cancellationToken);
        if (await db.Set<Container>().SingleOrDefaultAsync(row => row.Id == containerId, cancellationToken) is not { } container)
            return Errors.ContainerNotFound;
        if (container.Place == ContainerPlace.Remote)
            return Errors.RemotePlace;
        if (container.Desired != DesiredState.Running)
            return Result.Ok;
        var now = time.GetUtcNow();
        (container.Desired, container.State, container.StateChangedAt) = (DesiredState.Stopped, ContainerState.Stopping, now);
        (container.Reason, container.QueuedAt, container.Progress, container.NextAttemptAt) = ("Stopped by an administrator of the installation.", null, null, null);
        container.Endpoints = [];
        ContainerStory.Tell(db, container.Id, now, "stop.requested", container.Reason!);
        AuditLog.Record(db, time, actor, "container.stopped", container.OrganizationId, container.ProjectId, details: [("container", container.Id), ("name", container.Name), ("by", "platform")]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Request(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        return Result.Ok;
    }
}
