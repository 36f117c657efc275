using Demiurge.Core.Organizations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers;

/// <summary>What somebody may have where that differs from <see cref="ContainerOptions"/>; null keeps to the options.</summary>
public abstract class QuotaLimits
{
    public int? Containers { get; set; }

    /// <summary>Of those, how many may be to run at a time; likewise processors and memory.</summary>
    public int? Running { get; set; }

    public double? Cpus { get; set; }

    public long? MemoryBytes { get; set; }

    /// <summary>What their tiers reserve of disks, also of stopped ones.</summary>
    public long? DiskBytes { get; set; }

    /// <summary>What snapshots may take in the stores.</summary>
    public long? SnapshotBytes { get; set; }
}

/// <summary>What an organization may have.</summary>
public sealed class ContainerQuota : QuotaLimits
{
    public required Guid OrganizationId { get; init; }
}

/// <summary>What one person may have in an organization. It goes with their membership.</summary>
public sealed class PersonQuota : QuotaLimits
{
    public required Guid OrganizationId { get; init; }

    public required Guid UserId { get; init; }
}

internal sealed class ContainerQuotaConfiguration : IEntityTypeConfiguration<ContainerQuota>, IEntityTypeConfiguration<PersonQuota>
{
    public void Configure(EntityTypeBuilder<ContainerQuota> builder)
    {
        builder.ToTable("container_quotas");
        builder.HasKey(quota => quota.OrganizationId);
        builder.HasOne<Organization>().WithMany().HasForeignKey(quota => quota.OrganizationId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<PersonQuota> builder)
    {
        builder.ToTable("container_person_quotas");
        builder.HasKey(quota => new { quota.OrganizationId, quota.UserId });
        builder.HasOne<OrganizationMember>().WithMany().HasForeignKey(quota => new { quota.OrganizationId, quota.UserId })
            .HasConstraintName("fk_container_person_quotas_member").OnDelete(DeleteBehavior.Cascade);
    }
}
