using System.Globalization;

namespace Demiurge.Bench.Crdt;

/// <summary>One line of the result file; <see cref="Ratio"/> is ours divided by the best peer, <see cref="Goal"/> the highest that it should be.</summary>
internal sealed record Row(string Work, string Metric, string Unit, double Ours, Dictionary<string, double> Peers, double? Ratio, double? Goal);

/// <summary>Prints the table while it grows, collects the rows of the result file and says where documents differ.</summary>
internal sealed class Report
{
    private bool hasHeader;

    public List<Row> Rows { get; } = [];

    public List<string> Differences { get; } = [];

    public SortedDictionary<string, string> Versions { get; } = [];

    public void Add(Workload workload, string format, Dictionary<string, Measurement> measured)
    {
        foreach (var (engine, measurement) in measured)
        {
            Versions[engine == "ours" ? "ours on" : engine] = measurement.Version;
        }
        Compare(workload, format, measured);
        var work = $"{workload.Name}, {format}";
        var isTrace = workload.Shape == Shape.Replay;
        var goal = workload.Shape switch { Shape.Gather => 0.3, Shape.Replay => format == "v2" ? 0.05 : 0.1, _ => 0.2 };
        Add(work, "time", "ms", measured, static one => one.Time, goal);
        Add(work, "average update size", "bytes", measured, static one => one.UpdateSize, 1);
        Add(work, "document size", "bytes", measured, static one => one.Size, 1);
        Add(work, "encode", "ms", measured, static one => one.Encode, isTrace ? 0.3 : 1);
        Add(work, "parse", "ms", measured, static one => one.Parse, isTrace ? 0.3 : 1);
        Add(work, "retained when loaded", "bytes", measured, static one => one.Retained, 1);
        if (measured.TryGetValue("ours", out var ours))
        {
            Rows.Add(new(work, "allocated per operation", "bytes", ours.AllocatedPerStep, [], null, null));
            if (workload.Times > 1)
            {
                Rows.Add(new(work, "peak memory of the process", "bytes", ours.Peak, [], null, 1 << 30));
            }
        }
        Print(work, measured);
    }

    public void AddOwn(List<OwnMeasurement> measured)
    {
        Console.WriteLine();
        foreach (var (work, metric, unit, value, goal) in measured)
        {
            Rows.Add(new(work, metric, unit, value, [], null, goal));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{work}: {metric} {value:0.##} {unit}"));
        }
    }

    private void Add(string work, string metric, string unit, Dictionary<string, Measurement> measured, Func<Measurement, double> value, double goal)
    {
        if (!measured.TryGetValue("ours", out var ours))
        {
            return;
        }
        var peers = measured.Where(static entry => entry.Key != "ours").ToDictionary(static entry => entry.Key, entry => value(entry.Value));
        // A peer's memory may round to nothing: there is no ratio to that.
        double? ratio = peers.Count > 0 && peers.Values.Min() is > 0 and var best ? value(ours) / best : null;
        Rows.Add(new(work, metric, unit, value(ours), peers, ratio, peers.Count == 0 ? null : goal));
    }

    private void Compare(Workload workload, string format, Dictionary<string, Measurement> measured)
    {
        var first = measured.Values.First();
        foreach (var (engine, measurement) in measured)
        {
            if (measurement.Content != first.Content)
            {
                Differences.Add($"{workload.Name}, {format}: the document of {engine} holds something else.");
            }
        }
        if (measured.TryGetValue("ours", out var ours) && measured.TryGetValue("yjs", out var yjs) && ours.State != yjs.State)
        {
            Differences.Add($"{workload.Name}, {format}: our encoded document ({ours.Size} bytes) is not Yjs' ({yjs.Size} bytes).");
        }
    }

    /// <summary>A Markdown table, so that it can be put into a document as it is.</summary>
    private void Print(string work, Dictionary<string, Measurement> measured)
    {
        if (!hasHeader)
        {
            Console.WriteLine("| work | time, ms: ours · yjs · ywasm | ratio | update, bytes | document, bytes | encode, ms | parse, ms | retained, kB | allocated per op, bytes |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
            hasHeader = true;
        }
        var time = Rows.FindLast(row => row.Work == work && row.Metric == "time");
        Console.WriteLine(string.Join(" | ",
            $"| {work}",
            All(measured, static one => one.Time, "0.##"),
            time?.Ratio?.ToString("0.000", CultureInfo.InvariantCulture) ?? "",
            All(measured, static one => one.UpdateSize, "0"),
            All(measured, static one => one.Size, "0"),
            All(measured, static one => one.Encode, "0.##"),
            All(measured, static one => one.Parse, "0.##"),
            All(measured, static one => one.Retained / 1000, "0.#"),
            (measured.TryGetValue("ours", out var ours) ? ours.AllocatedPerStep.ToString("0", CultureInfo.InvariantCulture) : "") + " |"));
    }

    private static string All(Dictionary<string, Measurement> measured, Func<Measurement, double> value, string format) =>
        string.Join(" · ", measured.Values.Select(one => value(one).ToString(format, CultureInfo.InvariantCulture)));
}
