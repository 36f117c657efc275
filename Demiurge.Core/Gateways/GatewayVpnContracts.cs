namespace Demiurge.Core.Gateways;

// What a gateway and Web tell one another about an organization's VPN; the calls are listed at GatewayContracts.

/// <summary>What a gateway runs its VPN server with. Everything is PEM, or as OpenVPN writes it.</summary>
/// <param name="ChannelKey">OpenVPN's <c>tls-crypt</c> key.</param>
public sealed record GatewayVpn(string Authority, string Certificate, string Key, string ChannelKey)
{
    /// <summary>Without the secrets.</summary>
    public override string ToString() => nameof(GatewayVpn);
}

/// <summary>Where the server is; or, with neither port nor network, why there is none.</summary>
/// <param name="Port">UDP.</param>
/// <param name="Network">The first address of its /20.</param>
/// <param name="Problem">For people.</param>
public sealed record GatewayVpnStarted(int? Port, string? Network, string? Problem);

/// <param name="Serials">Serial numbers of certificates, lower-case hexadecimal.</param>
public sealed record GatewayVpnCheck(IReadOnlyList<string> Serials);

/// <param name="Grants">In the order asked; null for those who may not be in the network (any more).</param>
public sealed record GatewayVpnGrants(IReadOnlyList<GatewayVpnGrant?> Grants);

/// <param name="Name">The name that its certificate has to carry.</param>
/// <param name="Number">Its address is the network's first plus this.</param>
public sealed record GatewayVpnGrant(string Name, int Number);
