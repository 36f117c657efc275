using Demiurge.Core.Boards;

namespace Demiurge.Web.Relay;

/// <summary>What a style bar has to know of a circuit's selection. A value is null where the selected items differ, or have no such thing.</summary>
public sealed record BoardSelection(
    int Nodes, int Edges, bool AnyLocked, bool AllLocked, string? Fill, string? Stroke, string? Color, double? FontSize, TextAlign? Align,
    string? EdgeColor, EdgeKind? EdgeKind, EdgeArrow? Arrow, bool? Dash, double? Width, bool HasBody)
{
    public static BoardSelection Empty { get; } = new(0, 0, false, false, null, null, null, null, null, null, null, null, null, null, false);

    public static BoardSelection Of(BoardView view, IReadOnlyCollection<string> ids)
    {
        var nodes = ids.Select(view.Node).OfType<BoardNode>().ToList();
        var edges = ids.Select(view.Edge).OfType<BoardEdge>().ToList();
        if (nodes.Count + edges.Count == 0)
        {
            return Empty;
        }

        return new BoardSelection(
            nodes.Count,
            edges.Count,
            nodes.Any(node => node.Locked),
            nodes.Count > 0 && nodes.All(node => node.Locked),
            Common(nodes, node => node.Style.Fill),
            Common(nodes, node => node.Style.Stroke),
            Common(nodes, node => node.Style.Color),
            CommonValue(nodes, node => node.Style.FontSize),
            CommonValue(nodes, node => node.Style.Align),
            Common(edges, edge => edge.Style.Color),
            CommonValue(edges, edge => edge.Kind),
            CommonValue(edges, edge => edge.Style.Arrow),
            CommonValue(edges, edge => edge.Style.Dash),
            CommonValue(edges, edge => edge.Style.Width),
            nodes.Any(node => node.Kind != NodeKind.Text));
    }

    private static string? Common<T>(List<T> items, Func<T, string> value) =>
        items.Count > 0 && items.TrueForAll(item => value(item) == value(items[0])) ? value(items[0]) : null;

    private static TValue? CommonValue<T, TValue>(List<T> items, Func<T, TValue> value) where TValue : struct =>
        items.Count > 0 && items.TrueForAll(item => EqualityComparer<TValue>.Default.Equals(value(item), value(items[0]))) ? value(items[0]) : null;
}
