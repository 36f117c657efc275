using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>
/// A project's containers as everybody in its room may know them, for Web's own peer in the room: without anybody's rights in them. Asks
/// nobody who they are, so nothing that a person can call may pass it on but to those with a role in the project. Safe for concurrent use.
/// </summary>
public sealed class ContainerDirectory(IDbContextFactory<DemiurgeDbContext> contexts, ContainerInfos infos)
{
    private static readonly Actor Nobody = new(Guid.Empty);

    /// <summary>Those that are not deleted, oldest first.</summary>
    public async Task<IReadOnlyList<ContainerInfo>> In(Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await infos.Load(db, Nobody, db.Set<Container>().Where(container => container.ProjectId == projectId && container.DeletedAt == null), _ => null, cancellationToken);
    }
}
