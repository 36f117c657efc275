using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Snapshots;

public enum SnapshotState
{
    /// <summary>It is being written, or waits for that.</summary>
    Creating,

    /// <summary>Stored, read back and found whole.</summary>
    Ready,

    Failed,

    Deleting,
}

/// <summary>A copy of a container's volumes as they were at a time. It outlives the container.</summary>
public sealed class Snapshot
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid ContainerId { get; init; }

    public required Guid OrganizationId { get; init; }

    public required Guid ProjectId { get; init; }

    public required string Name { get; set; }

    /// <summary>The container's name then.</summary>
    public required string ContainerName { get; init; }

    public required Guid TemplateId { get; init; }

    public required int TemplateVersion { get; init; }

    public required Guid TierId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The person who asked for it; null for one that was scheduled.</summary>
    public Guid? CreatedBy { get; init; }

    /// <summary>Of the stored file; while it is written, so far.</summary>
    public long Bytes { get; set; }

    /// <summary>Of all files in it, unpacked; while it is written, so far.</summary>
    public long UnpackedBytes { get; set; }

    /// <summary>Files and folders in it.</summary>
    public long Entries { get; set; }

    /// <summary>How the file is packed: <c>tar+gzip</c>.</summary>
    public string Format { get; set; } = "";

    /// <summary>Of the stored file, lower-case hexadecimal.</summary>
    public string? Sha256 { get; set; }

    /// <summary>Of what is in it, whatever the packing; with it a restore is compared.</summary>
    public string? ContentDigest { get; set; }

    /// <summary>Where the file is: the store's kind, a colon, and its key there.</summary>
    public string? Location { get; set; }

    /// <summary>What the volumes were, absolute paths.</summary>
    public List<string> Volumes { get; set; } = [];

    public SnapshotState State { get; set; }

    /// <summary>What is being done, for people; null when nothing is.</summary>
    public string? Step { get; set; }

    /// <summary>Why it failed, or has to be tried again, for people.</summary>
    public string? Reason { get; set; }

    public int Attempts { get; set; }

    public DateTimeOffset? NextAttemptAt { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    /// <summary>Whether a schedule made it.</summary>
    public bool Automatic { get; init; }
}

/// <summary>When a container's volumes are copied without anybody asking.</summary>
public sealed class SnapshotSchedule
{
    public required Guid ContainerId { get; init; }

    /// <summary>Minute, hour, day of the month, month, day of the week, in UTC; see <see cref="CronTimes"/>.</summary>
    public required string Cron { get; set; }

    /// <summary>How many automatic ones are kept.</summary>
    public int Keep { get; set; }

    public bool Enabled { get; set; } = true;

    public DateTimeOffset NextAt { get; set; }
}

public enum RestoreState
{
    Waiting,
    Stopping,
    Writing,
    Verifying,
    Starting,
    Done,
    Failed,
}

/// <summary>
/// A snapshot's way back into a container. Data is written into a fresh set of volumes and compared with the snapshot before the container is
/// given that set; the volumes of before go after that. So whatever ends it in between, the container has one whole set.
/// </summary>
public sealed class SnapshotRestore
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid SnapshotId { get; init; }

    public required Guid ContainerId { get; init; }

    public required Guid RequestedBy { get; init; }

    public RestoreState State { get; set; }

    public string? Reason { get; set; }

    /// <summary>0 to 1 while it writes or verifies.</summary>
    public double? Progress { get; set; }

    /// <summary>The set of volumes that it writes.</summary>
    public int VolumeSet { get; set; }

    /// <summary>Whether the container ran, and is to run again.</summary>
    public bool StartsAfter { get; set; }

    public int Attempts { get; set; }

    public DateTimeOffset? NextAttemptAt { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; set; }
}

internal sealed class SnapshotConfiguration :
    IEntityTypeConfiguration<Snapshot>,
    IEntityTypeConfiguration<SnapshotSchedule>,
    IEntityTypeConfiguration<SnapshotRestore>
{
    public void Configure(EntityTypeBuilder<Snapshot> builder)
    {
        builder.ToTable("container_snapshots");
        builder.Property(snapshot => snapshot.Name).HasMaxLength(80);
        builder.Property(snapshot => snapshot.ContainerName).HasMaxLength(80);
        builder.Property(snapshot => snapshot.Format).HasMaxLength(20);
        builder.Property(snapshot => snapshot.Volumes).HasJson();
        builder.Property(snapshot => snapshot.State).HasConversion<string>().HasMaxLength(16);
        builder.HasIndex(snapshot => new { snapshot.ContainerId, snapshot.CreatedAt });
        builder.HasIndex(snapshot => snapshot.OrganizationId);
        builder.HasIndex(snapshot => snapshot.ContainerId, "ix_container_snapshots_creating").IsUnique().HasFilter("state = 'Creating'");
    }

    public void Configure(EntityTypeBuilder<SnapshotSchedule> builder)
    {
        builder.ToTable("container_snapshot_schedules");
        builder.HasKey(schedule => schedule.ContainerId);
        builder.HasOne<Container>().WithMany().HasForeignKey(schedule => schedule.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(schedule => schedule.Cron).HasMaxLength(100);
        builder.HasIndex(schedule => schedule.NextAt);
    }

    public void Configure(EntityTypeBuilder<SnapshotRestore> builder)
    {
        builder.ToTable("container_restores");
        builder.HasOne<Container>().WithMany().HasForeignKey(restore => restore.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(restore => restore.State).HasConversion<string>().HasMaxLength(16);
        builder.HasIndex(restore => restore.ContainerId, "ix_container_restores_under_way").IsUnique().HasFilter("finished_at IS NULL");
    }
}
