using System.Text.Json;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>
/// The board as it will be after a batch: what the batch has touched so far, over the <see cref="BoardView"/>. Positions are
/// relative to the frame, as in the room, so moving a frame touches the frame alone. Lives for one batch.
/// </summary>
internal sealed class BoardDraft(BoardView view)
{
    private readonly Dictionary<string, NodeDraft> _nodes = [];
    private readonly Dictionary<string, EdgeDraft> _edges = [];
    private readonly Dictionary<string, double> _top = [];
    private int _newNodes;
    private int _newEdges;

    public List<string> Created { get; } = [];

    public Dictionary<string, string> Map { get; } = [];

    public BoardView View => view;

    /// <summary>The node as it now stands; null when there is none or it was deleted.</summary>
    public NodeDraft? Node(string id)
    {
        if (!_nodes.TryGetValue(id, out var draft))
        {
            if (view.Node(id) is not { } node)
            {
                return null;
            }

            _nodes[id] = draft = new NodeDraft(node);
        }

        return draft.IsGone ? null : draft;
    }

    public EdgeDraft? Edge(string id)
    {
        if (!_edges.TryGetValue(id, out var draft))
        {
            if (view.Edge(id) is not { } edge)
            {
                return null;
            }

            _edges[id] = draft = new EdgeDraft(edge);
        }

        return draft.IsGone ? null : draft;
    }

    /// <summary>The nodes of those ids that are there and not locked, nor inside something locked.</summary>
    public IEnumerable<NodeDraft> Unlocked(IEnumerable<string> ids) => ids.Distinct().Select(Node).OfType<NodeDraft>().Where(node => !IsLocked(node));

    /// <summary>As <see cref="Unlocked"/>, without what is carried by another of them.</summary>
    public List<NodeDraft> Roots(IEnumerable<string> ids)
    {
        var all = Unlocked(ids).ToList();
        var set = all.Select(node => node.Id).ToHashSet();
        return all.Where(node => !Above(node).Any(frame => set.Contains(frame.Id))).ToList();
    }

    public bool IsLocked(NodeDraft node) => node.Locked || Above(node).Any(frame => frame.Locked);

    /// <summary>The frames that hold the node, innermost first.</summary>
    public IEnumerable<NodeDraft> Above(NodeDraft node)
    {
        for (var id = node.Frame; id is not null && Node(id) is { } frame; id = frame.Frame)
        {
            yield return frame;
        }
    }

    public BoardRect Bounds(NodeDraft node) =>
        new(Above(node).Aggregate(node.Position, (at, frame) => at + frame.Position), node.Size);

    /// <summary>What lies directly in the frame (on the board: null), back to front.</summary>
    public List<NodeDraft> Children(string? frame) => view.Children(frame).Select(node => Node(node.Id)).OfType<NodeDraft>()
        .Concat(_nodes.Values.Where(node => !node.IsGone && node.Before?.Frame != frame | node.Before is null))
        .Where(node => node.Frame == frame)
        .OrderBy(node => node.Z)
        .ThenBy(node => node.Id, StringComparer.Ordinal)
        .ToList();

    public IEnumerable<EdgeDraft> EdgesOf(string node) => view.EdgesOf(node).Select(edge => Edge(edge.Id)).OfType<EdgeDraft>()
        .Union(_edges.Values.Where(edge => !edge.IsGone))
        .Where(edge => edge.From.Node == node || edge.To.Node == node);

    public bool IsTaken(string id) =>
        _nodes.ContainsKey(id) || _edges.ContainsKey(id) || view.Doc.GetMap("nodes").ContainsKey(id) || view.Doc.GetMap("edges").ContainsKey(id);

    /// <summary>The frame that a node of those bounds goes into: see <see cref="NodeSpec.Parent"/>. A frame is only taken in by a larger one.</summary>
    /// <param name="moving">The node itself and what it carries; null for a new node.</param>
    public Error? FindFrame(string? wish, BoardRect bounds, string kind, NodeDraft? moving, out string? frame)
    {
        frame = null;
        if (wish == "")
        {
            return null;
        }

        if (wish is not null)
        {
            if (Node(wish) is not { Kind: NodeKind.Frame } named)
            {
                return BoardErrors.NoSuchFrame(wish);
            }

            frame = wish;
            return moving is not null && (named == moving || Above(named).Contains(moving)) ? BoardErrors.FrameInItself : null;
        }

        var center = bounds.Center;
        frame = view.Near(new BoardRect(center.X, center.Y, 0, 0)).Where(node => node.IsFrame).Select(node => Node(node.Id)).OfType<NodeDraft>()
            .Union(_nodes.Values.Where(node => node.Kind == NodeKind.Frame && !node.IsGone).ToList())
            .Where(candidate => candidate != moving && !IsLocked(candidate) && Bounds(candidate).Contains(center)
                && (moving is null || !Above(candidate).Contains(moving))
                && (kind != NodeKind.Frame || candidate.Size.Width * candidate.Size.Height > bounds.Width * bounds.Height))
            .MaxBy(candidate => (Above(candidate).Count(), candidate.Before?.Rank ?? int.MaxValue))?.Id;
        return null;
    }

