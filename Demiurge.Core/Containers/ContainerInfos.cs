using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Repositories;
using Demiurge.Core.Containers.Repositories.Yaml;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers;

/// <summary>Makes of rows what people see.</summary>
public sealed class ContainerInfos(ContainerUrls urls, IOptions<ContainerOptions> options, TimeProvider time)
{
    /// <param name="containers">A query for rows; their order is kept.</param>
    /// <param name="role">The person's role in the project of a container.</param>
    internal async Task<List<ContainerInfo>> Load(
        DemiurgeDbContext db, Actor actor, IQueryable<Container> containers, Func<Container, ProjectRole?> role, CancellationToken cancellationToken)
    {
        var rows = await (
            from container in containers.AsNoTracking()
            join template in db.Set<Template>() on container.TemplateId equals template.Id
            join version in db.Set<TemplateVersion>() on new { container.TemplateId, Version = container.TemplateVersion } equals new { version.TemplateId, version.Version }
            join tier in db.Set<Tier>() on container.TierId equals tier.Id
            join owner in db.Users on container.OwnerId equals owner.Id
            orderby container.Id
            select new
            {
                Container = container, Template = template, version.Spec, Tier = tier, OwnerName = owner.DisplayName,
                File = db.Set<Repository>().Where(repository => repository.Id == container.RepositoryId).Select(repository => repository.File).FirstOrDefault(),
            }).ToListAsync(cancellationToken);
        var positions = rows.Any(row => row.Container.State == ContainerState.Queued) ? await StartQueue.Positions(db, cancellationToken) : [];
        var placement = rows.Any(row => IsHeldUp(row.Container)) && await PlatformService.IsAdministrator(db, actor, cancellationToken)
            ? await Placement.Load(db, time, cancellationToken)
            : null;
        return rows.ConvertAll(row => Make(
            row.Container, row.Template, row.Spec, row.Tier, row.OwnerName, row.File, positions.TryGetValue(row.Container.Id, out var position) ? position : null,
            ContainerAccess.RightsIn(row.Container, actor, role(row.Container))) with
        {
            Hosts = placement is not null && IsHeldUp(row.Container) ? placement.Place(row.Container, row.Tier).Refusals : [],
        });
    }

    /// <summary>A reason in the queue is that of having found no host, or of a start that failed.</summary>
    private static bool IsHeldUp(Container container) => container is { State: ContainerState.Queued, Reason: not null, Place: ContainerPlace.Engine };

    private ContainerInfo Make(
        Container container, Template template, TemplateSpec spec, Tier tier, string ownerName, string? file, int? position, ContainerRights rights)
    {
        var idleStopsAt = IdleRule.StopsAt(container, spec);
        return new ContainerInfo(
            container.Id, container.OrganizationId, container.ProjectId, container.Name,
            new ContainerTemplateInfo(template.Id, template.Slug, template.Name, template.Icon, container.TemplateVersion, spec.Shell is not null, spec.Width, spec.Height),
            new ContainerTierInfo(tier.Id, tier.Name, tier.Cpus, tier.MemoryBytes, tier.DiskBytes, tier.PricePerHour),
            container.Place, container.State, container.Reason, container.Progress, container.ExitCode, container.StateChangedAt, position,
            container.Attempts, container.NextAttemptAt,
            [
                .. ContainerStarter.ServicesOf(container, spec).Select(service => new ContainerServiceInfo(
                    service.Name, service.Title, urls.Of(container.OrganizationId, container.Id, service.Name, service.Path), service.Embeddable,
                    container.Endpoints.Any(endpoint => endpoint.Service == service.Name))),
            ],
            container.OwnerId, ownerName, container.Share, container.Pinned, container.KeepUntil, idleStopsAt,
            idleStopsAt is { } at && at - time.GetUtcNow() <= options.Value.IdleWarning, container.StartedAt, container.CreatedAt, container.DeletedAt,
            container.DeletedAt + options.Value.UndoTime, rights.CanOpen, rights.CanControl, rights.CanManage)
        {
            RepositoryId = container.RepositoryId,
            Tabs = file is null ? [] : WorkspaceFileParser.Parse(file).File?.Tabs ?? [],
        };
    }
}
