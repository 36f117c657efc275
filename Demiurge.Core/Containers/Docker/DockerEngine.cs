using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Text.Json.Serialization.Metadata;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// A client of one Docker engine (Engine API, https://docs.docker.com/reference/api/engine/), with the calls that Demiurge needs and no more. Every call fails with
/// <see cref="DockerException"/> or is cancelled; streams hold one item at a time, and end their connection when they are disposed.
/// Safe for concurrent use; dispose it when the endpoint is given up.
/// </summary>
/// <remarks>
/// The version of the API is the highest that both sides know. An engine that can't be reached is asked again on the next call, so a
/// client outlives restarts and upgrades of its engine.
/// </remarks>
internal sealed partial class DockerEngine : IDisposable
{
    /// <summary>How long an answer may take, for all calls that don't wait for something by nature. Starting a container on a busy machine takes seconds.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(2);

    /// <summary>How long a new connection may take; a socket that systemd holds takes them for an engine that is down, and answers nothing.</summary>
    private static readonly TimeSpan ConnectionPatience = TimeSpan.FromSeconds(5);

    private readonly DockerConnector connector;
    private readonly HttpMessageInvoker http;
    private ApiVersion? negotiated;

    public DockerEngine(DockerEndpoint endpoint)
    {
        Endpoint = endpoint;
        connector = new DockerConnector(endpoint);
        http = new HttpMessageInvoker(Handler(async (_, cancellationToken) => (await connector.Connect(cancellationToken)).Stream));
    }

    public DockerEndpoint Endpoint { get; }

    public void Dispose()
    {
        http.Dispose();
        connector.Dispose();
    }

    /// <summary>TLS is the connector's business, so the handler sees plain HTTP on any kind of stream.</summary>
    private static SocketsHttpHandler Handler(Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect) => new()
    {
        ConnectCallback = connect,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    };

    // --- calls ------------------------------------------------------------------------------------------------------------

    private Task<T> Get<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        Read(HttpMethod.Get, path, null, type, cancellationToken);

    private Task<T> Post<T>(string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        Read(HttpMethod.Post, path, content, type, cancellationToken);

    /// <summary>A call whose answer says nothing but that it was done. False when there was nothing to do (304).</summary>
    private async Task<bool> Do(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        using var deadline = new CallDeadline(timeout ?? AnswerTimeout, cancellationToken);
        using var response = await Send(method, path, content, deadline);
        return response.StatusCode != HttpStatusCode.NotModified;
    }

    private async Task<T> Read<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        using var deadline = new CallDeadline(timeout ?? AnswerTimeout, cancellationToken);
        using var response = await Send(method, path, content, deadline);
        try
        {
            return await response.Content.ReadFromJsonAsync(type, deadline.Token)
                ?? throw new DockerException(DockerFailure.Failed, $"The engine answered {path} with nothing.");
        }
        catch (Exception exception) when (Mapped(exception, deadline) is { } mapped)
        {
            throw mapped;
        }
    }

    private static async Task<T?> OrNull<T>(Task<T> found)
        where T : class
    {
        try
        {
            return await found;
        }
        catch (DockerException exception) when (exception.Failure == DockerFailure.NotFound)
        {
            return null;
        }
    }

    /// <summary>Items of an endless answer as they come.</summary>
    private async IAsyncEnumerable<T> Stream<T>(
        HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken,
        Action<HttpRequestHeaders>? headers = null)
    {
        using var deadline = new CallDeadline(Timeout.InfiniteTimeSpan, cancellationToken);
        using var response = await Send(method, path, content, deadline, headers);
        await using var items = new JsonItems<T>(await response.Content.ReadAsStreamAsync(cancellationToken), type);
        while (true)
        {
            bool more;
            try
            {
                more = await items.Next(cancellationToken);
            }
            catch (Exception exception) when (Mapped(exception, deadline) is { } mapped)
            {
                throw mapped;
            }

            if (!more)
                yield break;
            yield return items.Current;
        }
    }

