namespace Demiurge.Core.Containers.Docker.Wire;

internal sealed record CreateNetwork
{
    public required string Name { get; init; }

    public string Driver { get; init; } = "bridge";

    /// <summary>No way out, and none in from other networks.</summary>
    public bool Internal { get; init; }

    /// <summary>Refuse a second one of the same name, which the engine would otherwise allow.</summary>
    public bool CheckDuplicate { get; init; } = true;

    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>For example <c>com.docker.network.bridge.name</c>.</summary>
    public Dictionary<string, string>? Options { get; init; }

    public NetworkAddresses? IPAM { get; init; }
}

internal sealed record NetworkAddresses(IReadOnlyList<AddressRange>? Config);

/// <param name="Subnet">CIDR.</param>
internal sealed record AddressRange(string? Subnet, string? Gateway = null);

internal sealed record CreatedNetwork(string Id, string? Warning);

internal sealed record ConnectNetwork(string Container, NetworkEndpoint? EndpointConfig);

internal sealed record DisconnectNetwork(string Container, bool Force);

/// <param name="Containers">Those that run in it, by id; only told about one network, not in lists.</param>
internal sealed record NetworkDetails(
    string Id,
    string Name,
    string Driver,
    bool Internal,
    Dictionary<string, string>? Labels,
    Dictionary<string, string>? Options,
    NetworkAddresses? IPAM,
    Dictionary<string, NetworkMember>? Containers);

/// <param name="IPv4Address">With the prefix's length: <c>172.18.0.2/16</c>.</param>
internal sealed record NetworkMember(string Name, string? IPv4Address);
