using System.Net.Sockets;
using Demiurge.Core.Containers.Templates;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>Asks a container's services whether they answer. Safe for concurrent use.</summary>
public sealed class HealthProbe : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.Zero,
    }) { Timeout = Patience };

    /// <summary>Whether the service answers: with a check an HTTP GET below 500, otherwise a TCP connection.</summary>
    public async Task<bool> Answers(string address, int port, HealthCheck? check, CancellationToken cancellationToken)
    {
        try
        {
            if (check is null)
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(Patience);
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address, port, limit.Token);
                return true;
            }
            using var response = await http.GetAsync(new UriBuilder("http", address, port) { Path = check.Path }.Uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (int)response.StatusCode < 500;
        }
        catch (Exception exception) when (exception is HttpRequestException or SocketException or IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    public void Dispose() => http.Dispose();
}
