using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>Where a container's volumes are mounted, and its image, as a start would have them.</summary>
internal sealed class ContainerVolumePaths(ContainerStarter starter)
{
    public async Task<(string Image, IReadOnlyList<string> Paths)> Of(DemiurgeDbContext db, Container container, ContainerHost host, CancellationToken cancellationToken)
    {
        var template = (await db.Set<TemplateVersion>().AsNoTracking().SingleAsync(
            row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
        var tier = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
        var spec = starter.MakeSpec(container, host, template, tier, []);
        // The image that ran is there for sure; the one by that name may be newer, or gone.
        return (container.ImageId ?? spec.Image, spec.Volumes);
    }
}
