using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Tiers;

/// <summary>How much of a machine a container gets, and what an hour of it costs.</summary>
public sealed class Tier
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required string Name { get; set; }

    /// <summary>Processors' worth of time.</summary>
    public double Cpus { get; set; }

    /// <summary>Memory; there is no swap beyond it.</summary>
    public long MemoryBytes { get; set; }

    /// <summary>What placement reserves, and the limit where the engine can keep one.</summary>
    public long DiskBytes { get; set; }

    /// <summary>Processes and threads.</summary>
    public int Pids { get; set; }

    /// <summary>In the installation's currency.</summary>
    public decimal PricePerHour { get; set; }

    public bool Enabled { get; set; } = true;

    /// <summary>Place in lists.</summary>
    public int Order { get; set; }
}

internal sealed class TierConfiguration : IEntityTypeConfiguration<Tier>
{
    public void Configure(EntityTypeBuilder<Tier> builder)
    {
        builder.ToTable("container_tiers");
        builder.Property(tier => tier.Name).HasMaxLength(40);
        builder.Property(tier => tier.PricePerHour).HasPrecision(12, 4);
        builder.HasIndex(tier => tier.Name).IsUnique();
    }
}
