using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Sharing;

/// <summary>Lets a script reach a container's services. The token is shown once; only its hash is kept.</summary>
public sealed class ContainerToken
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid ContainerId { get; init; }

    public required string Name { get; set; }

    /// <summary>SHA-256 of the token.</summary>
    public required byte[] TokenHash { get; init; }

    public required Guid CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    public DateTimeOffset? LastUsedAt { get; set; }
}

internal sealed class ContainerTokenConfiguration : IEntityTypeConfiguration<ContainerToken>
{
    public void Configure(EntityTypeBuilder<ContainerToken> builder)
    {
        builder.ToTable("container_tokens");
        builder.HasOne<Container>().WithMany().HasForeignKey(token => token.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(token => token.Name).HasMaxLength(80);
        builder.HasIndex(token => token.TokenHash).IsUnique();
    }
}
