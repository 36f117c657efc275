namespace Demiurge.Core.Boards;

/// <summary>A node as the board shows it: read from the room, clamped to <see cref="BoardLimits"/>, placed in its frame. Immutable, any thread.</summary>
public sealed record BoardNode
{
    public required string Id { get; init; }

    /// <summary>A name of <see cref="NodeKind.Known"/>, or another one, which gets the fallback card. Never null, may be empty.</summary>
    public required string Kind { get; init; }

    /// <summary>Relative to <see cref="Frame"/>, absolute without one.</summary>
    public required BoardPoint Position { get; init; }

    public required BoardSize Size { get; init; }

    public required NodeStyle Style { get; init; }

    /// <summary>Order among siblings as stored; equal values are ordered by id.</summary>
    public double Z { get; init; }

    public bool Locked { get; init; }

    /// <summary>Plain text; what is no text in it (an embed of another client) stands as U+FFFC.</summary>
    public string Text { get; init; } = "";

    public NodeData Data { get; init; } = NodeData.Empty;

    /// <summary>The container that the node shows; null for nodes of other kinds.</summary>
    public Guid? ContainerId => Kind == NodeKind.Container && Guid.TryParse(Data[NodeData.ContainerId], out var id) ? id : null;

    /// <summary>What the room says, whether or not there is such a frame.</summary>
    public string? Parent { get; init; }

    /// <summary>The frame that holds the node: <see cref="Parent"/> when that is a frame and not inside the node itself.</summary>
    public string? Frame { get; init; }

    /// <summary>Absolute.</summary>
    public BoardRect Bounds { get; init; }

    /// <summary>Paint order over the whole board: a frame lies below what it holds. Ascending, with gaps.</summary>
    public int Rank { get; init; }

    public bool IsFrame => Kind == NodeKind.Frame;
}

public enum EdgeKind { Bezier, Straight, Step }

/// <summary>Where an edge is tied to. <paramref name="Port"/> is top, right, bottom or left.</summary>
public readonly record struct EdgeEnd(string Node, string Port)
{
    public static IReadOnlyList<string> Ports { get; } = ["top", "right", "bottom", "left"];
}

/// <summary>An edge as the board shows it. Its ends may name nodes that no longer exist: then it isn't drawn. Immutable, any thread.</summary>
public sealed record BoardEdge
{
    public required string Id { get; init; }

    public required EdgeEnd From { get; init; }

    public required EdgeEnd To { get; init; }

    public EdgeKind Kind { get; init; }

    public EdgeStyle Style { get; init; } = new();

    public string Label { get; init; } = "";
}
