using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Hosts;

/// <summary>How a gateway reaches the containers of a host.</summary>
public enum HostReach
{
    /// <summary>At the container's own address.</summary>
    Direct,

    /// <summary>At the host's address and a published port.</summary>
    Published,
}

/// <summary>A container engine that was registered.</summary>
public sealed class ContainerHost
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required string Name { get; set; }

    /// <summary><c>unix:///…</c> or <c>tcp://host:2376</c>.</summary>
    public required string Endpoint { get; set; }

    public string? CaPem { get; set; }

    public string? ClientCertPem { get; set; }

    /// <summary>The client's key under data protection.</summary>
    public string? ClientKeyProtected { get; set; }

    /// <summary>How many processors may be reserved.</summary>
    public double Cpus { get; set; }

    /// <summary>How much memory may be reserved.</summary>
    public long MemoryBytes { get; set; }

    /// <summary>How much disk may be reserved.</summary>
    public long DiskBytes { get; set; }

    /// <summary>Whose containers it takes; empty: everybody's.</summary>
    public List<Guid> OrganizationIds { get; set; } = [];

    /// <summary>The engine's runtime for containers (<c>runsc</c>, <c>kata</c>); null: its default.</summary>
    public string? Runtime { get; set; }

    public HostReach Reach { get; set; }

    /// <summary>The host's address for published ports.</summary>
    public string? PublishedAddress { get; set; }

    public bool Enabled { get; set; } = true;

    /// <summary>The engine's own id: no engine is registered twice, or each of the two would take the other's containers for orphans.</summary>
    public string? EngineId { get; set; }

    /// <summary>When it answered last.</summary>
    public DateTimeOffset? LastSeenAt { get; set; }

    /// <summary>Why it doesn't answer now.</summary>
    public string? LastError { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class ContainerHostConfiguration : IEntityTypeConfiguration<ContainerHost>
{
    public void Configure(EntityTypeBuilder<ContainerHost> builder)
    {
        builder.ToTable("container_hosts");
        builder.Property(host => host.Name).HasMaxLength(80);
        builder.Property(host => host.Endpoint).HasMaxLength(400);
        builder.Property(host => host.Reach).HasConversion<string>().HasMaxLength(16);
        builder.HasIndex(host => host.Name).IsUnique();
        builder.Property(host => host.EngineId).HasMaxLength(200);
        builder.HasIndex(host => host.EngineId).IsUnique();
    }
}
