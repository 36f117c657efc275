using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Sharing;

/// <summary>A script's token without what it is known by.</summary>
public sealed record ContainerTokenInfo(
    Guid Id, Guid ContainerId, string Name, Guid CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt);

/// <summary>A token that was just made.</summary>
/// <param name="Token">Goes into the header <c>Demiurge-Token</c>. Shown once: it can't be read again.</param>
public sealed record NewContainerToken(ContainerTokenInfo Info, string Token);

/// <summary>
/// Tokens with which scripts reach a container's services. A token may do what its maker may at the time: it ends with their access.
/// Safe for concurrent use.
/// </summary>
public sealed class ContainerTokens(IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, TimeProvider time)
{
    public const int MaxPerContainer = 50;

    private static readonly TextRule NameRule = new("name", "The token's name", 80);

    /// <summary>For those who may open the container.</summary>
    /// <param name="expiresAt">Null: it ends when it is revoked, or with its maker's access.</param>
    public async Task<Result<NewContainerToken>> Create(
        Actor actor, Guid containerId, string? name, DateTimeOffset? expiresAt, CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        var now = time.GetUtcNow();
        if (expiresAt <= now)
            return SharingErrors.TokenExpired;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        if (!grant.Rights.CanOpen)
            return Errors.NotShared;
        if (await db.Set<ContainerToken>().CountAsync(row => row.ContainerId == containerId && row.RevokedAt == null && (row.ExpiresAt == null || row.ExpiresAt > now), cancellationToken) >= MaxPerContainer)
            return SharingErrors.TooManyTokens;
        var token = SecretToken.Create();
        var row = new ContainerToken
        {
            ContainerId = containerId,
            Name = checkedName.Value,
            TokenHash = SecretToken.Hash(token),
            CreatedBy = actor.UserId,
            CreatedAt = now,
            ExpiresAt = expiresAt?.ToUniversalTime(),
        };
        db.Add(row);
        AuditLog.Record(db, time, actor, "container.token_created", grant.Container.OrganizationId, grant.Container.ProjectId,
            details: [("container", containerId), ("name", grant.Container.Name), ("token", row.Id)]);
        await db.SaveChangesAsync(cancellationToken);
        return new NewContainerToken(ToInfo(row), token);
    }

    /// <summary>One's own, latest first; those who manage the container see all.</summary>
    public async Task<Result<IReadOnlyList<ContainerTokenInfo>>> List(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        var tokens = await db.Set<ContainerToken>().AsNoTracking()
            .Where(token => token.ContainerId == containerId && (grant.Rights.CanManage || token.CreatedBy == actor.UserId))
            .OrderByDescending(token => token.CreatedAt).Take(200).ToListAsync(cancellationToken);
        return tokens.ConvertAll(ToInfo);
    }

    /// <summary>Ends it at once. Nothing happens when it has ended. One's own, or for those who manage the container.</summary>
    public async Task<Result> Revoke(Actor actor, Guid containerId, Guid tokenId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        var token = await db.Set<ContainerToken>().SingleOrDefaultAsync(
            row => row.Id == tokenId && row.ContainerId == containerId && (grant.Rights.CanManage || row.CreatedBy == actor.UserId), cancellationToken);
        if (token is null)
            return SharingErrors.TokenNotFound;
        if (token.RevokedAt is not null)
            return Result.Ok;
        token.RevokedAt = time.GetUtcNow();
        AuditLog.Record(db, time, actor, "container.token_revoked", grant.Container.OrganizationId, grant.Container.ProjectId,
            details: [("container", containerId), ("name", grant.Container.Name), ("token", tokenId)]);
        await db.SaveChangesAsync(cancellationToken);
        changes.Publish(new ContainerChanged(grant.Container.OrganizationId, grant.Container.ProjectId, containerId));
        return Result.Ok;
    }

    private static ContainerTokenInfo ToInfo(ContainerToken token) =>
        new(token.Id, token.ContainerId, token.Name, token.CreatedBy, token.CreatedAt, token.ExpiresAt, token.RevokedAt, token.LastUsedAt);
}
