using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Core.Boards.Commands;

/// <summary>
/// One wish of a person for the board, as a browser sends it: JSON, discriminated by <c>type</c>, camelCase, coordinates absolute.
/// Wishes are made against the board that the person saw: ids that are gone or locked by the time it arrives are skipped;
/// what makes no sense on any board is refused. <see cref="BoardCommands.Parse"/> checks the shape,
/// <see cref="BoardEditor"/> what depends on the board.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(CreateNode), "create")]
[JsonDerivedType(typeof(MoveNodes), "move")]
[JsonDerivedType(typeof(ResizeNodes), "resize")]
[JsonDerivedType(typeof(DeleteItems), "delete")]
[JsonDerivedType(typeof(StyleItems), "style")]
[JsonDerivedType(typeof(OrderNodes), "order")]
[JsonDerivedType(typeof(LockNodes), "lock")]
[JsonDerivedType(typeof(SetText), "text")]
[JsonDerivedType(typeof(Connect), "connect")]
[JsonDerivedType(typeof(UpdateEdge), "updateEdge")]
[JsonDerivedType(typeof(Paste), "paste")]
[JsonDerivedType(typeof(Duplicate), "duplicate")]
public abstract record BoardCommand
{
    /// <summary>How many nodes and edges it names.</summary>
    [JsonIgnore]
    public abstract int Weight { get; }

    /// <summary>What is wrong with it whatever the board looks like; null when nothing is.</summary>
    internal abstract string? Problem();
}

/// <summary>A node to make. Size, style and text default to the kind's own.</summary>
/// <param name="Parent">Null: the frame under its centre, if any. Empty: the board. Otherwise that frame.</param>
public sealed record NodeSpec(
    string Id, string Kind, double X, double Y, double? W = null, double? H = null, string? Parent = null,
    IReadOnlyDictionary<string, JsonElement>? Style = null, string? Text = null, bool Locked = false, NodeData? Data = null);

public sealed record EdgeEndSpec(string Node, string Port);

/// <summary>An edge to make.</summary>
/// <param name="Kind">bezier, straight or step.</param>
public sealed record EdgeSpec(
    string Id, EdgeEndSpec From, EdgeEndSpec To, string? Kind = null, string? Label = null, IReadOnlyDictionary<string, JsonElement>? Style = null);

/// <summary>Makes a node. A frame made around unlocked siblings takes them in.</summary>
public sealed record CreateNode(NodeSpec Node) : BoardCommand
{
    public override int Weight => 1;

    internal override string? Problem() =>
        CommandChecks.NewId(Node.Id) ?? CommandChecks.Node(Node) ?? (NodeKind.Known.ContainsKey(Node.Kind) ? null : $"There is no kind of node called '{Node.Kind}'.");
}

/// <summary>Where a node goes.</summary>
/// <param name="Parent">As in <see cref="NodeSpec"/>.</param>
public sealed record NodeMove(string Id, double X, double Y, string? Parent = null);

/// <summary>Moves nodes; a frame carries what it holds.</summary>
public sealed record MoveNodes(IReadOnlyList<NodeMove> Items) : BoardCommand
{
    public override int Weight => Items.Count;

    internal override string? Problem() =>
        CommandChecks.Each(Items, move => CommandChecks.ExistingId(move.Id) ?? CommandChecks.Point(move.X, move.Y) ?? CommandChecks.Parent(move.Parent));
}

public sealed record NodeResize(string Id, double X, double Y, double W, double H);

/// <summary>Resizes nodes; what a frame holds stays where it is on the board.</summary>
public sealed record ResizeNodes(IReadOnlyList<NodeResize> Items) : BoardCommand
{
    public override int Weight => Items.Count;

    internal override string? Problem() =>
        CommandChecks.Each(Items, item => CommandChecks.ExistingId(item.Id) ?? CommandChecks.Point(item.X, item.Y) ?? CommandChecks.Size(item.W, item.H));
}

