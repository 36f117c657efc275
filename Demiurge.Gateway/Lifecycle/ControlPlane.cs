using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using Demiurge.Core;
using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Microsoft.Extensions.Options;

namespace Demiurge.Gateway.Lifecycle;

/// <summary>Web has taken the organization, or this whole instance, from the gateway: whatever it still holds is no longer its to serve.</summary>
public sealed class FencedException(HttpStatusCode status) : Exception($"Web answered {(int)status}: this gateway no longer holds its organization.")
{
    /// <summary>Web doesn't know the instance at all, so it has been replaced.</summary>
    public bool IsReplaced { get; } = status == HttpStatusCode.Unauthorized;
}

/// <summary>
/// The calls to Web's control port (see <see cref="GatewayContracts"/>). Each throws <see cref="HttpRequestException"/> or
/// <see cref="TaskCanceledException"/> when Web can't answer now, and <see cref="FencedException"/> when it will not any more.
/// </summary>
public sealed class ControlPlane(IOptions<GatewayOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>What a small question may take, and a large document's way out of the database and through the wire.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10), PullTimeout = TimeSpan.FromMinutes(2);

    private readonly HttpClient http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2), UseProxy = false })
    {
        Timeout = System.Threading.Timeout.InfiniteTimeSpan, // each request has its own
    };

    private long lastContact = time.GetTimestamp();

    /// <summary>How long Web has not answered anything at all.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref lastContact));

    public async Task Ready(CancellationToken cancellationToken) =>
        (await Post("gateway/ready", options.Value.PoolToken, new GatewayReady(options.Value.Name, options.Value.InstanceId), cancellationToken)).Dispose();

    public async Task<GatewayConfig> Configure(string handshakeToken, CancellationToken cancellationToken)
    {
        using var response = await Post(
            "gateway/config", options.Value.PoolToken, new GatewayConfigRequest(options.Value.Name, handshakeToken), cancellationToken);
        return await Read<GatewayConfig>(response, cancellationToken);
    }

    public async Task<GatewayNews> Beat(Guid? organizationId, long epoch, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/heartbeat", options.Value.PoolToken,
            new GatewayHeartbeat(options.Value.Name, options.Value.InstanceId, organizationId, epoch), cancellationToken);
        return await Read<GatewayNews>(response, cancellationToken);
    }

    /// <summary>A room's records, verified. Errors are Web's: no such project, or a damaged log.</summary>
    public async Task<Result<IReadOnlyList<RoomRecord>>> Pull(string gatewayToken, Guid projectId, CancellationToken cancellationToken)
    {
        using var response = await Send(
            "gateway/data/pull", gatewayToken, Json(new GatewayPull(projectId)), [HttpStatusCode.NotFound, HttpStatusCode.UnprocessableEntity], PullTimeout, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => RoomErrors.NotFound,
            HttpStatusCode.UnprocessableEntity => RoomErrors.Unreadable,
            _ => RoomLogWire.ReadPull(projectId, await response.Content.ReadAsByteArrayAsync(cancellationToken)),
        };
    }

    /// <summary>Returns, after the commit, the projects of the batch that exist no more.</summary>
    public async Task<IReadOnlyList<Guid>> Append(string gatewayToken, byte[] batch, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(batch) { Headers = { ContentType = new("application/octet-stream") } };
        using var response = await Send("gateway/data/append", gatewayToken, content, [], AppendTimeout(batch.Length), cancellationToken);
        return (await Read<GatewayAppended>(response, cancellationToken)).Unknown;
    }

    public async Task<IReadOnlyList<RoomRole?>> CheckAccess(string gatewayToken, IReadOnlyList<RoomPerson> people, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/access/check", gatewayToken, new GatewayAccessCheck(people), cancellationToken);
        var roles = (await Read<GatewayAccess>(response, cancellationToken)).Roles;
        return roles.Count == people.Count ? roles : throw new HttpRequestException("Web answered for another number of people than asked.");
    }

    public async Task<IReadOnlyList<GatewayContainer?>> ResolveContainers(string gatewayToken, IReadOnlyList<Guid> containerIds, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/containers/resolve", gatewayToken, new GatewayContainersResolve(containerIds), cancellationToken);
        var containers = (await Read<GatewayContainers>(response, cancellationToken)).Containers;
        return containers.Count == containerIds.Count ? containers : throw new HttpRequestException("Web answered for another number of containers than asked.");
    }

    public async Task<IReadOnlyList<GatewayGrant?>> CheckVisits(string gatewayToken, IReadOnlyList<GatewayVisit> visits, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/containers/check", gatewayToken, new GatewayVisitsCheck(visits), cancellationToken);
        var grants = (await Read<GatewayGrants>(response, cancellationToken)).Grants;
        return grants.Count == visits.Count ? grants : throw new HttpRequestException("Web answered for another number of visitors than asked.");
    }

    public async Task NoteActivity(string gatewayToken, IReadOnlyDictionary<Guid, DateTimeOffset> lastUsed, CancellationToken cancellationToken) =>
        (await Post("gateway/containers/activity", gatewayToken, new GatewayActivity(lastUsed), cancellationToken)).Dispose();

    public async Task<GatewayStarted> StartContainer(string gatewayToken, GatewayVisit visit, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/containers/start", gatewayToken, visit, cancellationToken);
        return await Read<GatewayStarted>(response, cancellationToken);
    }

    public async Task<GatewayDiagnosis> DiagnoseContainer(string gatewayToken, GatewayVisit visit, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/containers/diagnose", gatewayToken, visit, cancellationToken);
        return await Read<GatewayDiagnosis>(response, cancellationToken);
    }

    /// <summary>Connects to a terminal of a container.</summary>
    /// <exception cref="WebSocketException">Web refused, or can't be reached.</exception>
    public async Task<ClientWebSocket> OpenTerminal(string gatewayToken, GatewayVisit visit, string terminal, int columns, int rows, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {gatewayToken}");
        socket.Options.Proxy = null;
        var address = new UriBuilder(new Uri(options.Value.ControlUrl!, $"gateway/containers/{visit.ContainerId:D}/terminal"))
        {
            Scheme = "ws",
            Query = string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"terminal={Uri.EscapeDataString(terminal)}&visitor={Uri.EscapeDataString(visit.Visitor)}&columns={columns}&rows={rows}"),
        };
        try
        {
            await socket.ConnectAsync(address.Uri, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task<GatewayVpn> ConfigureVpn(string gatewayToken, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/vpn/configure", gatewayToken, new { }, cancellationToken);
        return await Read<GatewayVpn>(response, cancellationToken);
    }

    public async Task VpnStarted(string gatewayToken, GatewayVpnStarted started, CancellationToken cancellationToken) =>
        (await Post("gateway/vpn/started", gatewayToken, started, cancellationToken)).Dispose();

    public async Task<IReadOnlyList<GatewayVpnGrant?>> CheckVpn(string gatewayToken, IReadOnlyList<string> serials, CancellationToken cancellationToken)
    {
        using var response = await Post("gateway/vpn/check", gatewayToken, new GatewayVpnCheck(serials), cancellationToken);
        var grants = (await Read<GatewayVpnGrants>(response, cancellationToken)).Grants;
        return grants.Count == serials.Count ? grants : throw new HttpRequestException("Web answered for another number of machines than asked.");
    }

    public async Task Stop(string gatewayToken, CancellationToken cancellationToken) =>
        (await Post("gateway/stop", gatewayToken, new { }, cancellationToken)).Dispose();

    public void Dispose() => http.Dispose();

    /// <summary>A second more for each MiB that has to be committed: a batch that is given up is sent again, whole.</summary>
    internal static TimeSpan AppendTimeout(int bytes) => Timeout + TimeSpan.FromSeconds(bytes / (double)(1 << 20));

    private static JsonContent Json<T>(T body) => JsonContent.Create(body, options: GatewayContracts.Json);

    private Task<HttpResponseMessage> Post<T>(string path, string token, T body, CancellationToken cancellationToken) =>
        Send(path, token, Json(body), [], Timeout, cancellationToken);

    private async Task<HttpResponseMessage> Send(
        string path, string token, HttpContent content, HttpStatusCode[] expected, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var clock = new CancellationTokenSource(timeout, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Value.ControlUrl!, path))
        {
            Content = content,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, limited.Token);
        }
        catch (OperationCanceledException exception) when (clock.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TaskCanceledException($"Web did not answer {path} within {timeout.TotalSeconds:0} s.", new TimeoutException(exception.Message, exception));
        }
        Volatile.Write(ref lastContact, time.GetTimestamp());
        if (response.IsSuccessStatusCode || expected.Contains(response.StatusCode))
            return response;
        using (response)
        {
            throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Conflict
                ? new FencedException(response.StatusCode)
                : new HttpRequestException($"Web answered {(int)response.StatusCode} to {path}.", null, response.StatusCode);
        }
    }

    private static async Task<T> Read<T>(HttpResponseMessage response, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync<T>(GatewayContracts.Json, cancellationToken)
        ?? throw new HttpRequestException("Web answered nothing.");
}
