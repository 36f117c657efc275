using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Demiurge.Gateway.Vpn;

/// <summary>
/// A slice of 172.16.0.0/16 and a UDP port that no other server on this machine uses. Gateways that are processes share one routing table, so each has
/// a /20 of its own: gateway N begins with 172.16.(16·N).0 and takes the next free one where that is taken. The slice is kept by a file lock, which goes with
/// the process however that ends.
/// </summary>
internal sealed class VpnPlace : IDisposable
{
    private const int Slices = 16;

    private readonly FileStream held;

    private VpnPlace(FileStream held, int slice, int port)
    {
        this.held = held;
        Network = string.Create(CultureInfo.InvariantCulture, $"172.16.{slice * 16}.0");
        Port = port;
    }

    /// <summary>The first address of the /20.</summary>
    public string Network { get; }

    public int Port { get; }

    /// <summary>Of the network's device; unique as the port is.</summary>
    public string Device => string.Create(CultureInfo.InvariantCulture, $"dmgvpn{Port}");

    /// <summary>Null when every slice is taken.</summary>
    /// <param name="ordinal">Of the gateway in its pool.</param>
    /// <param name="basePort">0 takes any port that is free.</param>
    public static VpnPlace? Take(int ordinal, int basePort)
    {
        for (var i = 0; i < Slices; i++)
        {
            var slice = (ordinal + i) % Slices;
            if (Hold(slice) is not { } held)
                continue;
            if (!IsRouted(slice))
                return new VpnPlace(held, slice, FreePort(basePort == 0 || basePort + ordinal > IPEndPoint.MaxPort ? 0 : basePort + ordinal));
            held.Dispose();
        }

        return null;
    }

    public void Dispose() => held.Dispose();

    private static FileStream? Hold(int slice)
    {
        try
        {
            return new FileStream(
                Path.Combine(Path.GetTempPath(), $"demiurge-vpn-{slice}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether an address of this machine lies in it: another temporary folder's server, or a network of somebody else's.</summary>
    private static bool IsRouted(int slice) => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(device => device.GetIPProperties().UnicastAddresses)
        .Any(address => address.Address.AddressFamily == AddressFamily.InterNetwork && address.Address.GetAddressBytes() is [172, 16, var third, _] && third / 16 == slice);

    private static int FreePort(int wanted)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Any, wanted));
        }
        catch (SocketException) when (wanted != 0)
        {
            return FreePort(0);
        }

        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
