using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Sharing;

/// <summary>A public link to a container's services. The link's token is shown once; only its hash is kept.</summary>
public sealed class ShareLink
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid ContainerId { get; init; }

    /// <summary>SHA-256 of the token.</summary>
    public required byte[] TokenHash { get; init; }

    public required Guid CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }
}

internal sealed class ShareLinkConfiguration : IEntityTypeConfiguration<ShareLink>
{
    public void Configure(EntityTypeBuilder<ShareLink> builder)
    {
        builder.ToTable("container_share_links");
        builder.HasOne<Container>().WithMany().HasForeignKey(link => link.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(link => link.TokenHash).IsUnique();
    }
}
