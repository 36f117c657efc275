using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Demiurge.Web.Hosting;

/// <summary>
/// Ports that this process has taken but doesn't serve yet: between choosing a port and serving on it lies the start of a database,
/// seconds in which another process could take it. Who connects meanwhile waits. Not thread-safe.
/// </summary>
internal sealed class HeldPorts : IDisposable
{
    private readonly Dictionary<EndPoint, Socket> sockets = [];

    /// <summary>False when the port is taken.</summary>
    public bool TryHold(int port, bool everywhere = false)
    {
        // As Kestrel asks for them: ListenAnyIP is one dual-mode socket.
        var endpoint = everywhere && Socket.OSSupportsIPv6 ? new IPEndPoint(IPAddress.IPv6Any, port)
            : everywhere ? new IPEndPoint(IPAddress.Any, port)
            : new IPEndPoint(IPAddress.Loopback, port);
        try
        {
            Hold(endpoint);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }

    /// <summary>Holds some free port of loopback and returns its number.</summary>
    public int HoldAny() => Hold(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>The socket held for that address; a new one where none is.</summary>
    public Socket Release(EndPoint endpoint) =>
        sockets.Remove(endpoint, out var socket) ? socket : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);

    private int Hold(IPEndPoint endpoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        try
        {
            // Bound alone is not taken: sockets that allow the reuse of addresses, as .NET's do, may share a port until one of them listens.
            socket.Listen();
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }

        var bound = (IPEndPoint)socket.LocalEndPoint!;
        sockets.Add(new IPEndPoint(endpoint.Address, bound.Port), socket);
        return bound.Port;
    }

    public void Dispose()
    {
        foreach (var socket in sockets.Values)
            socket.Dispose();
        sockets.Clear();
    }
}
