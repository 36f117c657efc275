namespace Demiurge.Core.Boards;

public enum TextAlign { Left, Center, Right }

/// <summary>How a node is painted. Colours are names of the <see cref="Palette"/>; every field is filled in (from the kind where the room says nothing).</summary>
public sealed record NodeStyle
{
    public string Fill { get; init; } = "white";

    public string Stroke { get; init; } = "black";

    /// <summary>The text's colour.</summary>
    public string Color { get; init; } = "black";

    /// <summary>Board units, 8 to 200.</summary>
    public double FontSize { get; init; } = 16;

    public TextAlign Align { get; init; }
}

public enum EdgeArrow { None, End, Both }

/// <summary>How an edge is painted.</summary>
public sealed record EdgeStyle
{
    public string Color { get; init; } = "gray";

    /// <summary>Line width in board units, 1 to 12.</summary>
    public double Width { get; init; } = 2;

    public bool Dash { get; init; }

    public EdgeArrow Arrow { get; init; } = EdgeArrow.End;
}
