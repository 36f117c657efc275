using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Peers;

/// <summary>What a stock Yjs client looks like from outside.</summary>
public sealed record PeerState(
    bool Synced, bool Connected, int Edits, int Acknowledged, double[] Latencies, string[] Denied, JsonElement[][] Closes,
    Dictionary<string, JsonElement> Nodes, string Text, bool Pending, string StateVector, JsonElement[] People)
{
    public IEnumerable<int> CloseCodes => Closes.Select(close => close[0].GetInt32());
}

/// <summary>A bare socket's story: how it was closed and what it got, as base64.</summary>
public sealed record RawState(JsonElement[][] Closes, string[] Received)
{
    public IEnumerable<int> CloseCodes => Closes.Select(close => close[0].GetInt32());
}

/// <summary>
/// Yjs clients from npm in one Node process (<c>peers.mjs</c>), each with a name. The process ends with its standard input, and so
/// with this process.
/// </summary>
public sealed class NodePeers : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode?>> waiting = new();
    private readonly Task reading;
    private int lastId;

    public NodePeers()
    {
        process = Process.Start(new ProcessStartInfo("node", [Path.Combine(Checkout.Folder, "Demiurge.Tests", "Peers", "peers.mjs")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        })!;
        reading = Read();
    }

    /// <summary>A y-websocket client joins. <paramref name="acks"/> asks the gateway for acknowledgements.</summary>
    public Task Join(string name, string collabUrl, string token, bool acks = true) => Send("join", Address(name, collabUrl, token, acks));

    /// <summary>A client of Hocuspocus' provider joins; those of one connection share a socket.</summary>
    public Task JoinHocuspocus(string name, string collabUrl, string token, string connection)
    {
        var address = Address(name, collabUrl, token, false);
        address["connection"] = connection;
        return Send("hocuspocus", address);
    }

    /// <summary>Cuts a Hocuspocus client's socket, without a word.</summary>
    public Task Cut(string name) => Send("cut", Named(name));

    public Task Set(string name, string root, string key, string value) => Send("set", new() { ["name"] = name, ["root"] = root, ["key"] = key, ["value"] = value });

    public Task Insert(string name, int index, string text) => Send("insert", new() { ["name"] = name, ["index"] = index, ["text"] = text });

    /// <summary>Sets a new key of the map <c>nodes</c> again and again: <c>{name}:1</c>, <c>{name}:2</c> …</summary>
    public Task Busy(string name, int everyMs, int times) => Send("busy", new() { ["name"] = name, ["everyMs"] = everyMs, ["times"] = times });

    public Task Rest(string name) => Send("rest", Named(name));

    public Task Present(string name, JsonNode? state) => Send("present", new() { ["name"] = name, ["state"] = state });

    public Task ChangeToken(string name, string token) => Send("token", new() { ["name"] = name, ["token"] = token });

    public Task Disconnect(string name) => Send("disconnect", Named(name));

    public Task Reconnect(string name) => Send("reconnect", Named(name));

    public Task Leave(string name) => Send("leave", Named(name));

    public async Task<PeerState> State(string name) => (await Send("state", Named(name))).Deserialize<PeerState>(JsonSerializerOptions.Web)!;

    /// <summary>Opens a bare socket; false when it was refused.</summary>
    public async Task<bool> OpenRaw(string name, string collabUrl, string token) => (bool)(await Send("raw", Address(name, collabUrl, token, false)))!["opened"]!;

    public Task SendRaw(string name, byte[] frame) => Send("send", new() { ["name"] = name, ["bytes"] = Convert.ToBase64String(frame) });

    public Task SendText(string name, string text) => Send("send", new() { ["name"] = name, ["text"] = text });

    public Task Pause(string name) => Send("pause", Named(name));

    public Task Resume(string name) => Send("resume", Named(name));

    public async Task<RawState> RawState(string name) => (await Send("rawState", Named(name))).Deserialize<RawState>(JsonSerializerOptions.Web)!;

    /// <summary>A sync message that Yjs made: it sets a key of a root map.</summary>
    public async Task<byte[]> Update(string root, string key, string value) =>
        Convert.FromBase64String((string)(await Send("update", new() { ["root"] = root, ["key"] = key, ["value"] = value }))!["bytes"]!);

    /// <summary>Waits until the peer is as wanted; fails with its state after a generous time.</summary>
    public async Task<PeerState> Until(string name, Func<PeerState, bool> isWanted, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var state = await State(name);
            if (isWanted(state))
                return state;
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(60))
                Assert.Fail($"{name} is not {what}: {JsonSerializer.Serialize(state with { Nodes = [], Latencies = [], Closes = state.Closes[..Math.Min(5, state.Closes.Length)] })}, {state.Nodes.Count} nodes");
            await Task.Delay(25);
        }
    }

    public Task<PeerState> UntilSynced(string name) => Until(name, state => state.Synced, "synced");

    public Task<PeerState> UntilSaved(string name) => Until(name, state => state.Acknowledged == state.Edits, "saved");

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        await reading;
        process.Dispose();
    }

    private static JsonObject Named(string name) => new() { ["name"] = name };

    private static JsonObject Address(string name, string collabUrl, string token, bool acks)
    {
        var slash = collabUrl.LastIndexOf('/');
        return new() { ["name"] = name, ["url"] = collabUrl[..slash], ["project"] = collabUrl[(slash + 1)..], ["token"] = token, ["ack"] = acks };
    }

    private async Task<JsonNode?> Send(string command, JsonObject options)
    {
        var id = Interlocked.Increment(ref lastId);
        options["id"] = id;
        options["command"] = command;
        var answer = waiting[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (process)
        {
            process.StandardInput.WriteLine(options.ToJsonString());
            process.StandardInput.Flush();
        }

        return await answer.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    private async Task Read()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var answer = JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = 512 })!;
            if (!waiting.TryRemove((int)answer["id"]!, out var asked))
                continue;
            if (answer["error"] is { } error)
                asked.SetException(new InvalidOperationException($"The peers failed: {error}"));
            else
                asked.SetResult(answer["result"]?.DeepClone());
        }
    }
}
