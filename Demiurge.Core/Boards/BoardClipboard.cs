using System.Text.Json;
using System.Text.Json.Serialization;
using Demiurge.Core.Boards.Commands;

namespace Demiurge.Core.Boards;

/// <summary>
/// What was copied from a board, as text that any clipboard carries from board to board:
/// <c>{"demiurge-board":1,"nodes":[…],"edges":[…]}</c>, nodes back to front in absolute coordinates under the ids they had.
/// </summary>
public sealed record BoardClipboard(
    [property: JsonPropertyName("demiurge-board")] int Version, IReadOnlyList<NodeSpec> Nodes, IReadOnlyList<EdgeSpec> Edges)
{
    /// <summary>The nodes with what they hold and the edges among them; null when none of the ids is a node of the board.</summary>
    public static string? Copy(BoardView view, IReadOnlyCollection<string> ids)
    {
        var copy = Collect(view, ids);
        var inside = copy.Nodes.Select(node => node.Id).ToHashSet();
        return copy.Nodes.Count == 0
            ? null
            : JsonSerializer.Serialize(copy with { Nodes = copy.Nodes.Select(node => inside.Contains(node.Parent ?? "") ? node : node with { Parent = null }).ToList() }, BoardCommands.Json);
    }

    /// <summary>As <see cref="Copy"/>; a node's frame is named also when it isn't among the copied.</summary>
    internal static BoardClipboard Collect(BoardView view, IReadOnlyCollection<string> ids)
    {
        var taken = new Dictionary<string, BoardNode>();
        var rest = new Stack<BoardNode>(ids.Select(view.Node).OfType<BoardNode>());
        while (rest.TryPop(out var node))
        {
            if (taken.TryAdd(node.Id, node))
            {
                foreach (var child in view.Children(node.Id))
                {
                    rest.Push(child);
                }
            }
        }

        var edges = taken.Keys.SelectMany(view.EdgesOf).DistinctBy(edge => edge.Id).Where(edge => taken.ContainsKey(edge.From.Node) && taken.ContainsKey(edge.To.Node));
        return new BoardClipboard(1, taken.Values.OrderBy(node => node.Rank).Select(Spec).ToList(), edges.Select(Spec).ToList());
    }

    private static NodeSpec Spec(BoardNode node)
    {
        var usual = NodeKind.Of(node.Kind).Style;
        var style = new Dictionary<string, JsonElement>();
        Add(style, "fill", node.Style.Fill, usual.Fill);
        Add(style, "stroke", node.Style.Stroke, usual.Stroke);
        Add(style, "color", node.Style.Color, usual.Color);
        Add(style, "fontSize", node.Style.FontSize, usual.FontSize);
        Add(style, "align", node.Style.Align, usual.Align);
        return new NodeSpec(
            node.Id, node.Kind, node.Bounds.X, node.Bounds.Y, node.Size.Width, node.Size.Height, node.Frame, style.Count > 0 ? style : null, node.Text.Length > 0 ? node.Text : null, node.Locked,
            node.Data.Count > 0 ? node.Data : null);
    }

    private static EdgeSpec Spec(BoardEdge edge)
    {
        var usual = new EdgeStyle();
        var style = new Dictionary<string, JsonElement>();
        Add(style, "color", edge.Style.Color, usual.Color);
        Add(style, "width", edge.Style.Width, usual.Width);
        Add(style, "dash", edge.Style.Dash, usual.Dash);
        Add(style, "arrow", edge.Style.Arrow, usual.Arrow);
        return new EdgeSpec(
            edge.Id, new(edge.From.Node, edge.From.Port), new(edge.To.Node, edge.To.Port), edge.Kind.ToString().ToLowerInvariant(), edge.Label.Length > 0 ? edge.Label : null, style.Count > 0 ? style : null);
    }

    private static void Add<T>(Dictionary<string, JsonElement> style, string key, T value, T usual)
    {
        if (!EqualityComparer<T>.Default.Equals(value, usual))
        {
            style[key] = JsonSerializer.SerializeToElement(value, BoardCommands.Json);
        }
    }
}
