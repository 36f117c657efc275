using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Snapshots;

public enum SnapshotState { Creating, Ready, Failed, Deleting }

/// <summary>A copy of a container's volumes as they were at a time. It outlives the container.</summary>
public sealed class Snapshot
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid ContainerId { get; init; }

    public required Guid OrganizationId { get; init; }

    public required Guid ProjectId { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The person who asked for it; null for one that was scheduled.</summary>
    public Guid? CreatedBy { get; init; }

    /// <summary>Of the stored file.</summary>
    public long Bytes { get; set; }

    /// <summary>Of the stored file, lower-case hexadecimal.</summary>
    public string? Sha256 { get; set; }

    /// <summary>Where the file is, in the words of the store that keeps it.</summary>
    public string? Location { get; set; }

    public SnapshotState State { get; set; }

    /// <summary>Why it failed, for people.</summary>
    public string? Reason { get; set; }

    /// <summary>Whether a schedule made it.</summary>
    public bool Automatic { get; init; }
}

/// <summary>When a container's volumes are copied without anybody asking.</summary>
public sealed class SnapshotSchedule
{
    public required Guid ContainerId { get; init; }

    public int EveryHours { get; set; }

    /// <summary>How many automatic ones are kept.</summary>
    public int Keep { get; set; }

    public bool Enabled { get; set; } = true;

    public DateTimeOffset NextAt { get; set; }
}

internal sealed class SnapshotConfiguration : IEntityTypeConfiguration<Snapshot>, IEntityTypeConfiguration<SnapshotSchedule>
{
    public void Configure(EntityTypeBuilder<Snapshot> builder)
    {
        builder.ToTable("container_snapshots");
        builder.Property(snapshot => snapshot.Name).HasMaxLength(80);
        builder.Property(snapshot => snapshot.State).HasConversion<string>().HasMaxLength(16);
        builder.HasIndex(snapshot => new { snapshot.ContainerId, snapshot.CreatedAt });
        builder.HasIndex(snapshot => snapshot.OrganizationId);
    }

    public void Configure(EntityTypeBuilder<SnapshotSchedule> builder)
    {
        builder.ToTable("container_snapshot_schedules");
        builder.HasKey(schedule => schedule.ContainerId);
        builder.HasOne<Container>().WithMany().HasForeignKey(schedule => schedule.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(schedule => schedule.NextAt);
    }
}
