using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Sharing;

/// <summary>A public link as those who manage the container see it; what it leads by was shown once.</summary>
public sealed record ShareLinkInfo(Guid Id, Guid ContainerId, Guid CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>A link that was just made.</summary>
/// <param name="Url">Shown once: it can't be read again.</param>
public sealed record NewShareLink(ShareLinkInfo Link, string Url);

/// <summary>
/// Public links to containers: whoever has one may open the container's services, without an account, until it ends or is revoked, and as
/// long as the container is shared by link at all. Safe for concurrent use.
/// </summary>
public sealed class ShareLinks(IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, IOptions<SiteOptions> site, TimeProvider time)
{
    public static readonly TimeSpan LongestLife = TimeSpan.FromDays(90);

    /// <summary>How many links that work a container may have.</summary>
    public const int MaxPerContainer = 20;

    /// <summary>For those who manage the container, which must be shared at the level <see cref="ShareLevel.Link"/>.</summary>
    /// <param name="life">From now; at most <see cref="LongestLife"/>.</param>
    public async Task<Result<NewShareLink>> Create(Actor actor, Guid containerId, TimeSpan life, CancellationToken cancellationToken = default)
    {
        if (life < TimeSpan.FromMinutes(1) || life > LongestLife)
            return SharingErrors.LifeOutOfRange;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await Managed(db, actor, containerId, cancellationToken);
        if (!grant.Succeeded)
            return grant.Error;
        var container = grant.Value.Container;
        if (container.DeletedAt is not null)
            return Errors.Deleted;
        if (container.Share != ShareLevel.Link)
            return SharingErrors.NotSharedByLink;
        var now = time.GetUtcNow();
        if (await db.Set<ShareLink>().CountAsync(row => row.ContainerId == containerId && row.RevokedAt == null && row.ExpiresAt > now, cancellationToken) >= MaxPerContainer)
            return SharingErrors.TooManyLinks;
        var token = SecretToken.Create();
        var link = new ShareLink { ContainerId = containerId, TokenHash = SecretToken.Hash(token), CreatedBy = actor.UserId, CreatedAt = now, ExpiresAt = now + life };
        db.Add(link);
        AuditLog.Record(db, time, actor, "container.link_created", container.OrganizationId, container.ProjectId,
            details: [("container", containerId), ("name", container.Name), ("link", link.Id), ("expiresAt", link.ExpiresAt.ToString("O"))]);
        await db.SaveChangesAsync(cancellationToken);
        return new NewShareLink(ToInfo(link), $"{site.Value.PublicUrl.TrimEnd('/')}/share/{token}");
    }

    /// <summary>All of its links, latest first; for those who manage the container.</summary>
    public async Task<Result<IReadOnlyList<ShareLinkInfo>>> List(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await Managed(db, actor, containerId, cancellationToken);
        if (!grant.Succeeded)
            return grant.Error;
        var links = await db.Set<ShareLink>().AsNoTracking().Where(link => link.ContainerId == containerId)
            .OrderByDescending(link => link.CreatedAt).Take(100).ToListAsync(cancellationToken);
        return links.ConvertAll(ToInfo);
    }

    /// <summary>Ends it at once, also for those who came by it. Nothing happens when it has ended. For those who manage the container.</summary>
    public async Task<Result> Revoke(Actor actor, Guid containerId, Guid linkId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var grant = await Managed(db, actor, containerId, cancellationToken);
        if (!grant.Succeeded)
            return grant.Error;
        var link = await db.Set<ShareLink>().SingleOrDefaultAsync(row => row.Id == linkId && row.ContainerId == containerId, cancellationToken);
        if (link is null)
            return SharingErrors.LinkNotFound;
        if (link.RevokedAt is not null)
            return Result.Ok;
        link.RevokedAt = time.GetUtcNow();
        var container = grant.Value.Container;
        AuditLog.Record(db, time, actor, "container.link_revoked", container.OrganizationId, container.ProjectId,
            details: [("container", containerId), ("name", container.Name), ("link", linkId)]);
        await db.SaveChangesAsync(cancellationToken);
        changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, containerId));
        return Result.Ok;
    }

    /// <summary>The link of that token, while it works; null otherwise.</summary>
    internal static async Task<ShareLink?> Find(DemiurgeDbContext db, string? token, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (token is null or { Length: 0 or > 100 })
            return null;
        var hash = SecretToken.Hash(token);
        return await (
            from link in db.Set<ShareLink>().AsNoTracking()
            join container in db.Set<Container>() on link.ContainerId equals container.Id
            join project in db.Projects on container.ProjectId equals project.Id
            where link.TokenHash == hash && link.RevokedAt == null && link.ExpiresAt > now && container.Share == ShareLevel.Link && container.DeletedAt == null
                && db.Organizations.Any(organization => organization.Id == container.OrganizationId)
            select link).SingleOrDefaultAsync(cancellationToken);
    }

    private static async Task<Result<ContainerAccess.Grant>> Managed(DemiurgeDbContext db, Actor actor, Guid containerId, CancellationToken cancellationToken) =>
        await ContainerAccess.Find(db, actor, containerId, cancellationToken) switch
        {
            null => Errors.ContainerNotFound,
            { Rights.CanManage: false } => Errors.NotYours,
            var grant => grant,
        };

    private static ShareLinkInfo ToInfo(ShareLink link) => new(link.Id, link.ContainerId, link.CreatedBy, link.CreatedAt, link.ExpiresAt, link.RevokedAt);
}
