using Demiurge.Core.Boards.Commands;

namespace Demiurge.Core.Boards;

/// <summary>In whose name an edit is made.</summary>
/// <param name="ClientId">The Yjs client id under which it is written.</param>
/// <param name="Origin">The transaction's origin, by which undo tells people apart.</param>
public sealed record BoardAuthor(uint ClientId, object Origin);

/// <summary>What a batch made.</summary>
/// <param name="Created">Ids of new nodes and edges, in order.</param>
/// <param name="Map">For what was pasted or duplicated: the id it had → the id it got.</param>
public sealed record BoardEdit(IReadOnlyList<string> Created, IReadOnlyDictionary<string, string> Map);

/// <summary>
/// Carries out commands: all of a batch in one transaction, or none of it. A batch is first worked out on a
/// <see cref="BoardDraft"/>, so that a refusal leaves the room untouched and later commands see what earlier ones do.
/// Lives on the document's thread.
/// </summary>
public sealed class BoardEditor(BoardView view)
{
    public Result<BoardEdit> Apply(IReadOnlyList<BoardCommand> batch, BoardAuthor author)
    {
        if (BoardCommands.Check(batch) is { } malformed)
        {
            return malformed;
        }

        var draft = new BoardDraft(view);
        foreach (var command in batch)
        {
            if (Work(draft, command) is { } error)
            {
                return error;
            }
        }

        draft.Commit(author);
        return new BoardEdit(draft.Created, draft.Map);
    }

