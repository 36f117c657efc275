using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Reaching;

/// <summary>
/// The platform as processes, with containers that are rows only: what they lead to is a server in this process. They are of the place
/// Remote, so nothing tries to run them on an engine.
/// </summary>
public sealed class ReachFixture : PlatformFixture, IAsyncLifetime
{
    private readonly SemaphoreSlim sharing = new(1, 1);
    private (Account, Guid, Guid)? shared;

    public Upstream Upstream { get; private set; } = null!;

    /// <summary>A port on loopback that nobody listens on.</summary>
    public int DeadPort { get; private set; }

    /// <summary>Reaches every host of the installation, as a browser's resolver would; follows no redirect and keeps no cookie.</summary>
    public HttpMessageInvoker Wire { get; private set; } = null!;

    async Task IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        Wire = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, Site.Url.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        Upstream = await Upstream.Start(Wire);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        DeadPort = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await Upstream.DisposeAsync();
        Wire.Dispose();
        await DisposeAsync();
    }

    /// <summary>Past Web, into the database. What changes there is noticed at the gateways' next look.</summary>
    public DemiurgeDbContext Db() => new(new DbContextOptionsBuilder<DemiurgeDbContext>().UseNpgsql(Database).Options);

    /// <summary>A new project in the one organization that most tests share, so that they need one gateway.</summary>
    public async Task<(Account Owner, Guid OrganizationId, Guid ProjectId)> Project()
    {
        await sharing.WaitAsync();
        try
        {
            shared ??= await CreateProject();
        }
        finally
        {
            sharing.Release();
        }
        var (owner, organizationId, _) = shared.Value;
        return (owner, organizationId, await owner.CreateProject(organizationId));
    }

    /// <summary>A container in the project whose main service and <c>api</c> lead to the upstream, and whose <c>dead</c> leads nowhere.</summary>
    internal async Task<Target> Add(Guid organizationId, Guid projectId, Guid ownerId, ShareLevel share = ShareLevel.Project, ContainerState state = ContainerState.Running)
    {
        await using var db = Db();
        var template = new Template { Slug = $"t-{Guid.NewGuid():N}"[..30], Name = "Test", LatestVersion = 1, CreatedAt = DateTimeOffset.UtcNow };
        db.Add(template);
        db.Add(new TemplateVersion
        {
            TemplateId = template.Id,
            Version = 1,
            Spec = new TemplateSpec(
                "none", [new("main", "Main", 80, "/", null, true), new("api", "Its API", 81, "/", null, false), new("dead", "Dead", 82, "/", null, true)],
                [], [], new Dictionary<string, string>(), "/bin/sh", false, [], null, null, null, null, 30, 400, 300),
        });
        var tier = new Tier { Name = $"t-{Guid.NewGuid():N}"[..30], Cpus = 1, MemoryBytes = 1 << 28, DiskBytes = 1 << 28, Pids = 100, PricePerHour = 0, Enabled = true, Order = 1 };
        db.Add(tier);
        var container = new Container
        {
            OrganizationId = organizationId,
            ProjectId = projectId,
            OwnerId = ownerId,
            Name = "Ann's <notebook>",
            TemplateId = template.Id,
            TemplateVersion = 1,
            TierId = tier.Id,
            Place = ContainerPlace.Remote,
            Desired = DesiredState.Running,
            State = state,
            StateChangedAt = DateTimeOffset.UtcNow,
            Share = share,
            LastActivityAt = DateTimeOffset.UtcNow.AddHours(-1),
            CreatedAt = DateTimeOffset.UtcNow,
            Pinned = true,
            Endpoints = [new("main", "127.0.0.1", Upstream.Port), new("api", "127.0.0.1", Upstream.Port), new("dead", "127.0.0.1", DeadPort)],
        };
        db.Add(container);
        await db.SaveChangesAsync();
        return new Target(this, organizationId, container.Id);
    }

    public Task Change(Guid containerId, Action<Container> change) => Change<Container>(row => row.Id == containerId, change);

    public async Task Change<T>(System.Linq.Expressions.Expression<Func<T, bool>> which, Action<T> change)
        where T : class
    {
        for (var attempt = 0; ; attempt++)
        {
            await using var db = Db();
            change(await db.Set<T>().SingleAsync(which));
            try
            {
                await db.SaveChangesAsync();
                return;
            }
            catch (DbUpdateConcurrencyException) when (attempt < 20)
            {
                // Somebody was faster; once more.
            }
        }
    }
}

/// <summary>A container's addresses.</summary>
internal sealed record Target(ReachFixture Site, Guid OrganizationId, Guid Id)
{
    public Uri Url(string path = "/", string? service = null, Guid? organization = null) =>
        new($"http://uc-{Id}{(service is null ? "" : $"--{service}")}.org-{organization ?? OrganizationId}.{Site.Site.Url.Authority}{path}");

    public string Origin => Url().GetLeftPart(UriPartial.Authority);

