using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace Demiurge.Core.Gateways;

/// <summary>Web's calls to a gateway's control endpoints. Each fails with <see cref="HttpRequestException"/> or a timeout of its own.</summary>
public sealed class GatewayClient(HttpClient http)
{
    internal Task Start(Gateway gateway, string handshakeToken, CancellationToken cancellationToken) =>
        Post(gateway, "collab/start", new GatewayStart(handshakeToken), cancellationToken);

    /// <summary>Asks it to give its organization back as if it had been idle; returns when it has.</summary>
    internal Task Drain(Gateway gateway, CancellationToken cancellationToken) => Post(gateway, "collab/drain", new { }, cancellationToken);

    internal Task Revoke(Gateway gateway, GatewayRevoke revoke, CancellationToken cancellationToken) =>
        Post(gateway, "access/revoke", revoke, cancellationToken);

    internal Task ContainersChanged(Gateway gateway, GatewayContainersChanged changed, CancellationToken cancellationToken) =>
        Post(gateway, "containers/changed", changed, cancellationToken);

    internal async Task<GatewayStatus?> Status(Gateway gateway, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, gateway, "status");
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<GatewayStatus>(GatewayContracts.Json, cancellationToken);
    }

    private async Task Post<T>(Gateway gateway, string path, T body, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, gateway, path);
        request.Content = JsonContent.Create(body, options: GatewayContracts.Json);
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static HttpRequestMessage Request(HttpMethod method, Gateway gateway, string path) =>
        new(method, new Uri($"http://127.0.0.1:{gateway.Port}/{path}"))
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", gateway.PoolToken) },
        };
}
