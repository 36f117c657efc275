using System.Diagnostics;
using System.Text.Json;

namespace Demiurge.Bench.Crdt;

/// <summary>What one run of a workload gave. Times in ms; the digests are SHA-256 of the encoded state and of the content.</summary>
internal sealed record RunResult(double Time, long Allocated, int Updates, long UpdateBytes, double Encode, double Parse, int Size, string State, string Content, long Peak);

/// <summary>A row of an engine: medians of the rounds, and the bytes that one loaded document retains.</summary>
internal sealed record Measurement(double Time, double AllocatedPerStep, double UpdateSize, double Encode, double Parse, int Size, double Retained, string State, string Content, long Peak, string Version);

/// <summary>What only our engine is asked, see Special.cs.</summary>
internal sealed record OwnMeasurement(string Work, string Metric, string Unit, double Value, double? Goal);

/// <summary>Runs workers: all warm up in the same way, at once; then they run in turn, so that what else the machine does meets all of them.</summary>
internal static class Measurements
{
    public static async Task<Dictionary<string, Measurement>> Take(Workload workload, string format, List<string> engines, string path, string folder, int rounds, TimeSpan patience)
    {
        var workers = engines.ConvertAll(static engine => new WorkerProcess(engine));
        var results = engines.ToDictionary(static engine => engine, static _ => new List<RunResult>());
        var versions = new Dictionary<string, string>();
        try
        {
            foreach (var worker in workers)
            {
                versions[worker.Engine] = (await worker.Ask(new { @do = "version" })).GetProperty("version").GetString()!;
            }
            await Task.WhenAll(workers.Select(async worker =>
            {
                await worker.Ask(new { @do = "load", path });
                await worker.Ask(new { @do = "warmUp", format, runs = workload.WarmUps, seconds = workload.WarmUpSeconds, steps = workload.WarmUpSteps });
            }));
            var spent = workers.ToDictionary(static worker => worker, static _ => TimeSpan.Zero);
            var wanted = workload.Steps <= 2 ? rounds * 5 : workload.HasPeers ? rounds : 1;
            for (var round = 0; round < wanted; round++)
            {
                var quick = round == 0 ? workers : workers.FindAll(worker => spent[worker] / round < patience / 3);
                if (round > 0 && (quick.Count == 0 || quick.Aggregate(TimeSpan.Zero, (sum, worker) => sum + spent[worker]) > patience))
                {
                    break;
                }
                foreach (var worker in quick)
                {
                    var clock = Stopwatch.StartNew();
                    var answer = await worker.Ask(round == 0 ? new { @do = "run", format, path = StateOf(folder, worker.Engine) } : new { @do = "run", format });
                    results[worker.Engine].Add(answer.Deserialize<RunResult>(JsonSerializerOptions.Web)!);
                    spent[worker] += clock.Elapsed;
                }
            }
        }
        finally
        {
            workers.ForEach(static worker => worker.Dispose());
        }
        var measurements = new Dictionary<string, Measurement>();
        foreach (var engine in engines)
        {
            using var fresh = new WorkerProcess(engine);
            var copies = workload.Times > 1 ? 1 : 4;
            var retained = (await fresh.Ask(new { @do = "retained", path = StateOf(folder, engine), format, copies })).GetProperty("retained").GetDouble();
            var runs = results[engine];
            var last = runs[^1];
            measurements.Add(engine, new(
                Median(runs.Select(static run => run.Time)), Median(runs.Select(run => run.Allocated / (double)workload.Steps)), last.UpdateBytes / (double)Math.Max(1, last.Updates),
                Median(runs.Select(static run => run.Encode)), Median(runs.Select(static run => run.Parse)), last.Size, retained, last.State, last.Content, last.Peak, versions[engine]));
        }
        return measurements;
    }

    public static async Task<List<OwnMeasurement>> TakeOwn()
    {
        using var worker = new WorkerProcess("ours");
        return (await worker.Ask(new { @do = "own" })).Deserialize<List<OwnMeasurement>>(JsonSerializerOptions.Web)!;
    }

    private static string StateOf(string folder, string engine) => Path.Combine(folder, $"{engine}.state");

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}

/// <summary>A worker of one engine; it takes one command at a time.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process process;

    public WorkerProcess(string engine)
    {
        Engine = engine;
        var start = engine == "ours"
            ? new ProcessStartInfo("dotnet", [typeof(WorkerProcess).Assembly.Location, "--worker"])
            : new ProcessStartInfo("node", ["--expose-gc", "--max-old-space-size=8192", Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../worker.mjs")), engine]);
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        process = Process.Start(start)!;
    }

    public string Engine { get; }

    public async Task<JsonElement> Ask(object command)
    {
        await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(command));
        await process.StandardInput.FlushAsync();
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The worker of {Engine} has ended.");
        return JsonDocument.Parse(line).RootElement;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(5000))
        {
            process.Kill();
        }
        process.Dispose();
    }
}
