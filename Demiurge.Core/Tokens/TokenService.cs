using System.Text.Json.Serialization;
using Demiurge.Core.Accounts;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Tokens;

/// <summary>The claims of an access token to the REST API; the subject is the person's id.</summary>
public sealed record AccessClaims : JwsClaims
{
    /// <summary>The session: the family of refresh tokens beside which the token was issued.</summary>
    [JsonPropertyName("sid")]
    public required Guid SessionId { get; init; }

    [JsonIgnore]
    public Actor Actor => new(Guid.Parse(Subject));
}

/// <summary>What a client needs to call the API until <paramref name="AccessTokenExpiresAt"/>, and to get the next pair.</summary>
public sealed record TokenPair(string AccessToken, DateTimeOffset AccessTokenExpiresAt, string RefreshToken, DateTimeOffset RefreshTokenExpiresAt);

/// <summary>
/// Sessions of API clients. An access token lives <see cref="AccessLifetime"/>; a refresh token lives <see cref="RefreshLifetime"/>
/// and is exchanged once for the next pair. One that comes a second time was stolen or replayed: its whole session ends. A
/// session that has ended refuses its access tokens at once. Safe for concurrent use, from several processes too: whatever begins,
/// continues or ends a person's sessions holds one PostgreSQL advisory lock of that person, the only lock taken here.
/// </summary>
public sealed class TokenService(IDbContextFactory<DemiurgeDbContext> contexts, SigningKeys keys, IOptions<SiteOptions> site, TimeProvider time)
{
    public const string Audience = "demiurge-api";

    public static readonly TimeSpan AccessLifetime = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan RefreshLifetime = TimeSpan.FromDays(30);

    /// <summary>Begins a session for a person who has just registered.</summary>
    public async Task<TokenPair> Issue(Guid userId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockSessions(db, userId, cancellationToken);
        return await Begin(db, userId, cancellationToken);
    }

    /// <summary>
    /// Begins a session for a person whose credentials were checked, or refuses with <c>account.credentials_refused</c> when these
    /// have changed since: a password that was reset meanwhile opens nothing.
    /// </summary>
    /// <param name="user">As it was read for the check.</param>
    public async Task<Result<TokenPair>> Issue(User user, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockSessions(db, user.Id, cancellationToken);
        return await db.Users.AnyAsync(row => row.Id == user.Id && row.SecurityStamp == user.SecurityStamp, cancellationToken)
            ? await Begin(db, user.Id, cancellationToken)
            : Errors.CredentialsRefused;
    }

    /// <summary>Exchanges a refresh token for the next pair.</summary>
    public async Task<Result<TokenPair>> Refresh(string? refreshToken, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var token = await FindLocked(db, refreshToken, cancellationToken);
        if (token is null)
            return TokenErrors.Invalid;
        if (token.RevokedAt is not null)
            return TokenErrors.Revoked;
        if (token.UsedAt is not null)
        {
            await RevokeFamily(db, token.FamilyId, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return TokenErrors.Reused;
        }
        if (token.ExpiresAt <= time.GetUtcNow())
            return TokenErrors.Expired;
        token.UsedAt = time.GetUtcNow();
        var pair = await Next(db, token.UserId, token.FamilyId, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return pair;
    }

    /// <summary>Ends the session that the refresh token belongs to. Nothing happens when there is none: whoever logs out is logged out.</summary>
    public async Task End(string? refreshToken, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await FindLocked(db, refreshToken, cancellationToken) is { } token)
            await RevokeFamily(db, token.FamilyId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Ends every session of a person: what a new password does.</summary>
    public async Task EndAll(Guid userId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockSessions(db, userId, cancellationToken);
        var now = time.GetUtcNow();
        await db.RefreshTokens.Where(token => token.UserId == userId && token.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(token => token.RevokedAt, now), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>The claims of an access token whose session goes on.</summary>
    public async Task<Result<AccessClaims>> Verify(string? accessToken, CancellationToken cancellationToken = default)
    {
        var trusted = await keys.Trusted(cancellationToken);
        var verified = Jws.Verify<AccessClaims>(accessToken, trusted, site.Value.PublicUrl, Audience, time.GetUtcNow());
        if (!verified.Succeeded)
            return verified;
        var sessionId = verified.Value.SessionId;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.RefreshTokens.AnyAsync(token => token.FamilyId == sessionId && token.RevokedAt == null, cancellationToken)
            ? verified
            : TokenErrors.Revoked;
    }

    /// <summary>Writes a new session in the transaction that holds the person's lock, and commits it.</summary>
    private async Task<TokenPair> Begin(DemiurgeDbContext db, Guid userId, CancellationToken cancellationToken)
    {
        await RemoveExpired(db, userId, cancellationToken);
        var pair = await Next(db, userId, Guid.CreateVersion7(), cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.Database.CommitTransactionAsync(cancellationToken);
        return pair;
    }

    private async Task<TokenPair> Next(DemiurgeDbContext db, Guid userId, Guid familyId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var accessExpiresAt = now + AccessLifetime;
        var access = Jws.Sign(
            new AccessClaims
            {
                Issuer = site.Value.PublicUrl,
                Audience = Audience,
                Subject = userId.ToString(),
                IssuedAt = now.ToUnixTimeSeconds(),
                NotBefore = now.ToUnixTimeSeconds(),
                ExpiresAt = accessExpiresAt.ToUnixTimeSeconds(),
                Id = Guid.CreateVersion7().ToString(),
                SessionId = familyId,
            },
            await keys.Current(cancellationToken));
        var refresh = SecretToken.Create();
        var row = new RefreshToken
        {
            FamilyId = familyId,
            UserId = userId,
            TokenHash = SecretToken.Hash(refresh),
            CreatedAt = now,
            ExpiresAt = now + RefreshLifetime,
        };
        db.Add(row);
        return new TokenPair(access, accessExpiresAt, refresh, row.ExpiresAt);
    }

    /// <summary>The token, and nobody else uses or ends its person's sessions until the transaction ends.</summary>
    private static async Task<RefreshToken?> FindLocked(DemiurgeDbContext db, string? refreshToken, CancellationToken cancellationToken)
    {
        if (refreshToken is null or { Length: 0 or > 100 })
            return null;
        var hash = SecretToken.Hash(refreshToken);
        var found = await db.RefreshTokens.AsNoTracking().SingleOrDefaultAsync(token => token.TokenHash == hash, cancellationToken);
        if (found is null)
            return null;
        await LockSessions(db, found.UserId, cancellationToken);
        return await db.RefreshTokens.SingleOrDefaultAsync(token => token.TokenHash == hash, cancellationToken);
    }

    /// <summary>
    /// Until the transaction ends, nobody else begins, continues or ends a session of this person. Not a lock on rows: an end must
    /// also meet a token that is just being added.
    /// </summary>
    private static async Task LockSessions(DemiurgeDbContext db, Guid userId, CancellationToken cancellationToken) =>
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended('sessions ' || {userId.ToString()}, 0))", cancellationToken);

    private async Task RevokeFamily(DemiurgeDbContext db, Guid familyId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await db.RefreshTokens.Where(token => token.FamilyId == familyId && token.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(token => token.RevokedAt, now), cancellationToken);
    }

    private async Task RemoveExpired(DemiurgeDbContext db, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await db.RefreshTokens.Where(token => token.UserId == userId && token.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
    }
}
