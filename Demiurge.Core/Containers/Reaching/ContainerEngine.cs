using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>Finds the engine that a running container is on. Safe for concurrent use.</summary>
public sealed class ContainerEngine(IDbContextFactory<DemiurgeDbContext> contexts, IContainerRuntimes runtimes, Installation installation)
{
    /// <summary>The engine, the container's name on it, and what a terminal runs in it; null when it doesn't run on an engine of ours.</summary>
    public async Task<(IContainerRuntime Runtime, string Name, TemplateSpec Spec)?> Find(Guid containerId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await (
            from container in db.Set<Container>().AsNoTracking()
            join host in db.Set<ContainerHost>().AsNoTracking() on container.HostId equals host.Id
            join version in db.Set<TemplateVersion>().AsNoTracking()
                on new { container.TemplateId, Version = container.TemplateVersion } equals new { version.TemplateId, version.Version }
            where container.Id == containerId && container.Place == ContainerPlace.Engine && container.DeletedAt == null
                && (container.State == ContainerState.Running || container.State == ContainerState.Starting)
            select new { Host = host, version.Spec }).SingleOrDefaultAsync(cancellationToken);
        return row is null ? null : (runtimes.Of(row.Host), new RuntimeNames(await installation.Mark(cancellationToken)).Container(containerId), row.Spec);
    }
}