    /// <summary>A z above everything in the frame.</summary>
    public double NextZ(string? frame)
    {
        var key = frame ?? "";
        if (!_top.TryGetValue(key, out var top))
        {
            top = view.Children(frame).LastOrDefault()?.Z ?? 0;
        }

        return _top[key] = Math.Min(Math.Floor(top) + 1, BoardLimits.Z);
    }

    /// <summary>Puts the node into another frame, on top of what is there, without moving it on the board.</summary>
    public void Reparent(NodeDraft node, string? frame)
    {
        var at = Bounds(node).Origin;
        node.Frame = frame;
        node.Z = NextZ(frame);
        MoveTo(node, at);
    }

    /// <summary>Moves the node within its frame.</summary>
    /// <param name="at">Absolute.</param>
    public void MoveTo(NodeDraft node, BoardPoint at) =>
        node.Position = Round(Above(node).Aggregate(at, (rest, frame) => rest - frame.Position));

    public Error? AddNode(string id, NodeSpec spec, BoardRect bounds, string? frame)
    {
        if (view.NodeCount + ++_newNodes > BoardLimits.Nodes)
        {
            return BoardErrors.Full($"A board holds at most {BoardLimits.Nodes:N0} nodes. Delete some, or go on in another project.");
        }

        var node = new NodeDraft(id, spec.Kind) { Frame = frame, Size = Round(bounds), Z = NextZ(frame), Locked = spec.Locked, Text = spec.Text ?? "", Data = spec.Data ?? NodeData.Empty };
        node.Patch(spec.Style);
        MoveTo(node, bounds.Origin);
        _nodes.Add(id, node);
        Created.Add(id);
        return null;
    }

    public Error? AddEdge(string id, EdgeSpec spec)
    {
        if (view.EdgeCount + ++_newEdges > BoardLimits.Edges)
        {
            return BoardErrors.Full($"A board holds at most {BoardLimits.Edges:N0} edges. Delete some, or go on in another project.");
        }

        var edge = new EdgeDraft(id) { From = new(spec.From.Node, spec.From.Port), To = new(spec.To.Node, spec.To.Port), Kind = spec.Kind ?? "bezier", Label = spec.Label ?? "" };
        edge.Patch(spec.Style);
        _edges.Add(id, edge);
        Created.Add(id);
        return null;
    }

    public static BoardSize Round(BoardRect bounds) => new(Round(bounds.Width), Round(bounds.Height));

    /// <summary>Writes the differences, in one transaction; nothing when there are none.</summary>
    public void Commit(BoardAuthor author)
    {
        var nodes = _nodes.Values.Where(node => node.IsChanged).ToList();
        var edges = _edges.Values.Where(edge => edge.IsChanged).ToList();
        if (nodes.Count + edges.Count > 0)
        {
            view.Doc.Transact(
                _ =>
                {
                    var nodesMap = view.Doc.GetMap("nodes");
                    nodes.ForEach(node => node.Write(nodesMap));
                    var edgesMap = view.Doc.GetMap("edges");
                    edges.ForEach(edge => edge.Write(edgesMap));
                },
                author.Origin,
                author.ClientId);
        }
    }

    private static BoardPoint Round(BoardPoint p) => new(Round(p.X), Round(p.Y));

    /// <summary>A hundredth of a unit is finer than any screen shows, and whole numbers take a third of the bytes.</summary>
    private static double Round(double value) => Math.Round(value, 2);
}

/// <summary>A node in the making; <see cref="Before"/> is null for a new one.</summary>
internal sealed class NodeDraft
{
    private Dictionary<string, object?>? _patch;

    public NodeDraft(string id, string kind)
    {
        Id = id;
        Kind = kind;
    }

    public NodeDraft(BoardNode before) : this(before.Id, before.Kind)
    {
        Before = before;
        Frame = before.Frame;
        Position = before.Position;
        Size = before.Size;
        Z = before.Z;
        Locked = before.Locked;
        Text = before.Text;
    }

    public string Id { get; }

    public string Kind { get; }

    public BoardNode? Before { get; }

    public string? Frame { get; set; }

    public BoardPoint Position { get; set; }

    public BoardSize Size { get; set; }

    public double Z { get; set; }

    public bool Locked { get; set; }

    public string Text { get; set; } = "";

