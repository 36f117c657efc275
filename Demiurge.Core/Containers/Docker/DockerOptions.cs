using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;

namespace Demiurge.Core.Containers.Docker;

/// <summary>What containers may reach; bound to the configuration section <c>Demiurge:Containers:Docker</c>, checked at start.</summary>
public sealed record DockerOptions : IValidatableObject
{
    public const string Section = "Demiurge:Containers:Docker";

    /// <summary>Whether containers are kept from private networks (10/8, 172.16/12, 192.168/16, 100.64/10). Link-local addresses, where clouds keep credentials, are always out of reach.</summary>
    public bool BlockPrivateNetworks { get; init; }

    /// <summary>Where organizations' networks take their addresses, 64 each, when the engine's own pools (some 30 networks) are used up; IPv4, CIDR, from /8 to /24.</summary>
    public string NetworkRange { get; init; } = "10.213.0.0/16";

    internal IPNetwork Range => IPNetwork.Parse(NetworkRange);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IPNetwork.TryParse(NetworkRange, out var range) || range.BaseAddress.AddressFamily != AddressFamily.InterNetwork || range.PrefixLength is < 8 or > 24)
            yield return new ValidationResult("Demiurge:Containers:Docker:NetworkRange must be an IPv4 range from /8 to /24, for example 10.213.0.0/16.");
    }
}