    /// <summary>As a script, with its token.</summary>
    public async Task<HttpResponseMessage> Send(string? token, string path = "/", HttpMethod? method = null, string? service = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, Url(path, service));
        if (token is not null)
            request.Headers.Add("Demiurge-Token", token);
        return await Site.Wire.SendAsync(request, CancellationToken.None);
    }

    /// <summary>A token made by the API.</summary>
    public async Task<string> Token(Account account) =>
        (string)(await Account.Read(await account.Http.PostAsync($"containers/{Id}/tokens", System.Net.Http.Json.JsonContent.Create(new { name = "script" }))))["token"]!;
}

/// <summary>A browser without scripts: keeps each host's cookies and says what browsers say of where a request comes from.</summary>
internal sealed partial class Visitor(ReachFixture site)
{
    private readonly Dictionary<(string Host, string Name), string> cookies = [];

    public string? Cookie(Uri url, string name) => cookies.GetValueOrDefault((url.Host, name));

    public void SetCookie(Uri url, string name, string value) => cookies[(url.Host, name)] = value;

    /// <summary>All cookies for that host as a header.</summary>
    public string CookieHeader(Uri url) => string.Join("; ", cookies.Where(cookie => cookie.Key.Host == url.Host).Select(cookie => $"{cookie.Key.Name}={cookie.Value}"));

    public async Task LogIn(Account account)
    {
        var login = new Uri(site.Site.Url, "/account/login");
        var page = await (await Go(login)).Content.ReadAsStringAsync();
        var fields = Hidden.Matches(page).ToDictionary(match => match.Groups["name"].Value, match => WebUtility.HtmlDecode(match.Groups["value"].Value));
        fields["Form.Email"] = account.Email;
        fields["Form.Password"] = People.Password;
        using var posted = await Post(login, fields, login);
        Assert.True(posted.StatusCode is HttpStatusCode.Redirect or HttpStatusCode.Found, $"{posted.StatusCode}");
    }

    /// <summary>Goes to an address and follows wherever it leads, at most ten steps. Returns the last answer.</summary>
    public async Task<HttpResponseMessage> Follow(Uri url)
    {
        for (var step = 0; step < 10; step++)
        {
            var response = await Go(url);
            if (response.Headers.Location is not { } location)
                return response;
            url = new Uri(url, location);
            response.Dispose();
        }
        throw new InvalidOperationException($"It leads in circles: {url}");
    }

    /// <summary>One step.</summary>
    public Task<HttpResponseMessage> Go(Uri url, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("text/html");
        request.Headers.Add("Sec-Fetch-Site", "none");
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        change?.Invoke(request);
        return Send(request);
    }

    /// <summary>Sends a form from a page.</summary>
    public Task<HttpResponseMessage> Post(Uri url, Dictionary<string, string> fields, Uri from)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new FormUrlEncodedContent(fields) };
        request.Headers.Accept.ParseAdd("text/html");
        var origin = from.GetLeftPart(UriPartial.Authority);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Sec-Fetch-Site", origin == url.GetLeftPart(UriPartial.Authority) ? "same-origin" : "same-site");
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        return Send(request);
    }

    public async Task<HttpResponseMessage> Send(HttpRequestMessage request)
    {
        var url = request.RequestUri!;
        if (CookieHeader(url) is { Length: > 0 } header)
            request.Headers.Add("Cookie", header);
        var response = await site.Wire.SendAsync(request, CancellationToken.None);
        foreach (var cookie in response.Headers.TryGetValues("Set-Cookie", out var set) ? set : [])
        {
            var pair = cookie.Split(';')[0].Split('=', 2);
            cookies[(url.Host, pair[0])] = pair[1];
        }
        return response;
    }

    /// <summary>Opens a WebSocket with this browser's cookies; null when it is refused.</summary>
    public async Task<ClientWebSocket?> Open(Uri url, string? origin = null, Action<ClientWebSocketOptions>? options = null)
    {
        var socket = new ClientWebSocket();
        if (CookieHeader(url) is { Length: > 0 } header)
            socket.Options.SetRequestHeader("Cookie", header);
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        options?.Invoke(socket.Options);
        try
        {
            await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws" }.Uri, site.Wire, CancellationToken.None);
            return socket;
        }
        catch (WebSocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Hidden { get; }
}

internal static class Sockets
{
    public static async Task<string> Echo(this ClientWebSocket socket, string text)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);
        return await socket.Read();
    }

    public static async Task<string> Read(this WebSocket socket)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[64 << 10];
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            whole.Write(buffer, 0, result.Count);
            if (result.EndOfMessage)
                return Encoding.UTF8.GetString(whole.ToArray());
        }
    }

    /// <summary>Waits until the other side ends it, in whatever way.</summary>
    public static async Task UntilEnded(this WebSocket socket)
    {
        var buffer = new byte[4096];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(60))).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (WebSocketException)
        {
            // Cut off.
        }
    }
}
