using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Remote;

/// <summary>The machine of a person's own that a container of the place <see cref="ContainerPlace.Remote"/> runs on.</summary>
public sealed class RemoteMachine
{
    public required Guid ContainerId { get; init; }

    public required Guid OrganizationId { get; init; }

    /// <summary>SHA-256 of the token that it joins with; null once used.</summary>
    public byte[]? JoinTokenHash { get; set; }

    public DateTimeOffset? JoinTokenExpiresAt { get; set; }

    /// <summary>Serial number of the VPN certificate, lower-case hexadecimal.</summary>
    public string? CertificateSerial { get; set; }

    public DateTimeOffset? CertificateExpiresAt { get; set; }

    public DateTimeOffset? CertificateRevokedAt { get; set; }

    /// <summary>SHA-256 of the token under which it reports.</summary>
    public byte[]? ReportTokenHash { get; set; }

    /// <summary>Its address in the VPN.</summary>
    public string? Address { get; set; }

    public DateTimeOffset? JoinedAt { get; set; }

    public DateTimeOffset? LastSeenAt { get; set; }
}

internal sealed class RemoteMachineConfiguration : IEntityTypeConfiguration<RemoteMachine>
{
    public void Configure(EntityTypeBuilder<RemoteMachine> builder)
    {
        builder.ToTable("remote_machines");
        builder.HasKey(machine => machine.ContainerId);
        builder.HasOne<Container>().WithMany().HasForeignKey(machine => machine.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(machine => machine.JoinTokenHash).IsUnique();
        builder.HasIndex(machine => machine.ReportTokenHash).IsUnique();
        builder.HasIndex(machine => machine.CertificateSerial).IsUnique();
    }
}
