using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Demiurge.Bench.Crdt;

// Usage: Demiurge.Bench.Crdt [--trace automerge-paper.json.gz] [--quick | --rounds 5] [--only B1.4] [--format v1] [--engines ours,yjs] [--json out.json]
// Runs each workload in this engine, in Yjs and in ywasm, each in a process of its own, round by round in turn, and prints the medians side by side.
if (args is ["--worker"])
{
    Worker.Serve();
    return;
}
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
var trace = Option("--trace");
var quick = args.Contains("--quick");
var only = Option("--only") ?? "";
var rounds = int.Parse(Option("--rounds") ?? (quick ? "3" : "5"), CultureInfo.InvariantCulture);
var formats = (Option("--format") ?? "v1,v2").Split(',');
var engines = (Option("--engines") ?? "ours,yjs,ywasm").Split(',');
// Beyond this much time for a row no further round is begun. An engine that takes a third of it for one round (ywasm a minute for the long trace) gets that one, and its time doesn't count.
var patience = TimeSpan.FromSeconds(quick ? 1 : 60);

var folder = Directory.CreateTempSubdirectory("demiurge-bench-");
try
{
    var report = new Report();
    if (engines.Contains("ours") && "Own rows".StartsWith(only, StringComparison.Ordinal))
    {
        report.AddOwn(await Measurements.TakeOwn());
        Save(report, false);
    }
    foreach (var workload in Workloads.All(trace).Where(workload => workload.Name.StartsWith(only, StringComparison.Ordinal) && (workload.HasPeers || !quick)))
    {
        var path = Path.Combine(folder.FullName, "workload.json");
        File.WriteAllText(path, JsonSerializer.Serialize(workload, new JsonSerializerOptions(JsonSerializerOptions.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } }));
        foreach (var format in formats)
        {
            var present = engines.Where(engine => engine == "ours" || workload.HasPeers).ToList();
            report.Add(workload, format, await Measurements.Take(workload, format, present, path, folder.FullName, rounds, patience));
            Save(report, false);
        }
    }
    Save(report, true);
    if (report.Differences.Count > 0)
    {
        report.Differences.ForEach(Console.Error.WriteLine);
        Environment.ExitCode = 1;
    }
}
finally
{
    folder.Delete(recursive: true);
}

// After each row, so that a run that is stopped leaves what it has measured.
void Save(Report report, bool isComplete)
{
    if (Option("--json") is not { } file)
    {
        return;
    }
    var machine = $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}, {string.Join(", ", report.Versions.Select(static version => $"{version.Key} {version.Value}"))}, load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}";
    File.WriteAllText(file + ".part", JsonSerializer.Serialize(new { name = "crdt", machine, isComplete, rows = report.Rows }, new JsonSerializerOptions(JsonSerializerOptions.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    File.Move(file + ".part", file, overwrite: true);
}
