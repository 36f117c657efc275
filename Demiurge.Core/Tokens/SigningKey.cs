using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Tokens;

/// <summary>A P-256 key pair that signs tokens from <see cref="SignsFrom"/> to <see cref="SignsUntil"/> and verifies them until <see cref="VerifiesUntil"/>.</summary>
public sealed class SigningKey
{
    /// <summary>The <c>kid</c> of the tokens it signed.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>X.509 SubjectPublicKeyInfo, DER.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>PKCS #8, DER, encrypted by the data-protection keys.</summary>
    public required byte[] ProtectedPrivateKey { get; init; }

    public DateTimeOffset SignsFrom { get; init; }

    public DateTimeOffset SignsUntil { get; init; }

    public DateTimeOffset VerifiesUntil { get; init; }
}

internal sealed class SigningKeyConfiguration : IEntityTypeConfiguration<SigningKey>
{
    public void Configure(EntityTypeBuilder<SigningKey> builder)
    {
        builder.ToTable("signing_keys");
        builder.HasIndex(key => key.VerifiesUntil);
    }
}