/// <summary>Deletes nodes and edges; a frame goes with what it holds, a node with its edges.</summary>
public sealed record DeleteItems(IReadOnlyList<string> Ids) : BoardCommand
{
    public override int Weight => Ids.Count;

    internal override string? Problem() => CommandChecks.Each(Ids, CommandChecks.ExistingId);
}

/// <summary>Changes the style of nodes and edges alike; a null takes a value away. Keys that an item has no use for are skipped for it.</summary>
public sealed record StyleItems(IReadOnlyList<string> Ids, IReadOnlyDictionary<string, JsonElement> Patch) : BoardCommand
{
    public override int Weight => Ids.Count;

    internal override string? Problem() => CommandChecks.Each(Ids, CommandChecks.ExistingId) ?? CommandChecks.Style(Patch);
}

public enum OrderTo { Front, Back, Forward, Backward }

/// <summary>Changes who covers whom among siblings; the order within the selection stays.</summary>
public sealed record OrderNodes(IReadOnlyList<string> Ids, OrderTo To) : BoardCommand
{
    public override int Weight => Ids.Count;

    internal override string? Problem() => CommandChecks.Each(Ids, CommandChecks.ExistingId);
}

public sealed record LockNodes(IReadOnlyList<string> Ids, bool Locked) : BoardCommand
{
    public override int Weight => Ids.Count;

    internal override string? Problem() => CommandChecks.Each(Ids, CommandChecks.ExistingId);
}

/// <summary>Replaces a whole text, for what is typed in one go (a frame's title). Live typing goes through a <see cref="Typing.TextSession"/>.</summary>
public sealed record SetText(string Id, string Text) : BoardCommand
{
    public override int Weight => 1;

    internal override string? Problem() => CommandChecks.ExistingId(Id) ?? CommandChecks.Text(Text);
}

public sealed record Connect(EdgeSpec Edge) : BoardCommand
{
    public override int Weight => 1;

    internal override string? Problem() => CommandChecks.NewId(Edge.Id) ?? CommandChecks.Edge(Edge);
}

/// <summary>Changes an edge; what is left out stays.</summary>
public sealed record UpdateEdge(
    string Id, EdgeEndSpec? From = null, EdgeEndSpec? To = null, string? Kind = null, string? Label = null, IReadOnlyDictionary<string, JsonElement>? Style = null) : BoardCommand
{
    public override int Weight => 1;

    internal override string? Problem() => CommandChecks.ExistingId(Id) ?? CommandChecks.Edge(From, To, Kind, Label, Style);
}

/// <summary>
/// Inserts what was copied, also on another board. An id that is well-formed and free is kept, any other is replaced, and what
/// refers to it with it; a parent that is neither among the nodes nor on the board leaves the choice to the node's centre.
/// </summary>
public sealed record Paste(IReadOnlyList<NodeSpec> Nodes, IReadOnlyList<EdgeSpec>? Edges = null) : BoardCommand
{
    public override int Weight => Nodes.Count + (Edges?.Count ?? 0);

    internal override string? Problem() =>
        CommandChecks.Each(Nodes, node => CommandChecks.ExistingId(node.Id) ?? CommandChecks.Node(node))
        ?? CommandChecks.Each(Edges ?? [], edge => CommandChecks.ExistingId(edge.Id) ?? CommandChecks.Edge(edge));
}

/// <summary>Copies nodes with what they hold, and the edges among them, in the frame where they are.</summary>
/// <param name="Map">Id of what is copied (nodes to copy; optionally what they hold, and edges) → id of its copy, kept when well-formed and free.</param>
/// <param name="Dx">Offset in board units.</param>
public sealed record Duplicate(IReadOnlyDictionary<string, string> Map, double Dx = 20, double Dy = 20) : BoardCommand
{
    public override int Weight => Map.Count;

    internal override string? Problem() =>
        CommandChecks.Each(Map.Keys.ToList(), CommandChecks.ExistingId) ?? CommandChecks.Each(Map.Values.ToList(), CommandChecks.ExistingId) ?? CommandChecks.Point(Dx, Dy);
}
