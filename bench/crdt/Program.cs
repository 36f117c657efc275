using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Demiurge.Bench.Crdt;
using Demiurge.Core.Crdt;

// Usage: Demiurge.Bench.Crdt [--trace automerge-paper.json.gz] [--quick | --rounds 5] [--only B1.4] [--json out.json]
// Runs each case in this engine and in Yjs (peer.mjs under Node), in one run, and prints the medians side by side.
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
var trace = Option("--trace");
var rounds = args.Contains("--quick") ? 1 : int.Parse(Option("--rounds") ?? "5", CultureInfo.InvariantCulture);
var only = Option("--only");

var peer = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../peer.mjs"));
var start = new ProcessStartInfo("node", ["--expose-gc", peer, trace ?? "", rounds.ToString(CultureInfo.InvariantCulture), only ?? ""]) { RedirectStandardOutput = true };
using var node = Process.Start(start)!;
var theirs = JsonSerializer.Deserialize<List<Measurement>>(node.StandardOutput.ReadToEnd(), JsonSerializerOptions.Web)!;
node.WaitForExit();

var cases = Cases.All(trace).FindAll(test => only is null || test.Name.StartsWith(only, StringComparison.Ordinal));
foreach (var test in cases)
{
    // The just-in-time compiler optimizes what has run for a while.
    Measure(test, 1);
}
var rows = new List<Row>();
Console.WriteLine($"{"case",-36}{"ours",10}{"yjs",10}{"ratio",8}{"encode",9}{"yjs",8}{"parse",9}{"yjs",8}{"document",10}{"yjs",10}{"alloc/op",10}{"retained",11}");
foreach (var test in cases)
{
    var measured = Measure(test, rounds);
    var other = theirs.Single(measurement => measurement.Name == test.Name);
    rows.Add(Row.Of(test.Name, "time", "ms", measured.Time, other.Time, test.Name.StartsWith("B4", StringComparison.Ordinal) ? 0.1 : 0.2));
    rows.Add(Row.Of(test.Name, "encode", "ms", measured.Encode, other.Encode, 0.3));
    rows.Add(Row.Of(test.Name, "parse", "ms", measured.Parse, other.Parse, 0.3));
    rows.Add(Row.Of(test.Name, "document size", "bytes", measured.Size, other.Size, 1));
    rows.Add(new(test.Name, "allocated per step", "bytes", measured.Allocated, [], null, null));
    rows.Add(new(test.Name, "retained when loaded", "bytes", measured.Retained, [], null, null));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{test.Name,-36}{measured.Time,10:F1}{other.Time,10:F1}{measured.Time / other.Time,8:F3}{measured.Encode,9:F2}{other.Encode,8:F2}{measured.Parse,9:F2}{other.Parse,8:F2}{measured.Size,10}{other.Size,10}{measured.Allocated,10:F0}{measured.Retained,11}"));
}
if (Option("--json") is { } path)
{
    var machine = $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}";
    File.WriteAllText(path, JsonSerializer.Serialize(new { name = "crdt", machine, rows }, JsonSerializerOptions.Web));
}

static Measurement Measure(Case test, int rounds)
{
    var (times, encodes, parses) = (new List<double>(), new List<double>(), new List<double>());
    var (size, allocated, retained) = (0, 0d, 0L);
    for (var round = 0; round <= rounds; round++)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var doc = new YDoc(new() { ClientId = 4_000_000_001 });
        using var second = new YDoc(new() { ClientId = 4_000_000_002 });
        var updates = new List<byte[]>();
        doc.Updated += change => updates.Add(change.Update);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < test.Steps; i++)
        {
            test.Step(doc, i);
        }
        if (test.Relayed)
        {
            foreach (var update in updates)
            {
                second.ApplyUpdate(update);
            }
        }
        var time = clock.Elapsed.TotalMilliseconds;
        allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)test.Steps;
        clock.Restart();
        var state = doc.EncodeStateAsUpdate();
        var encode = clock.Elapsed.TotalMilliseconds;
        var held = GC.GetTotalMemory(true);
        clock.Restart();
        var loaded = new YDoc(new() { ClientId = 3 });
        loaded.ApplyUpdate(state);
        var parse = clock.Elapsed.TotalMilliseconds;
        retained = GC.GetTotalMemory(true) - held;
        GC.KeepAlive(loaded);
        size = state.Length;
        if (round > 0)
        {
            times.Add(time);
            encodes.Add(encode);
            parses.Add(parse);
        }
    }
    return new(test.Name, Median(times), Median(encodes), Median(parses), size, allocated, retained);
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

/// <summary>Times in ms, sizes in bytes; allocations in bytes for each step.</summary>
internal sealed record Measurement(string Name, double Time, double Encode, double Parse, int Size, double Allocated, long Retained);

/// <summary>One line of the result file; <see cref="Ratio"/> is ours divided by the best peer, <see cref="Goal"/> its highest aim.</summary>
internal sealed record Row(string Work, string Metric, string Unit, double Ours, Dictionary<string, double> Peers, double? Ratio, double? Goal)
{
    public static Row Of(string work, string metric, string unit, double ours, double yjs, double goal) =>
        new(work, metric, unit, ours, new() { ["yjs"] = yjs }, ours / yjs, goal);
}
