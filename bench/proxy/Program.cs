using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Demiurge.Core.Persistence.Embedded;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

// Both ways lead to the same two servers: an nginx that answers 1 KB, and a WebSocket echo. On ours every request carries a script's token and is
// checked by the gateway as always; nginx checks nothing. Rounds alternate, so that what else the machine does hits both; the median counts.
// Rates come from wrk with 32 connections, and from 32 WebSockets each of which waits for its echo. Beside each stands what the proxies themselves took
// of the processors for a request, which depends less on what else the machine does. Last: how long a WebSocket stays open whose token was revoked.
var data = args[0];
var quick = args.Contains("--quick");
var output = args.SkipWhile(arg => arg != "--json").Skip(1).FirstOrDefault();
var (rounds, seconds) = quick ? (1, 3) : (9, 4);
var revocations = quick ? 3 : 20;
const int Connections = 32;
var (upstreamPort, innerPort, outerPort, echoPort) = (FreePort(), FreePort(), FreePort(), FreePort());
var folder = Directory.CreateDirectory(Path.Combine(data, "nginx")).FullName;
var servers = new List<Process>();
try
{
    servers.Add(Nginx("upstream", $$"""
        server { listen 127.0.0.1:{{upstreamPort}}; keepalive_requests 1000000; location = /page { default_type text/html; return 200 "{{new string('x', 1024)}}"; }
          location = /echo { proxy_pass http://127.0.0.1:{{echoPort}}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; } }
        """));
    var (inner, outer) = (Nginx("inner", Proxy(innerPort, upstreamPort)), Nginx("outer", Proxy(outerPort, innerPort)));
    servers.AddRange([inner, outer]);
    using var echo = new EchoServer(echoPort);
    var demo = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(data, "demo.json")))!;
    var url = new Uri((string)demo["url"]!);
    using var api = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{url.Port}/api/v1/") };
    api.DefaultRequestHeaders.Host = url.Authority;
    api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)demo["accessToken"]!);
    var (containerId, host) = await MakeContainer(demo, url);
    var (_, token) = await MakeToken(containerId);
    var ours = new Way("ours", url.Port, host, token, () => Processes.Of(Path.TrimEndingDirectorySeparator(data)));
    var peer = new Way("nginx", outerPort, "localhost", null, () => [.. Processes.WithChildren(inner.Id), .. Processes.WithChildren(outer.Id)]);
    foreach (var way in new[] { ours, peer })
    {
        // Until the code on the way is compiled for good: so many requests, or as many as a slow machine has time for.
        await Task.Delay(500);
        foreach (var measure in new[] { Wrk, Echo })
        {
            var begun = Stopwatch.GetTimestamp();
            for (double count = 0; count < 30_000 && Stopwatch.GetElapsedTime(begun).TotalSeconds < 20;)
                count += (await measure(way, 2)).Count;
        }
    }

    var rows = new List<object>();
    var processorTime = new List<object>();
    await Compare("HTTP, 1 KB", way => Wrk(way, seconds));
    await Compare("WebSocket echo, 64 bytes", way => Echo(way, seconds));
    await Revoke();
    if (output is not null)
    {
        await File.WriteAllTextAsync(output, JsonSerializer.Serialize(new
        {
            name = "proxy",
            at = DateTimeOffset.UtcNow,
            quick,
            machine = new { cpus = Environment.ProcessorCount, load = File.ReadAllText("/proc/loadavg").Split(' ')[0] },
            peer = "nginx before nginx",
            rows,
            processorTime,
        }, new JsonSerializerOptions(JsonSerializerOptions.Web) { WriteIndented = true }));
    }

    async Task Compare(string name, Func<Way, Task<Measure>> measure)
    {
        var (mine, theirs) = (new List<Measure>(), new List<Measure>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(await Counted(ours, measure));
            theirs.Add(await Counted(peer, measure));
        }
        Add($"{name}: requests", "1/s", Median(mine, m => m.Rate), Median(theirs, m => m.Rate), higherIsBetter: true);
        Add($"{name}: p99", "ms", Median(mine, m => m.P99), Median(theirs, m => m.P99), higherIsBetter: false);
        var (own, other) = (Median(mine, m => m.Processor), Median(theirs, m => m.Processor));
        processorTime.Add(new { name, unit = "µs a request", ours = Math.Round(own, 1), peer = Math.Round(other, 1) });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"",-40} ours {own,12:0.##} nginx {other,12:0.##} µs of processor time a request"));
    }

    async Task<Measure> Counted(Way way, Func<Way, Task<Measure>> measure)
    {
        var processes = way.Processes();
        var before = Processes.Time(processes);
        var measured = await measure(way);
        return measured with { Processor = (Processes.Time(processes) - before).TotalMicroseconds / measured.Count };
    }

    // From asking for the token's end until the socket is told.
    async Task Revoke()
    {
        var taken = new List<double>();
        for (var round = 0; round < revocations; round++)
        {
            var (id, own) = await MakeToken(containerId);
            using var socket = await Connect(ours with { Token = own });
            var buffer = new byte[64];
            await socket.SendAsync(buffer.AsMemory(), WebSocketMessageType.Binary, true, CancellationToken.None);
            await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            var ended = socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask();
            var begun = Stopwatch.GetTimestamp();
            using var revoked = await api.DeleteAsync($"containers/{containerId}/tokens/{id}");
            revoked.EnsureSuccessStatusCode();
            await ((Task)ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            taken.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }
        taken.Sort();
        const double Limit = 5;
        foreach (var (name, time) in new[] { ("p50", taken[taken.Count / 2]), ("max", taken[^1]) })
        {
            rows.Add(new { name = $"WebSocket after revocation: {name}", unit = "s", ours = Math.Round(time, 3), peer = Limit, ratio = Math.Round(time / Limit, 3), goal = 1.0, met = time <= Limit });
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"WebSocket after revocation: {name}",-40} ours {time,12:0.###} limit {Limit,12:0.##} s    {(time <= Limit ? "met" : "missed")}"));
        }
    }

    async Task<(Guid Id, string Token)> MakeToken(Guid container)
    {
        using var made = await api.PostAsJsonAsync($"containers/{container}/tokens", new { name = "bench" });
        made.EnsureSuccessStatusCode();
        var answer = (await made.Content.ReadFromJsonAsync<JsonNode>())!;
        return ((Guid)answer["info"]!["id"]!, (string)answer["token"]!);
    }

    // The ratio is how many times worse than the peer: of rates peer ÷ ours, of times ours ÷ peer.
    void Add(string name, string unit, double mine, double theirs, bool higherIsBetter)
    {
        var ratio = Math.Round(higherIsBetter ? theirs / mine : mine / theirs, 3);
        const double Goal = 1.25;
        rows.Add(new { name, unit, ours = Math.Round(mine, 3), peer = Math.Round(theirs, 3), ratio, goal = Goal, met = ratio <= Goal });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-40} ours {mine,12:0.##} nginx {theirs,12:0.##} {unit,-4} ratio {ratio:0.00} (goal {Goal}) {(ratio <= Goal ? "met" : "missed")}"));
    }
}
finally
{
    foreach (var server in servers)
    {
        server.Kill(entireProcessTree: true);
        server.WaitForExit();
    }
}

