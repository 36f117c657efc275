using System.Security.Cryptography;
using Demiurge.Core.Persistence;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>The secret that organizations' cookie keys are derived from; the only row of its table.</summary>
internal sealed class ContainerCookieSecret
{
    public const int OnlyKey = 1;

    public int Key { get; init; } = OnlyKey;

    /// <summary>32 random bytes under data protection.</summary>
    public required byte[] ProtectedValue { get; set; }
}

/// <summary>
/// The keys with which gateways sign their visitors' cookies: one for each organization, so that what a gateway knows is of use for the
/// organization it serves and for no other, and the same for whichever gateway serves it. Safe for concurrent use.
/// </summary>
public sealed class ContainerCookieKeys(IDbContextFactory<DemiurgeDbContext> contexts, IDataProtectionProvider protection)
{
    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.ContainerCookies");
    private volatile byte[]? secret;

    /// <summary>32 bytes.</summary>
    public async Task<byte[]> Of(Guid organizationId, CancellationToken cancellationToken = default) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret ??= await Read(cancellationToken), 32, info: organizationId.ToByteArray());

    private async Task<byte[]> Read(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var fresh = protector.Protect(RandomNumberGenerator.GetBytes(32));
        await db.Database.ExecuteSqlAsync(
            $"INSERT INTO container_cookie_secret (key, protected_value) VALUES ({ContainerCookieSecret.OnlyKey}, {fresh}) ON CONFLICT DO NOTHING", cancellationToken);
        var row = await db.Set<ContainerCookieSecret>().SingleAsync(cancellationToken);
        try
        {
            return protector.Unprotect(row.ProtectedValue);
        }
        catch (CryptographicException)
        {
            // The key ring is gone: visitors enter once more.
            row.ProtectedValue = fresh;
            await db.SaveChangesAsync(cancellationToken);
            return protector.Unprotect(fresh);
        }
    }
}

internal sealed class ContainerCookieSecretConfiguration : IEntityTypeConfiguration<ContainerCookieSecret>
{
    public void Configure(EntityTypeBuilder<ContainerCookieSecret> builder)
    {
        builder.ToTable("container_cookie_secret");
        builder.HasKey(row => row.Key);
        builder.Property(row => row.Key).ValueGeneratedNever();
    }
}
