using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Gateways;

/// <summary>Where a gateway is in its life: <c>starting → ready → allocated → draining → ready</c>, and <c>lost</c> from anywhere.</summary>
public enum GatewayState { Starting, Ready, Allocated, Draining, Lost }

/// <summary>A place in the pool and the process (or container) that fills it now.</summary>
public sealed class Gateway
{
    /// <summary><c>gw-pool-N</c>.</summary>
    public required string Name { get; init; }

    public int Ordinal { get; init; }

    public GatewayState State { get; set; }

    /// <summary>Differs with every start; what an earlier instance says is not believed.</summary>
    public Guid InstanceId { get; set; }

    /// <summary>Loopback TCP port of its HTTP server.</summary>
    public int Port { get; set; }

    /// <summary>Bearer secret between Web and this instance, in both directions; random, as long-lived as the instance.</summary>
    public required string PoolToken { get; set; }

    /// <summary>The host's own name for it, enough to find it again after a restart of Web; null until it was started.</summary>
    public string? HostReference { get; set; }

    /// <summary>When <see cref="State"/> or <see cref="InstanceId"/> last changed.</summary>
    public DateTimeOffset StateChangedAt { get; set; }

    public DateTimeOffset LastHeartbeatAt { get; set; }
}

/// <summary>Whether an allocated gateway serves its organization already.</summary>
public enum AllocationState { None, Starting, Serving }

/// <summary>
/// Which gateway an organization has. The row stays when the gateway goes, because its epoch must only grow: every
/// append to a room's log locks it and is refused under an older epoch.
/// </summary>
public sealed class GatewayAllocation
{
    public Guid OrganizationId { get; init; }

    public long Epoch { get; set; }

    public AllocationState State { get; set; }

    public string? GatewayName { get; set; }

    /// <summary>SHA-256 of the one-time token; null once used.</summary>
    public byte[]? HandshakeTokenHash { get; set; }

    /// <summary>SHA-256 of the token under which the gateway pulls and appends.</summary>
    public byte[]? GatewayTokenHash { get; set; }

    /// <summary>Number of the last batch appended in this epoch; a batch sent again after a lost answer is recognized by it.</summary>
    public long LastBatch { get; set; }

    public DateTimeOffset AllocatedAt { get; set; }
}

internal sealed class GatewayConfiguration : IEntityTypeConfiguration<Gateway>
{
    public void Configure(EntityTypeBuilder<Gateway> builder)
    {
        builder.ToTable("gateways");
        builder.HasKey(gateway => gateway.Name);
        builder.Property(gateway => gateway.State).HasConversion<string>();
        builder.HasIndex(gateway => gateway.Ordinal).IsUnique();
    }
}

internal sealed class GatewayAllocationConfiguration : IEntityTypeConfiguration<GatewayAllocation>
{
    public void Configure(EntityTypeBuilder<GatewayAllocation> builder)
    {
        builder.ToTable("gateway_allocations");
        builder.HasKey(allocation => allocation.OrganizationId);
        builder.Property(allocation => allocation.State).HasConversion<string>();
        builder.HasIndex(allocation => allocation.GatewayName).IsUnique();
        builder.HasIndex(allocation => allocation.GatewayTokenHash).IsUnique();
        builder.HasOne<Organizations.Organization>().WithMany().HasForeignKey(allocation => allocation.OrganizationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<Gateway>().WithMany().HasForeignKey(allocation => allocation.GatewayName).OnDelete(DeleteBehavior.SetNull);
    }
}