static double Median(List<Measure> measures, Func<Measure, double> of) => measures.Select(of).Order().ElementAt(measures.Count / 2);

static int FreePort()
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    return ((IPEndPoint)listener.LocalEndpoint).Port;
}

// As somebody would set nginx up who minds speed: pooled connections to the next one, no log.
static string Proxy(int port, int next) => $$"""
    upstream next { server 127.0.0.1:{{next}}; keepalive 64; keepalive_requests 1000000; }
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    server { listen 127.0.0.1:{{port}}; keepalive_requests 1000000; client_max_body_size 0;
      location / { proxy_pass http://next; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 1h;
        proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } }
    """;

Process Nginx(string name, string http)
{
    var home = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
    var file = Path.Combine(home, "nginx.conf");
    var temporary = string.Concat("client_body proxy fastcgi uwsgi scgi".Split(' ').Select(kind => $"{kind}_temp_path {home}/{kind};\n"));
    File.WriteAllText(file, $"daemon off;\nworker_processes 2;\npid {home}/pid;\nerror_log {home}/error.log;\n{(Environment.UserName == "root" ? "user root;\n" : "")}events {{ worker_connections 4096; }}\nhttp {{ access_log off; {temporary}{http} }}\n");
    return Process.Start(new ProcessStartInfo("nginx", ["-p", home, "-c", file]) { RedirectStandardError = true })!;
}

