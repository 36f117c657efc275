namespace Demiurge.Core.Boards;

/// <summary>What a board holds at most. Commands beyond these are refused; content that another client wrote beyond them is clamped when read.</summary>
public static class BoardLimits
{
    /// <summary>Largest |x| and |y|, board units.</summary>
    public const double Coordinate = 1_000_000;

    public const double MinSize = 4;
    public const double MaxSize = 20_000;

    /// <summary>Largest |z|.</summary>
    public const double Z = 1_000_000_000;

    /// <summary>Longest text of a node, UTF-16 units.</summary>
    public const int Text = 20_000;

    /// <summary>Longest label of an edge, UTF-16 units.</summary>
    public const int Label = 500;

    public const int CommandsPerBatch = 500;

    /// <summary>Items (ids, nodes, edges) that all commands of a batch touch together.</summary>
    public const int ItemsPerBatch = 2_000;

    public const int Nodes = 20_000;
    public const int Edges = 40_000;

    /// <summary>Longest id that is shown when another client wrote it. Ids we make are at most 64.</summary>
    public const int ForeignId = 128;

    /// <summary>Frames within frames; deeper nesting is read as lying on the board.</summary>
    public const int Nesting = 200;
}
