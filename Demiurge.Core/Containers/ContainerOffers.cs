using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>What a person can make a container of in a project.</summary>
/// <param name="Templates">Those that are enabled, by name.</param>
/// <param name="Tiers">Smallest first.</param>
/// <param name="EnvSets">Those that the person may use.</param>
public sealed record ContainerOffer(IReadOnlyList<TemplateOffer> Templates, IReadOnlyList<ContainerTierInfo> Tiers, IReadOnlyList<EnvSetInfo> EnvSets);

/// <summary>A template in its latest version.</summary>
public sealed record TemplateOffer(Guid Id, string Slug, string Name, string Description, string Icon, TemplateSpec Spec);

/// <summary>Says what containers can be made of: the question that a dialog for a new one asks. Safe for concurrent use.</summary>
public sealed class ContainerOffers(IDbContextFactory<DemiurgeDbContext> contexts, EnvSetService envSets)
{
    /// <summary>For everybody with the role edit in the project.</summary>
    public async Task<Result<ContainerOffer>> In(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await ProjectAccess.Find(db, actor, projectId, cancellationToken);
        if (grant is null)
            return Projects.Errors.ProjectNotFound;
        if (grant.Role < ProjectRole.Edit)
            return Errors.NeedsRole(ProjectRole.Edit, "make containers");
        var organizationId = grant.Project.OrganizationId;
        var templates = await (
            from template in db.Set<Template>().AsNoTracking()
            join version in db.Set<TemplateVersion>() on new { TemplateId = template.Id, Version = template.LatestVersion } equals new { version.TemplateId, version.Version }
            where template.Enabled && (template.OrganizationId == null || template.OrganizationId == organizationId)
            orderby template.OrganizationId == null, template.CreatedAt, template.Id
            select new TemplateOffer(template.Id, template.Slug, template.Name, template.Description, template.Icon, version.Spec)).ToListAsync(cancellationToken);
        var tiers = await db.Set<Tier>().AsNoTracking().Where(tier => tier.Enabled).OrderBy(tier => tier.Order).ThenBy(tier => tier.PricePerHour)
            .Select(tier => new ContainerTierInfo(tier.Id, tier.Name, tier.Cpus, tier.MemoryBytes, tier.DiskBytes, tier.PricePerHour)).ToListAsync(cancellationToken);
        var sets = await envSets.List(actor, organizationId, projectId, cancellationToken);
        return new ContainerOffer(templates, tiers, sets.Value ?? []);
    }
}
