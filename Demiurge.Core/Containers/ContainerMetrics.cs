using System.Diagnostics.Metrics;

namespace Demiurge.Core.Containers;

/// <summary>Containers in numbers, as the meter <c>Demiurge.Containers</c>. Safe for concurrent use.</summary>
public sealed class ContainerMetrics : IDisposable
{
    public const string MeterName = "Demiurge.Containers";

    private readonly Meter meter;
    private readonly Histogram<double> startSeconds;
    private readonly Counter<long> failures;
    private volatile IReadOnlyDictionary<ContainerState, int> states = new Dictionary<ContainerState, int>();

    public ContainerMetrics(IMeterFactory meters)
    {
        meter = meters.Create(MeterName);
        startSeconds = meter.CreateHistogram<double>(
            "demiurge.containers.start.duration", "s", "From being asked for to being usable.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] });
        failures = meter.CreateCounter<long>("demiurge.containers.start.failures", "{attempt}", "Attempts at a start that failed.");
        meter.CreateObservableGauge(
            "demiurge.containers.count",
            () => states.Select(pair => new Measurement<int>(pair.Value, new KeyValuePair<string, object?>("state", pair.Key.ToString().ToLowerInvariant()))),
            "{container}", "Containers by state, as the process that drives the engines sees them.");
        meter.CreateObservableGauge(
            "demiurge.containers.queue.length", () => states.GetValueOrDefault(ContainerState.Queued), "{container}", "Containers that wait for their turn.");
    }

    /// <summary>How many there are, by state.</summary>
    internal void Count(IReadOnlyDictionary<ContainerState, int> counts) => states = counts;

    internal void Started(DateTimeOffset? queuedAt, DateTimeOffset usableAt)
    {
        if (queuedAt is { } since)
            startSeconds.Record(Math.Max(0, (usableAt - since).TotalSeconds));
    }

    /// <param name="final">Whether no other attempt follows.</param>
    internal void Failed(bool final) => failures.Add(1, new KeyValuePair<string, object?>("final", final));

    public void Dispose() => meter.Dispose();
}
