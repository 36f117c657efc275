using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Usage;

/// <summary>
/// A stretch of time in which a container ran, with the names and the price of then: it outlives what it speaks of. A container has at
/// most one open record, which the database keeps.
/// </summary>
public sealed class UsageRecord
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid OrganizationId { get; init; }

    public required Guid ProjectId { get; init; }

    public required Guid ContainerId { get; init; }

    public required string ContainerName { get; init; }

    public required Guid OwnerId { get; init; }

    /// <summary>The tier's name.</summary>
    public required string Tier { get; init; }

    public required decimal PricePerHour { get; init; }

    public required DateTimeOffset From { get; init; }

    /// <summary>Null while it runs.</summary>
    public DateTimeOffset? To { get; set; }

    /// <summary>When it was last seen running: its end, if nobody can say that better.</summary>
    public DateTimeOffset SeenAt { get; set; }
}

internal sealed class UsageRecordConfiguration : IEntityTypeConfiguration<UsageRecord>
{
    public void Configure(EntityTypeBuilder<UsageRecord> builder)
    {
        builder.ToTable("container_usage");
        builder.Property(record => record.ContainerName).HasMaxLength(80);
        builder.Property(record => record.Tier).HasMaxLength(40);
        builder.Property(record => record.PricePerHour).HasPrecision(12, 4);
        builder.HasIndex(record => new { record.OrganizationId, record.From });
        builder.HasIndex(record => record.ContainerId).IsUnique().HasFilter("\"to\" IS NULL");
    }
}
