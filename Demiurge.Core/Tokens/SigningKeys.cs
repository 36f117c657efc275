using System.Security.Cryptography;
using Demiurge.Core.Persistence;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Tokens;

/// <summary>
/// The installation's signing keys. A key signs for <see cref="SigningPeriod"/>; its successor is made and published
/// <see cref="Announcement"/> before it signs, and it verifies for <see cref="Aftermath"/> after, so that a verifier that looks
/// for keys once a day never meets an unknown one. Kept in the database, shared by every instance; safe for concurrent use.
/// </summary>
public sealed class SigningKeys(IDbContextFactory<DemiurgeDbContext> contexts, IDataProtectionProvider protection, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan SigningPeriod = TimeSpan.FromDays(30);
    public static readonly TimeSpan Announcement = TimeSpan.FromDays(2);
    public static readonly TimeSpan Aftermath = TimeSpan.FromDays(2);

    /// <summary>How long this process goes on with the keys it has read.</summary>
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromMinutes(10);

    /// <summary>How far the clocks of two instances may differ without the one taking the other's fresh key for a future one.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>The key of the PostgreSQL advisory lock under which keys are made.</summary>
    private const long LockKey = 0x6B657973;

    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.SigningKeys");
    private readonly SemaphoreSlim reading = new(1, 1);
    private volatile Ring? ring;

    /// <summary>The key that signs now.</summary>
    public async Task<JwsSigningKey> Current(CancellationToken cancellationToken = default) =>
        (await Read(cancellationToken)).Signing;

    /// <summary>Every key that verifies now or will soon.</summary>
    public async Task<JwsKeySet> Trusted(CancellationToken cancellationToken = default) =>
        (await Read(cancellationToken)).Trusted;

    public void Dispose() => reading.Dispose();

    private async Task<Ring> Read(CancellationToken cancellationToken)
    {
        if (ring is { } fresh && time.GetUtcNow() < fresh.StaleAt)
            return fresh;
        await reading.WaitAsync(cancellationToken);
        try
        {
            return ring is { } read && time.GetUtcNow() < read.StaleAt ? read : ring = await Load(cancellationToken);
        }
        finally
        {
            reading.Release();
        }
    }

    private async Task<Ring> Load(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({LockKey})", cancellationToken);
        var now = time.GetUtcNow();
        var keys = await db.SigningKeys.Where(key => key.VerifiesUntil > now).OrderBy(key => key.SignsFrom).ToListAsync(cancellationToken);
        // A key that was protected by a key ring which is gone can still verify, but not sign.
        var readable = keys.Where(key => TryUnprotect(key) is not null).ToList();
        if (!readable.Any(key => key.SignsFrom <= now && now < key.SignsUntil))
            Add(now - ClockSkew);
        if (readable.LastOrDefault() is { } last && last.SignsUntil > now && last.SignsUntil - now < Announcement)
            Add(last.SignsUntil);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        var signing = readable.Last(key => key.SignsFrom <= now && now < key.SignsUntil);
        return new Ring(
            new JwsSigningKey(signing.Id.ToString(), TryUnprotect(signing)!.Value),
            new JwsKeySet(keys.Select(ToPublic)),
            Min(now + CacheLifetime, signing.SignsUntil));

        void Add(DateTimeOffset from)
        {
            using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var key = new SigningKey
            {
                PublicKey = pair.ExportSubjectPublicKeyInfo(),
                ProtectedPrivateKey = protector.Protect(pair.ExportPkcs8PrivateKey()),
                SignsFrom = from,
                SignsUntil = from + SigningPeriod,
                VerifiesUntil = from + SigningPeriod + Aftermath,
            };
            db.Add(key);
            keys.Add(key);
            readable.Add(key);
        }
    }

    private ECParameters? TryUnprotect(SigningKey key)
    {
        try
        {
            using var pair = ECDsa.Create();
            pair.ImportPkcs8PrivateKey(protector.Unprotect(key.ProtectedPrivateKey), out _);
            return pair.ExportParameters(includePrivateParameters: true);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static JsonWebKey ToPublic(SigningKey key)
    {
        using var pair = ECDsa.Create();
        pair.ImportSubjectPublicKeyInfo(key.PublicKey, out _);
        return JsonWebKey.From(key.Id.ToString(), pair.ExportParameters(includePrivateParameters: false));
    }

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private sealed record Ring(JwsSigningKey Signing, JwsKeySet Trusted, DateTimeOffset StaleAt);
}
