using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Opens connections to one engine: unix socket, or TCP with TLS. Safe for concurrent use.</summary>
internal sealed class DockerConnector : IDisposable
{
    private readonly DockerEndpoint endpoint;
    private readonly SslClientAuthenticationOptions? tls;
    private readonly List<X509Certificate2> certificates = [];

    public DockerConnector(DockerEndpoint endpoint)
    {
        this.endpoint = endpoint;
        if (endpoint.Certificates is not { } pem)
            return;
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPem(pem.Authority);
        certificates.AddRange(trust.CustomTrustStore);
        var client = X509Certificate2.CreateFromPem(pem.Client, pem.ClientKey);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem.Client);
        certificates.AddRange([client, .. chain]);
        tls = new SslClientAuthenticationOptions
        {
            TargetHost = endpoint.Address.IdnHost,
            CertificateChainPolicy = trust,
            ClientCertificateContext = SslStreamCertificateContext.Create(client, chain, offline: true),
        };
    }

    public async Task<DockerConnection> Connect(CancellationToken cancellationToken)
    {
        var socket = endpoint.SocketPath is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (endpoint.SocketPath is { } path)
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            }
            else
            {
                // A quiet event stream over a dead network must end some time.
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
                await socket.ConnectAsync(endpoint.Address.IdnHost, endpoint.Address.Port, cancellationToken);
            }
            return new DockerConnection(socket, await Secure(new NetworkStream(socket, ownsSocket: true), cancellationToken));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var certificate in certificates)
            certificate.Dispose();
    }

    private async Task<Stream> Secure(NetworkStream plain, CancellationToken cancellationToken)
    {
        if (tls is null)
            return plain;
        var secured = new SslStream(plain);
        try
        {
            await secured.AuthenticateAsClientAsync(tls, cancellationToken);
            return secured;
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }
    }
}

/// <summary>An open connection whose sending half can be closed alone.</summary>
internal sealed record DockerConnection(Socket Socket, Stream Stream)
{
    /// <summary>Tells the engine that nothing more will be sent; what it sends can still be read.</summary>
    public async Task CloseSending()
    {
        if (Stream is SslStream secured)
            await secured.ShutdownAsync();
        else
            Socket.Shutdown(SocketShutdown.Send);
    }
}