async Task<(Guid Id, string Host)> MakeContainer(JsonNode demo, Uri url)
{
    var (organizationId, projectId) = ((Guid)demo["organizationId"]!, (Guid)demo["projectId"]!);
    var postgres = await EmbeddedPostgres.Start(new() { DataPath = Path.Combine(data, "bench", "postgresql") }, NullLogger.Instance);
    await using var db = new DemiurgeDbContext(new DbContextOptionsBuilder<DemiurgeDbContext>().UseNpgsql(postgres.ConnectionString).Options);
    var owner = await db.OrganizationMembers.Where(member => member.OrganizationId == organizationId).Select(member => member.UserId).FirstAsync();
    var template = new Template { Slug = "bench-proxy", Name = "Bench", LatestVersion = 1, CreatedAt = DateTimeOffset.UtcNow };
    var tier = new Tier { Name = "bench-proxy", Cpus = 1, MemoryBytes = 1 << 28, DiskBytes = 1 << 28, Pids = 100, Enabled = false, Order = 99 };
    var container = new Container
    {
        OrganizationId = organizationId,
        ProjectId = projectId,
        OwnerId = owner,
        Name = "bench",
        TemplateId = template.Id,
        TemplateVersion = 1,
        TierId = tier.Id,
        Place = ContainerPlace.Remote, // nothing runs it: what it leads to is here
        State = ContainerState.Running,
        Share = ShareLevel.Project,
        Pinned = true,
        LastActivityAt = DateTimeOffset.UtcNow,
        CreatedAt = DateTimeOffset.UtcNow,
        Endpoints = [new("main", "127.0.0.1", upstreamPort)],
    };
    db.AddRange(template, tier, container, new TemplateVersion
    {
        TemplateId = template.Id,
        Version = 1,
        Spec = new TemplateSpec("none", [new("main", "Main", 80, "/", null, true)], [], [], new Dictionary<string, string>(), null, false, [], null, null, null, null, 0, 400, 300),
    });
    await db.SaveChangesAsync();
    return (container.Id, $"uc-{container.Id}.org-{organizationId}.{url.Authority}");
}

static async Task<Measure> Wrk(Way way, int seconds)
{
    var start = new ProcessStartInfo("wrk", ["-t", "1", "-c", $"{Connections}", "-d", $"{seconds}s", "--latency", "-H", $"Host: {way.Host}"]) { RedirectStandardOutput = true };
    if (way.Token is not null)
    {
        start.ArgumentList.Add("-H");
        start.ArgumentList.Add($"Demiurge-Token: {way.Token}");
    }
    start.ArgumentList.Add($"http://127.0.0.1:{way.Port}/page");
    using var wrk = Process.Start(start)!;
    var text = await wrk.StandardOutput.ReadToEndAsync();
    await wrk.WaitForExitAsync();
    var rate = double.Parse(Regex.Match(text, @"Requests/sec:\s+([\d.]+)").Groups[1].Value, CultureInfo.InvariantCulture);
    var p99 = Regex.Match(text, @"99%\s+([\d.]+)(us|ms|s)");
    if (text.Contains("Non-2xx", StringComparison.Ordinal) || !p99.Success)
        throw new InvalidOperationException($"{way.Name}: not every request was answered:\n{text}");
    var unit = p99.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1000.0 };
    var count = double.Parse(Regex.Match(text, @"(\d+) requests in").Groups[1].Value, CultureInfo.InvariantCulture);
    return new(rate, double.Parse(p99.Groups[1].Value, CultureInfo.InvariantCulture) * unit, count, 0);
}