    /// <summary>The response's headers have come and say success; its body is still to be read.</summary>
    private async Task<HttpResponseMessage> Send(
        HttpMethod method, string path, HttpContent? content, CallDeadline deadline, Action<HttpRequestHeaders>? headers = null)
    {
        try
        {
            var version = await Negotiate(deadline.Token);
            using var request = new HttpRequestMessage(method, new Uri($"http://docker/v{version}/{path}")) { Content = content };
            headers?.Invoke(request.Headers);
            var response = await http.SendAsync(request, deadline.Token);
            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified)
                return response;
            using (response)
                throw await Refused(response, deadline.Token);
        }
        catch (Exception exception) when (Mapped(exception, deadline) is { } mapped)
        {
            negotiated = null;
            throw mapped;
        }
    }

    private async Task<ApiVersion> Negotiate(CancellationToken cancellationToken)
    {
        if (negotiated is { } known)
            return known;
        using var response = await FirstAnswer(cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw await Refused(response, cancellationToken);
        var offered = response.Headers.TryGetValues("Api-Version", out var values) ? values.FirstOrDefault() : null;
        var version = ApiVersion.Parse(offered) is not { } newest
            ? throw new DockerException(DockerFailure.Unsupported, $"What listens at {Endpoint} does not answer like a Docker engine.")
            : newest < ApiVersion.Oldest
                ? throw new DockerException(DockerFailure.Unsupported, $"The engine at {Endpoint} speaks API {newest}; {ApiVersion.Oldest} (Docker 20.10) or newer is needed.")
                : newest < ApiVersion.Newest ? newest : ApiVersion.Newest;
        negotiated = version;
        return version;
    }

    /// <summary>Whether the engine answers on a connection that is made now.</summary>
    public async Task<bool> TakesConnections(CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectionPatience);
        try
        {
            using var fresh = new HttpMessageInvoker(Handler(async (_, token) => (await connector.Connect(token)).Stream));
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://docker/_ping");
            using var response = await fresh.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException or AuthenticationException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<HttpResponseMessage> FirstAnswer(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://docker/_ping");
            return await http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception) when (Endpoint.Certificates is not null && exception.InnerException is IOException)
        {
            // In TLS 1.3 the engine judges our certificate after our side has finished; whether its reason arrives before its reset is luck.
            throw new DockerException(
                DockerFailure.Denied, $"The engine at {Endpoint} closed the connection as soon as it was made: it probably does not trust the client certificate.", inner: exception);
        }
    }

    private static async Task<DockerException> Refused(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        string? message = null;
        try
        {
            message = response.Content.Headers.ContentType?.MediaType == "application/json"
                ? (await response.Content.ReadFromJsonAsync(DockerJson.Default.EngineMessage, cancellationToken))?.Message
                : await response.Content.ReadAsStringAsync(cancellationToken);
        }
        catch (System.Text.Json.JsonException)
        {
            // Said in some other form; the status has to do.
        }
        message = string.IsNullOrWhiteSpace(message) ? $"The engine answered {(int)response.StatusCode}." : message.Trim();
        return new DockerException(DockerException.Of(response.StatusCode), message.Length > 2000 ? message[..2000] : message, response.StatusCode);
    }

    /// <summary>What the transport threw, in our terms; null for what is to pass through (cancellation, our own).</summary>
    private DockerException? Mapped(Exception exception, CallDeadline deadline)
    {
        switch (exception)
        {
            case OperationCanceledException when deadline.IsOver:
                return new DockerException(DockerFailure.Unreachable, $"The engine at {Endpoint} did not answer in time.", inner: exception);
            case OperationCanceledException { InnerException: TimeoutException }:
                return new DockerException(DockerFailure.Unreachable, $"The engine at {Endpoint} did not accept the connection in time.", inner: exception);
            case System.Text.Json.JsonException:
                return new DockerException(DockerFailure.Failed, $"The engine at {Endpoint} said something that can't be read: {exception.Message}", inner: exception);
            case HttpRequestException or IOException or SocketException or AuthenticationException:
                for (var cause = exception; cause is not null; cause = cause.InnerException)
                {
                    if (cause is AuthenticationException or System.Security.Cryptography.CryptographicException || cause.GetType().Name.Contains("Ssl", StringComparison.Ordinal))
                        return new DockerException(DockerFailure.Denied, $"No trusted connection to {Endpoint}: {Innermost(exception).Message}", inner: exception);
                    if (cause is SocketException { SocketErrorCode: SocketError.AccessDenied })
                        return new DockerException(DockerFailure.Denied, $"{Endpoint} may not be opened by this account: add it to the group that owns the socket.", inner: exception);
                }

                return new DockerException(DockerFailure.Unreachable, $"The engine at {Endpoint} can't be reached: {Innermost(exception).Message}", inner: exception);
            default:
                return null;
        }
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    private static JsonContent Json<T>(T value, JsonTypeInfo<T> type) => JsonContent.Create(value, type);

    private static string Segment(string text) => Uri.EscapeDataString(text);

    /// <summary>The caller's token and a time limit, told apart when one of them ends the call.</summary>
    private sealed class CallDeadline : IDisposable
    {
        private readonly CancellationTokenSource source;
        private readonly CancellationToken caller;

        public CallDeadline(TimeSpan limit, CancellationToken caller)
        {
            this.caller = caller;
            source = CancellationTokenSource.CreateLinkedTokenSource(caller);
            source.CancelAfter(limit);
        }

        public CancellationToken Token => source.Token;

        public bool IsOver => source.IsCancellationRequested && !caller.IsCancellationRequested;

        public void Dispose() => source.Dispose();
    }
}
