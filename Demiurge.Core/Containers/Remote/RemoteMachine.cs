using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Remote;

/// <summary>
/// The machine of a person's own that a container of the place <see cref="ContainerPlace.Remote"/> runs on; a container has one at a time.
/// Invited while <see cref="JoinTokenHash"/> is there and fresh, joined while <see cref="ReportTokenHash"/> is.
/// </summary>
public sealed class RemoteMachine
{
    public required Guid ContainerId { get; init; }

    public required Guid OrganizationId { get; init; }

    /// <summary>Its place in the organization's network, 2 to <see cref="RemoteNetwork.LastNumber"/>; its address is the network's first plus this.</summary>
    public required int Number { get; init; }

    /// <summary>SHA-256 of the token that it joins with; null once used.</summary>
    public byte[]? JoinTokenHash { get; set; }

    public DateTimeOffset? JoinTokenExpiresAt { get; set; }

    /// <summary>Who asked for that token.</summary>
    public Guid? InvitedBy { get; set; }

    /// <summary>Whose machine it is: it stays only as long as they may manage the container.</summary>
    public Guid? JoinedBy { get; set; }

    /// <summary>Serial number of the VPN certificate, lower-case hexadecimal.</summary>
    public string? CertificateSerial { get; set; }

    public DateTimeOffset? CertificateExpiresAt { get; set; }

    public DateTimeOffset? CertificateRevokedAt { get; set; }

    /// <summary>SHA-256 of the token under which it reports; null unless it is joined.</summary>
    public byte[]? ReportTokenHash { get; set; }

    public DateTimeOffset? JoinedAt { get; set; }

    public DateTimeOffset? LastSeenAt { get; set; }

    /// <summary>What listened there when it reported last.</summary>
    public List<RemoteService> Services { get; set; } = [];

    /// <summary>Ends what the machine may do; a new command lets it, or another, join again.</summary>
    internal void Revoke(DateTimeOffset now)
    {
        JoinTokenHash = null;
        JoinTokenExpiresAt = null;
        ReportTokenHash = null;
        Services = [];
        if (CertificateSerial is not null)
            CertificateRevokedAt ??= now;
    }
}

/// <summary>Something that listens on a person's own machine.</summary>
/// <param name="Name"><c>main</c> is the one that the container's plain address leads to.</param>
/// <param name="Path">Where a person begins, beginning with a slash.</param>
public sealed record RemoteService(string Name, int Port, string Path = "/");

internal sealed class RemoteMachineConfiguration : IEntityTypeConfiguration<RemoteMachine>
{
    public void Configure(EntityTypeBuilder<RemoteMachine> builder)
    {
        builder.ToTable("remote_machines");
        builder.HasKey(machine => machine.ContainerId);
        builder.HasOne<Container>().WithMany().HasForeignKey(machine => machine.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(machine => machine.Services).HasJson();
        builder.HasIndex(machine => machine.JoinTokenHash).IsUnique();
        builder.HasIndex(machine => machine.ReportTokenHash).IsUnique();
        builder.HasIndex(machine => machine.CertificateSerial).IsUnique();
        builder.HasIndex(machine => new { machine.OrganizationId, machine.Number }).IsUnique();
    }
}