static async Task<Measure> Echo(Way way, int seconds)
{
    var sockets = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Connect(way)));
    var started = Stopwatch.GetTimestamp();
    var times = await Task.WhenAll(sockets.Select(async socket =>
    {
        var taken = new List<double>(100_000);
        var (sent, received) = (new byte[64], new byte[64]);
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            var begun = Stopwatch.GetTimestamp();
            await socket.SendAsync(sent.AsMemory(), WebSocketMessageType.Binary, true, CancellationToken.None);
            var length = 0;
            while (length < 64)
                length += (await socket.ReceiveAsync(received.AsMemory(), CancellationToken.None)).Count;
            taken.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }
        return taken;
    }));
    var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
    foreach (var socket in sockets)
        socket.Abort();
    var all = times.SelectMany(time => time).Order().ToList();
    return new(all.Count / elapsed, all[(int)(all.Count * 0.99)], all.Count, 0);
}

static async Task<ClientWebSocket> Connect(Way way)
{
    var socket = new ClientWebSocket();
    socket.Options.Proxy = null;
    socket.Options.SetRequestHeader("Host", way.Host);
    if (way.Token is not null)
        socket.Options.SetRequestHeader("Demiurge-Token", way.Token);
    await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{way.Port}/echo"), CancellationToken.None);
    return socket;
}

/// <param name="Processes">What the way leads through, without its ends.</param>
internal sealed record Way(string Name, int Port, string Host, string? Token, Func<IReadOnlyList<int>> Processes);

/// <param name="Rate">A second.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="Processor">Microseconds a request, of all processes on the way together.</param>
internal sealed record Measure(double Rate, double P99, double Count, double Processor);

/// <summary>The processes on a way, and what they took of the processors (proc(5)).</summary>
internal static class Processes
{
    /// <summary>Web and gateways of the installation whose data is in that folder.</summary>
    public static IReadOnlyList<int> Of(string data) =>
        [.. All().Where(id => Read(id, "cmdline") is { } line && (line.Contains("Demiurge.Web.dll", StringComparison.Ordinal) || line.Contains("Demiurge.Gateway.dll", StringComparison.Ordinal))
            && $"\0{Read(id, "environ")}".Contains($"\0DEMIURGE_DATA={data}\0", StringComparison.Ordinal))];

    public static IReadOnlyList<int> WithChildren(int id) => [id, .. All().Where(child => Stat(child) is { } stat && stat[1] == id.ToString(CultureInfo.InvariantCulture))];

    public static TimeSpan Time(IReadOnlyList<int> ids) =>
        TimeSpan.FromMilliseconds(ids.Sum(id => Stat(id) is { } stat ? 10.0 * (long.Parse(stat[11], CultureInfo.InvariantCulture) + long.Parse(stat[12], CultureInfo.InvariantCulture)) : 0));

    private static IEnumerable<int> All() =>
        Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id > 0);

    /// <summary>The fields from the state on: the parent is the second, the ticks in user and kernel are the twelfth and the thirteenth.</summary>
    private static string[]? Stat(int id) => Read(id, "stat") is { } text ? text[(text.LastIndexOf(')') + 2)..].Split(' ') : null;

    private static string? Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>Answers every WebSocket message with itself: as little of a server as can be.</summary>
internal sealed class EchoServer : IDisposable
{
    private readonly TcpListener listener;

    public EchoServer(int port)
    {
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        _ = Accept();
    }

    public void Dispose() => listener.Dispose();

    private async Task Accept()
    {
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync();
            client.NoDelay = true;
            _ = Serve(client);
        }
    }

    private static async Task Serve(TcpClient client)
    {
        using (client)
        {
            var stream = client.GetStream();
            using var reader = new MemoryStream();
            var one = new byte[1];
            while (!System.Text.Encoding.ASCII.GetString(reader.GetBuffer(), 0, (int)reader.Length).EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                if (await stream.ReadAsync(one) == 0)
                    return;
                reader.Write(one);
            }
            var key = Regex.Match(System.Text.Encoding.ASCII.GetString(reader.ToArray()), @"Sec-WebSocket-Key:\s*(\S+)", RegexOptions.IgnoreCase).Groups[1].Value;
            var accept = Convert.ToBase64String(System.Security.Cryptography.SHA1.HashData(System.Text.Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"));
            using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
            var buffer = new byte[4096];
            try
            {
                while (await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } result)
                    await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
            }
            catch (WebSocketException)
            {
                // Aborted.
            }
        }
    }
}