    private static Error? Work(BoardDraft draft, BoardCommand command) => command switch
    {
        CreateNode create => Create(draft, create.Node),
        MoveNodes move => Move(draft, move),
        ResizeNodes resize => Resize(draft, resize),
        DeleteItems delete => Delete(draft, delete),
        StyleItems style => Style(draft, style),
        OrderNodes order => Order(draft, order),
        LockNodes locking => Lock(draft, locking),
        SetText text => Retext(draft, text),
        Connect connect => Tie(draft, connect.Edge),
        UpdateEdge update => Retie(draft, update),
        Paste paste => Insert(draft, paste.Nodes, paste.Edges ?? [], default),
        Duplicate duplicate => Duplicate(draft, duplicate),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, "A command that the editor doesn't know."),
    };

    private static Error? Create(BoardDraft draft, NodeSpec spec)
    {
        if (draft.IsTaken(spec.Id))
        {
            return BoardErrors.IdTaken(spec.Id);
        }

        var bounds = BoundsOf(spec);
        if ((draft.FindFrame(spec.Parent, bounds, spec.Kind, null, out var frame) ?? draft.AddNode(spec.Id, spec, bounds, frame)) is { } error)
        {
            return error;
        }

        if (spec.Kind == NodeKind.Frame)
        {
            foreach (var sibling in draft.Children(frame).Where(node => node.Id != spec.Id && !node.Locked && bounds.Contains(draft.Bounds(node))).ToList())
            {
                draft.Reparent(sibling, spec.Id);
            }
        }

        return null;
    }

    private static Error? Move(BoardDraft draft, MoveNodes command)
    {
        var moves = command.Items.GroupBy(move => move.Id).ToDictionary(group => group.Key, group => group.Last());
        foreach (var node in draft.Roots(moves.Keys))
        {
            var move = moves[node.Id];
            var bounds = new BoardRect(new BoardPoint(move.X, move.Y), node.Size);
            if (draft.FindFrame(move.Parent, bounds, node.Kind, node, out var frame) is { } error)
            {
                return error;
            }

            if (frame != node.Frame)
            {
                draft.Reparent(node, frame);
            }

            draft.MoveTo(node, bounds.Origin);
        }

        return null;
    }

    private static Error? Resize(BoardDraft draft, ResizeNodes command)
    {
        var items = command.Items.GroupBy(item => item.Id).ToDictionary(group => group.Key, group => group.Last());
        foreach (var node in draft.Unlocked(items.Keys))
        {
            var item = items[node.Id];
            var bounds = new BoardRect(item.X, item.Y, item.W, item.H);
            var held = node.Kind == NodeKind.Frame ? draft.Children(node.Id).Select(child => (child, draft.Bounds(child))).ToList() : [];
            draft.MoveTo(node, bounds.Origin);
            node.Size = BoardDraft.Round(bounds);
            foreach (var (child, at) in held)
            {
                draft.MoveTo(child, at.Origin);
                if (!bounds.Intersects(at))
                {
                    draft.Reparent(child, node.Frame);
                }
            }
        }

        return null;
    }

    private static Error? Delete(BoardDraft draft, DeleteItems command)
    {
        var doomed = new Stack<NodeDraft>(draft.Unlocked(command.Ids));
        while (doomed.TryPop(out var node))
        {
            foreach (var child in draft.Children(node.Id))
            {
                doomed.Push(child);
            }

            foreach (var edge in draft.EdgesOf(node.Id).ToList())
            {
                edge.IsGone = true;
            }

            node.IsGone = true;
        }

        foreach (var edge in command.Ids.Select(draft.Edge).OfType<EdgeDraft>())
        {
            edge.IsGone = true;
        }

        return null;
    }

    private static Error? Style(BoardDraft draft, StyleItems command)
    {
        foreach (var node in draft.Unlocked(command.Ids))
        {
            node.Patch(command.Patch);
        }

        foreach (var edge in command.Ids.Select(draft.Edge).OfType<EdgeDraft>())
        {
            edge.Patch(command.Patch);
        }

        return null;
    }

    private static Error? Order(BoardDraft draft, OrderNodes command)
    {
        var chosen = draft.Unlocked(command.Ids).ToHashSet();
        foreach (var frame in chosen.Select(node => node.Frame).Distinct().ToList())
        {
            var siblings = draft.Children(frame);
            Restack(Reordered(siblings, chosen, command.To, draft), chosen);
        }

        return null;
    }

    private static List<NodeDraft> Reordered(List<NodeDraft> siblings, HashSet<NodeDraft> chosen, OrderTo to, BoardDraft draft)
    {
        switch (to)
        {
            case OrderTo.Front:
                return [.. siblings.Where(node => !chosen.Contains(node)), .. siblings.Where(chosen.Contains)];
            case OrderTo.Back:
                return [.. siblings.Where(chosen.Contains), .. siblings.Where(node => !chosen.Contains(node))];
            case OrderTo.Backward:
                siblings.Reverse();
                StepUp(siblings);
                siblings.Reverse();
                return siblings;
            default:
                StepUp(siblings);
                return siblings;
        }

        // One step is past the next sibling that overlaps: any smaller one would change nothing on the screen.
        void StepUp(List<NodeDraft> list)
        {
            for (var i = list.Count - 1; i >= 0; i--)
            {
                var node = list[i];
                if (!chosen.Contains(node))
                {
                    continue;
                }

                var bounds = draft.Bounds(node);
                var over = list.FindIndex(i + 1, other => !chosen.Contains(other) && draft.Bounds(other).Intersects(bounds));
                if (over > i)
                {
                    list.RemoveAt(i);
                    list.Insert(over, node);
                }
            }
        }
    }

    /// <summary>Gives the chosen such z that the list is in paint order; renumbers all when z between two neighbours has run out.</summary>
    private static void Restack(List<NodeDraft> list, HashSet<NodeDraft> chosen)
    {
        for (var start = 0; start < list.Count; start++)
        {
            if (!chosen.Contains(list[start]))
            {
                continue;
            }

            var end = start;
            while (end < list.Count && chosen.Contains(list[end]))
            {
                end++;
            }

            var low = start > 0 ? list[start - 1].Z : (double?)null;
            var high = end < list.Count ? list[end].Z : (double?)null;
            var first = low ?? (high ?? 1) - (end - start) - 1;
            var step = low is { } l && high is { } h ? (h - l) / (end - start + 1) : 1;
            for (var i = start; i < end; i++)
            {
                list[i].Z = first + step * (i - start + 1);
            }

            start = end;
        }

        for (var i = 1; i < list.Count; i++)
        {
            if (list[i].Z - list[i - 1].Z < 1e-6 || Math.Abs(list[i].Z) > BoardLimits.Z)
            {
                for (var z = 0; z < list.Count; z++)
                {
                    list[z].Z = z + 1;
                }

                return;
            }
        }
    }

    private static Error? Lock(BoardDraft draft, LockNodes command)
    {
        foreach (var node in command.Ids.Select(draft.Node).OfType<NodeDraft>())
        {
            node.Locked = command.Locked;
        }

        return null;
    }

    private static Error? Retext(BoardDraft draft, SetText command)
    {
        if (draft.Node(command.Id) is not { } node)
        {
            return BoardErrors.NoSuchNode(command.Id);
        }

        if (draft.IsLocked(node))
        {
            return BoardErrors.Locked;
        }

        node.Text = command.Text;
        return null;
    }

    private static Error? Tie(BoardDraft draft, EdgeSpec spec)
    {
        if (draft.IsTaken(spec.Id))
        {
            return BoardErrors.IdTaken(spec.Id);
        }

        return MissingEnd(draft, spec.From) ?? MissingEnd(draft, spec.To) ?? draft.AddEdge(spec.Id, spec);
    }

    private static Error? Retie(BoardDraft draft, UpdateEdge command)
    {
        if (draft.Edge(command.Id) is not { } edge)
        {
            return null;
        }

        if ((MissingEnd(draft, command.From) ?? MissingEnd(draft, command.To)) is { } error)
        {
            return error;
        }

        edge.From = command.From is { } from ? new(from.Node, from.Port) : edge.From;
        edge.To = command.To is { } to ? new(to.Node, to.Port) : edge.To;
        edge.Kind = command.Kind ?? edge.Kind;
        edge.Label = command.Label ?? edge.Label;
        edge.Patch(command.Style);
        return null;
    }

    private static Error? MissingEnd(BoardDraft draft, EdgeEndSpec? end) =>
        end is null || draft.Node(end.Node) is not null ? null : BoardErrors.NoSuchNode(end.Node);

    private static Error? Duplicate(BoardDraft draft, Duplicate command)
    {
        var copy = BoardClipboard.Collect(draft.View, command.Map.Keys.ToList());
        if (copy.Nodes.Count + copy.Edges.Count > BoardLimits.ItemsPerBatch)
        {
            return BoardErrors.TooMuch($"A batch touches at most {BoardLimits.ItemsPerBatch:N0} items.");
        }

        return Insert(draft, [.. copy.Nodes.Select(node => node with { Parent = node.Parent ?? "" })], copy.Edges, new BoardPoint(command.Dx, command.Dy), command.Map);
    }

    /// <param name="shift">Offset in board units.</param>
    /// <param name="wanted">The ids that copies should get; without it, the ones they have.</param>
    private static Error? Insert(BoardDraft draft, IReadOnlyList<NodeSpec> nodes, IReadOnlyList<EdgeSpec> edges, BoardPoint shift, IReadOnlyDictionary<string, string>? wanted = null)
    {
        var map = new Dictionary<string, string>();
        var waiting = nodes.DistinctBy(node => node.Id).ToList();
        var frames = waiting.Where(node => node.Kind == NodeKind.Frame).Select(node => node.Id).ToHashSet();
        while (waiting.Count > 0)
        {
            var ready = waiting.Where(node => node.Parent is null || !frames.Contains(node.Parent) || map.ContainsKey(node.Parent)).ToList();
            if (ready.Count == 0)
            {
                return BoardErrors.FrameInItself;
            }

            foreach (var spec in ready)
            {
                var origin = BoundsOf(spec);
                var bounds = origin with
                {
                    X = Math.Clamp(origin.X + shift.X, -BoardLimits.Coordinate, BoardLimits.Coordinate),
                    Y = Math.Clamp(origin.Y + shift.Y, -BoardLimits.Coordinate, BoardLimits.Coordinate),
                };
                var parent = spec.Parent is null or "" ? spec.Parent
                    : map.GetValueOrDefault(spec.Parent) ?? (draft.Node(spec.Parent)?.Kind == NodeKind.Frame ? spec.Parent : null);
                var id = map[spec.Id] = IdFor(spec.Id);
                if ((draft.FindFrame(parent, bounds, spec.Kind, null, out var frame) ?? draft.AddNode(id, spec, bounds, frame)) is { } error)
                {
                    return error;
                }
            }

            waiting.RemoveAll(node => map.ContainsKey(node.Id));
        }

        foreach (var spec in edges.DistinctBy(edge => edge.Id))
        {
            if (map.TryGetValue(spec.From.Node, out var from) && map.TryGetValue(spec.To.Node, out var to) && !map.ContainsKey(spec.Id))
            {
                var id = map[spec.Id] = IdFor(spec.Id);
                if (draft.AddEdge(id, spec with { From = spec.From with { Node = from }, To = spec.To with { Node = to } }) is { } error)
                {
                    return error;
                }
            }
        }

        foreach (var (old, made) in map)
        {
            draft.Map[old] = made;
        }

        return null;

        string IdFor(string id)
        {
            var wish = wanted is null ? id : wanted.GetValueOrDefault(id) ?? "";
            return CommandChecks.NewId(wish) is null && !draft.IsTaken(wish) ? wish : Guid.NewGuid().ToString("N");
        }
    }

    private static BoardRect BoundsOf(NodeSpec spec)
    {
        var size = NodeKind.Of(spec.Kind).Size;
        return new BoardRect(spec.X, spec.Y, spec.W ?? size.Width, spec.H ?? size.Height);
    }
}
