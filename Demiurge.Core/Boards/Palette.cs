namespace Demiurge.Core.Boards;

/// <summary>
/// The board's colours are names, not values: each theme gives a name its own fill, stroke and text colour
/// (<c>wwwroot/board/palette.css</c>), so a board reads well in light and dark.
/// </summary>
public static class Palette
{
    /// <summary>No paint at all.</summary>
    public const string None = "none";

    /// <summary>Every name, in the order in which a colour picker shows them.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["black", "gray", "white", "yellow", "orange", "red", "pink", "purple", "blue", "teal", "green", None];

    private static readonly HashSet<string> Known = [.. Names];

    public static bool Contains(string name) => Known.Contains(name);
}
