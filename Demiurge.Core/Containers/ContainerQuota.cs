using Demiurge.Core.Organizations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers;

/// <summary>What an organization may have where that differs from <see cref="ContainerOptions"/>; null keeps to the options.</summary>
public sealed class ContainerQuota
{
    public required Guid OrganizationId { get; init; }

    public int? Containers { get; set; }

    public int? Running { get; set; }

    public double? Cpus { get; set; }

    public long? MemoryBytes { get; set; }

    /// <summary>What its snapshots may take in the stores.</summary>
    public long? SnapshotBytes { get; set; }
}

internal sealed class ContainerQuotaConfiguration : IEntityTypeConfiguration<ContainerQuota>
{
    public void Configure(EntityTypeBuilder<ContainerQuota> builder)
    {
        builder.ToTable("container_quotas");
        builder.HasKey(quota => quota.OrganizationId);
        builder.HasOne<Organization>().WithMany().HasForeignKey(quota => quota.OrganizationId).OnDelete(DeleteBehavior.Cascade);
    }
}
