using System.ComponentModel.DataAnnotations;

namespace Demiurge.Gateway.Vpn;

/// <summary>The gateway's VPN server; bound to the section <c>Gateway:Vpn</c>.</summary>
public sealed record VpnOptions
{
    public const string Section = "Gateway:Vpn";

    public bool Enabled { get; init; } = true;

    /// <summary>UDP port of <c>gw-pool-0</c>; N uses <c>BasePort + N</c>, or another where that is taken. 0 takes whatever is free.</summary>
    [Range(0, 64000, ErrorMessage = "Gateway:Vpn:BasePort must lie between 0 (any free port) and 64000.")]
    public int BasePort { get; init; } = 49100;
}
