using System.Globalization;

namespace Demiurge.Gateway.Vpn;

/// <summary>The programs that a VPN server needs, and whether this process may use them.</summary>
internal sealed record VpnTools(string OpenVpn, string IpTables)
{
    private const int NetAdmin = 12; // CAP_NET_ADMIN in linux/capability.h

    /// <summary>Finds them; or says, for people, what is missing.</summary>
    public static (VpnTools? Tools, string? Missing) Find()
    {
        if (!OperatingSystem.IsLinux())
            return (null, "People's own machines need a gateway on Linux.");
        if (Search("openvpn") is not { } openVpn)
            return (null, "People's own machines can't join: the program openvpn is not installed where the gateway runs.");
        if (Search("iptables") is not { } ipTables)
            return (null, "People's own machines can't join: the program iptables, which keeps them apart, is not installed where the gateway runs.");
        if (!File.Exists("/dev/net/tun"))
            return (null, "People's own machines can't join: the gateway has no /dev/net/tun. Load the module tun, or give its container the device.");
        return MayChangeNetworks(File.ReadLines("/proc/self/status"))
            ? (new VpnTools(openVpn, ipTables), null)
            : (null, "People's own machines can't join: the gateway may not change networks. Give it the capability NET_ADMIN.");
    }

    /// <param name="status">The lines of <c>/proc/self/status</c>.</param>
    internal static bool MayChangeNetworks(IEnumerable<string> status) =>
        status.FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal)) is { } line
        && ulong.TryParse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var capabilities)
        && (capabilities & (1UL << NetAdmin)) != 0;

    private static string? Search(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
