using System.Buffers.Binary;
using System.Net;
using Demiurge.Core.Organizations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Remote;

/// <summary>
/// An organization's private network of people's own machines: the authority that lets machines and the gateway know one another, and where
/// the gateway's VPN server is now. What is said of the server counts only while the organization's allocation is in <see cref="Epoch"/>.
/// </summary>
public sealed class RemoteNetwork
{
    /// <summary>The last number that a machine can have in a /20.</summary>
    public const int LastNumber = 4094;

    /// <summary>The gateway's own number; machines begin after it.</summary>
    public const int GatewayNumber = 1;

    /// <summary>Bits of the network's mask.</summary>
    public const int PrefixLength = 20;

    public required Guid OrganizationId { get; init; }

    /// <summary>The authority's certificate, PEM.</summary>
    public required string AuthorityPem { get; init; }

    /// <summary>The authority's private key (PKCS#8, PEM) under data protection.</summary>
    public required string AuthorityKeyProtected { get; init; }

    /// <summary>OpenVPN's static key under data protection: without it nothing is answered at the server's port.</summary>
    public required string ChannelKeyProtected { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The allocation whose gateway spoke last.</summary>
    public long? Epoch { get; set; }

    /// <summary>The server's UDP port.</summary>
    public int? Port { get; set; }

    /// <summary>The network's first address, <c>172.16.32.0</c> say.</summary>
    public string? Network { get; set; }

    /// <summary>Why the gateway runs no server, for people.</summary>
    public string? Problem { get; set; }

    /// <summary>The address of a number in a network.</summary>
    public static string AddressOf(string network, int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        IPAddress.Parse(network).TryWriteBytes(bytes, out _);
        BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) + (uint)number);
        return new IPAddress(bytes).ToString();
    }
}

internal sealed class RemoteNetworkConfiguration : IEntityTypeConfiguration<RemoteNetwork>
{
    public void Configure(EntityTypeBuilder<RemoteNetwork> builder)
    {
        builder.ToTable("remote_networks");
        builder.HasKey(network => network.OrganizationId);
        builder.HasOne<Organization>().WithMany().HasForeignKey(network => network.OrganizationId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(network => network.Network).HasMaxLength(15);
        builder.Property(network => network.Problem).HasMaxLength(1000);
    }
}