    /// <summary>Of a new node; what is there stays as it is.</summary>
    public NodeData Data { get; init; } = NodeData.Empty;

    public bool IsGone { get; set; }

    public bool IsChanged => Before is null
        ? !IsGone
        : IsGone || _patch is not null || Position != Before.Position || Size != Before.Size || Z != Before.Z || Frame != Before.Frame || Locked != Before.Locked || Text != Before.Text;

    public void Patch(IReadOnlyDictionary<string, JsonElement>? patch) => StylePatch.Add(ref _patch, patch, "fill", "stroke", "color", "fontSize", "align");

    public void Write(YMap nodes)
    {
        if (IsGone)
        {
            nodes.Remove(Id);
            return;
        }

        var map = BoardWriter.Own(nodes, Id);
        if (Before is null)
        {
            map.Set("kind", Kind);
            map.Set("text", new YText(Text));
            if (Data.Count > 0)
            {
                var data = new YMap();
                map.Set("data", data);
                foreach (var (name, value) in Data)
                {
                    data.Set(name, value);
                }
            }
        }
        else if (Text != Before.Text)
        {
            BoardWriter.Replace(BoardWriter.TextOf(map), Text);
        }

        if (Before is null || Position != Before.Position || Frame != Before.Frame)
        {
            map.Set("pos", new object?[] { Position.X, Position.Y });
        }

        if (Before is null || Size != Before.Size)
        {
            map.Set("size", new object?[] { Size.Width, Size.Height });
        }

        if (Before is null || Z != Before.Z)
        {
            map.Set("z", Z);
        }

        if (Frame != Before?.Frame || (Frame != Before?.Parent && Position != Before?.Position))
        {
            BoardWriter.SetOrRemove(map, "parent", Frame);
        }

        if (Locked != (Before?.Locked ?? false))
        {
            BoardWriter.SetOrRemove(map, "locked", Locked ? true : null);
        }

        BoardWriter.Restyle(map, _patch);
    }
}

/// <summary>An edge in the making; <see cref="Before"/> is null for a new one.</summary>
internal sealed class EdgeDraft
{
    private Dictionary<string, object?>? _patch;

    public EdgeDraft(string id)
    {
        Id = id;
    }

    public EdgeDraft(BoardEdge before) : this(before.Id)
    {
        Before = before;
        From = before.From;
        To = before.To;
        Kind = before.Kind.ToString().ToLowerInvariant();
        Label = before.Label;
    }

    public string Id { get; }

    public BoardEdge? Before { get; }

    public EdgeEnd From { get; set; }

    public EdgeEnd To { get; set; }

    public string Kind { get; set; } = "bezier";

    public string Label { get; set; } = "";

    public bool IsGone { get; set; }

    public bool IsChanged => Before is null
        ? !IsGone
        : IsGone || _patch is not null || From != Before.From || To != Before.To || !Kind.Equals(Before.Kind.ToString(), StringComparison.OrdinalIgnoreCase) || Label != Before.Label;

    public void Patch(IReadOnlyDictionary<string, JsonElement>? patch)
    {
        StylePatch.Add(ref _patch, patch, "color", "width", "dash", "arrow");
        if (patch?.GetValueOrDefault("kind") is { ValueKind: JsonValueKind.String } kind)
        {
            Kind = kind.GetString()!;
        }
    }

    public void Write(YMap edges)
    {
        if (IsGone)
        {
            edges.Remove(Id);
            return;
        }

        var map = BoardWriter.Own(edges, Id);
        if (Before is null || From != Before.From)
        {
            map.Set("from", End(From));
        }

        if (Before is null || To != Before.To)
        {
            map.Set("to", End(To));
        }

        if (Before is null || !Kind.Equals(Before.Kind.ToString(), StringComparison.OrdinalIgnoreCase))
        {
            map.Set("kind", Kind);
        }

        if (Label != (Before?.Label ?? ""))
        {
            BoardWriter.SetOrRemove(map, "label", Label.Length > 0 ? Label : null);
        }

        BoardWriter.Restyle(map, _patch);
    }

    private static Dictionary<string, object?> End(EdgeEnd end) => new() { ["node"] = end.Node, ["port"] = end.Port };
}

file static class StylePatch
{
    public static void Add(ref Dictionary<string, object?>? into, IReadOnlyDictionary<string, JsonElement>? patch, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (patch is not null && patch.TryGetValue(key, out var value))
            {
                (into ??= [])[key] = value.ValueKind switch
                {
                    JsonValueKind.String => value.GetString(),
                    JsonValueKind.Number => value.GetDouble(),
                    JsonValueKind.True => true,
                    JsonValueKind.False => false,
                    _ => null,
                };
            }
        }
    }
}
