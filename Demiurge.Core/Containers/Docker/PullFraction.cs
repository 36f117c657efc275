using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

/// <summary>
/// How much of a pull is done, from the engine's lines about layers. Fetching counts for most of a layer, unpacking for the rest. Never goes back; layers become known while
/// it goes on, so it waits where it is while they do.
/// </summary>
internal sealed class PullFraction
{
    private const double FetchShare = 0.75;

    private readonly Dictionary<string, Layer> layers = [];
    private double shown;

    /// <summary>Takes in a line. The fraction now, 0 to 1; null while nothing is known.</summary>
    public double? Add(ProgressLine line)
    {
        if (line.Id is not { Length: > 0 } id || Stage(line.Status) is not { } stage)
            return shown > 0 ? shown : null;
        var layer = layers.GetValueOrDefault(id);
        var of = line.Amount is { Total: > 0 } amount ? Math.Clamp((double)amount.Current / amount.Total, 0, 1) : 0;
        layers[id] = layer with
        {
            Bytes = line.Amount is { Total: > 0 } sized && stage == PullStage.Fetching ? sized.Total : layer.Bytes,
            Done = Math.Max(layer.Done, stage switch
            {
                PullStage.Fetching => FetchShare * of,
                PullStage.Unpacking => FetchShare + ((1 - FetchShare) * of),
                PullStage.Done => 1,
                _ => 0,
            }),
        };
        // Layers of unknown size count as small ones.
        var all = layers.Values.Sum(one => Math.Max(one.Bytes, 1.0));
        shown = Math.Max(shown, layers.Values.Sum(one => Math.Max(one.Bytes, 1.0) * one.Done) / all);
        return shown;
    }

    private static PullStage? Stage(string? status) => status switch
    {
        "Pulling fs layer" or "Waiting" => PullStage.Waiting,
        "Downloading" => PullStage.Fetching,
        "Verifying Checksum" or "Download complete" or "Extracting" => PullStage.Unpacking,
        "Pull complete" or "Already exists" => PullStage.Done,
        _ => null,
    };

    private enum PullStage
    {
        Waiting,
        Fetching,
        Unpacking,
        Done,
    }

    private readonly record struct Layer(double Bytes, double Done);
}
