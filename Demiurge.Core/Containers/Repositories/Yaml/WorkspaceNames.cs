using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Repositories.Yaml;

/// <summary>What a <c>demiurge.yaml</c> can name in an organization. Immutable.</summary>
/// <param name="Templates">Slugs of the templates that are enabled, each with the names of its services.</param>
/// <param name="Tiers">Those that are offered.</param>
public sealed record WorkspaceNames(IReadOnlyDictionary<string, IReadOnlyList<string>> Templates, IReadOnlyList<string> Tiers)
{
    internal static async Task<WorkspaceNames> Of(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken)
    {
        var templates = await (
            from template in db.Set<Template>().AsNoTracking()
            join version in db.Set<TemplateVersion>() on new { TemplateId = template.Id, Version = template.LatestVersion } equals new { version.TemplateId, version.Version }
            where template.Enabled && (template.OrganizationId == null || template.OrganizationId == organizationId)
            // An organization's own takes the place of the one for all.
            orderby template.OrganizationId == null
            select new { template.Slug, version.Spec }).ToListAsync(cancellationToken);
        var tiers = await db.Set<Tier>().Where(tier => tier.Enabled).OrderBy(tier => tier.Order).Select(tier => tier.Name).ToListAsync(cancellationToken);
        return new WorkspaceNames(
            templates.DistinctBy(row => row.Slug).ToDictionary(row => row.Slug, IReadOnlyList<string> (row) => [.. row.Spec.Services.Select(service => service.Name)]), tiers);
    }
}
