using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Rooms;

/// <summary>
/// One record of a room's log: a Yjs update (v1) that a gateway appended. A project's records are numbered without gaps
/// from 1 in the order of their commits, so a missing one is seen at load.
/// </summary>
public sealed class RoomUpdate
{
    public Guid ProjectId { get; init; }

    public long Seq { get; init; }

    /// <summary>The organization's allocation epoch under which the record was written.</summary>
    public long Epoch { get; init; }

    public required byte[] Bytes { get; init; }

    /// <summary><see cref="RoomChecksum"/> over project, number and bytes.</summary>
    public long Checksum { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A room's whole state up to and including record <see cref="Seq"/>, as one Yjs update (v1).</summary>
public sealed class RoomSnapshot
{
    public Guid ProjectId { get; init; }

    /// <summary>Number of the last record that the snapshot contains.</summary>
    public long Seq { get; init; }

    public long Epoch { get; init; }

    public required byte[] Bytes { get; init; }

    public long Checksum { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class RoomUpdateConfiguration : IEntityTypeConfiguration<RoomUpdate>
{
    public void Configure(EntityTypeBuilder<RoomUpdate> builder)
    {
        builder.ToTable("room_updates");
        builder.HasKey(update => new { update.ProjectId, update.Seq });
        builder.HasOne<Projects.Project>().WithMany().HasForeignKey(update => update.ProjectId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class RoomSnapshotConfiguration : IEntityTypeConfiguration<RoomSnapshot>
{
    public void Configure(EntityTypeBuilder<RoomSnapshot> builder)
    {
        builder.ToTable("room_snapshots");
        builder.HasKey(snapshot => new { snapshot.ProjectId, snapshot.Seq });
        builder.HasOne<Projects.Project>().WithMany().HasForeignKey(snapshot => snapshot.ProjectId).OnDelete(DeleteBehavior.Cascade);
    }
}
