using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>What one transaction changed on the board, as the board shows it. Immutable, any thread.</summary>
/// <param name="Nodes">New or changed nodes.</param>
/// <param name="RemovedNodes">Ids.</param>
/// <param name="Edges">New or changed edges.</param>
/// <param name="RemovedEdges">Ids.</param>
public sealed record BoardChange(
    IReadOnlyList<BoardNode> Nodes, IReadOnlyList<string> RemovedNodes, IReadOnlyList<BoardEdge> Edges, IReadOnlyList<string> RemovedEdges);

/// <summary>
/// The board of a room, kept up with its document: nodes placed in their frames, paint order, edges by node, a spatial index.
/// One transaction costs what it touched (and what hangs on that: what a moved frame holds), never a scan of the board.
/// Lives on the thread that writes the document; what it hands out is immutable.
/// <para>
/// Invariants: every entry is in exactly one sibling list, sorted by (z, id); ranks rise strictly along the pre-order walk of
/// that tree; parents never form a cycle (where the room's do, the cycle's smallest id is taken to lie on the board,
/// so every replica shows the same).
/// </para>
/// </summary>
public sealed class BoardView : IDisposable
{
    private const int RankStep = 1 << 16;

    private readonly YMap _nodesMap;
    private readonly YMap _edgesMap;
    private readonly IDisposable[] _observers;
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Entry _board = new(new BoardNode { Id = "", Kind = NodeKind.Frame, Position = default, Size = default, Style = new() });
    private readonly Dictionary<string, HashSet<Entry>> _claims = [];
    private readonly Dictionary<string, BoardEdge> _edges = [];
    private readonly Dictionary<string, HashSet<string>> _edgesByNode = [];
    private readonly SpatialIndex _index = new();
    private readonly Dictionary<string, BoardNode?> _before = [];

    public BoardView(YDoc doc)
    {
        Doc = doc;
        _nodesMap = doc.GetMap("nodes");
        _edgesMap = doc.GetMap("edges");
        _observers = [_nodesMap.ObserveDeep(OnNodes), _edgesMap.ObserveDeep(OnEdges)];
        UpdateNodes(_nodesMap.Keys.ToList());
        UpdateEdges(_edgesMap.Keys.ToList());
        _before.Clear();
    }

    public YDoc Doc { get; }

    /// <summary>Raised after each transaction that changed what the board shows, on the document's thread. Nodes and edges of one transaction may come in two events.</summary>
    public event Action<BoardChange>? Changed;

    public int NodeCount => _entries.Count;

    public int EdgeCount => _edges.Count;

    public IEnumerable<BoardNode> Nodes => _entries.Values.Select(entry => entry.Node);

    public IEnumerable<BoardEdge> Edges => _edges.Values;

    public BoardNode? Node(string id) => _entries.GetValueOrDefault(id)?.Node;

    public BoardEdge? Edge(string id) => _edges.GetValueOrDefault(id);

    /// <summary>What lies directly in that frame (on the board: null), back to front.</summary>
    public IEnumerable<BoardNode> Children(string? frame) =>
        ((frame is null ? _board : _entries.GetValueOrDefault(frame))?.Children ?? []).Select(entry => entry.Node);

    /// <summary>Edges with an end at that node.</summary>
    public IEnumerable<BoardEdge> EdgesOf(string node) =>
        _edgesByNode.TryGetValue(node, out var ids) ? ids.Select(id => _edges[id]) : [];

    /// <summary>Nodes that touch the window, in no order.</summary>
    public IEnumerable<BoardNode> Near(BoardRect window) => _index.Query(window).Select(id => _entries[id].Node);

    /// <summary>The smallest rectangle around everything; default for an empty board.</summary>
    public BoardRect Extent() => BoardRect.Around(Nodes.Select(node => node.Bounds));

    /// <summary>Nodes whose text has all of the words, best first: a text that begins with the query, then shorter texts, then reading order.</summary>
    public IReadOnlyList<BoardNode> Search(string query, int most = 50)
    {
        var words = query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            return [];
        }

        return Nodes
            .Where(node => words.All(word => node.Text.Contains(word, StringComparison.OrdinalIgnoreCase)))
            .OrderByDescending(node => node.Text.AsSpan().TrimStart().StartsWith(words[0], StringComparison.OrdinalIgnoreCase))
            .ThenBy(node => node.Text.Length)
            .ThenBy(node => node.Bounds.Y)
            .ThenBy(node => node.Bounds.X)
            .Take(most)
            .ToList();
    }

    public void Dispose()
    {
        foreach (var observer in _observers)
        {
            observer.Dispose();
        }
    }

    private void OnNodes(IReadOnlyList<YEvent> events)
    {
        UpdateNodes(Touched(events));
        if (_before.Count == 0)
        {
            return;
        }

        var changed = new List<BoardNode>();
        var removed = new List<string>();
        foreach (var (id, before) in _before)
        {
            if (_entries.TryGetValue(id, out var entry))
            {
                if (entry.Node != before)
                {
                    changed.Add(entry.Node);
                }
            }
            else if (before is not null)
            {
                removed.Add(id);
            }
        }

        _before.Clear();
        if (changed.Count > 0 || removed.Count > 0)
        {
            Changed?.Invoke(new BoardChange(changed, removed, [], []));
        }
    }

    private void OnEdges(IReadOnlyList<YEvent> events)
    {
        var (changed, removed) = UpdateEdges(Touched(events));
        if (changed.Count > 0 || removed.Count > 0)
        {
            Changed?.Invoke(new BoardChange([], [], changed, removed));
        }
    }

    private static HashSet<string> Touched(IReadOnlyList<YEvent> events)
    {
        var ids = new HashSet<string>();
        foreach (var e in events)
        {
            if (e.Path.Count == 0)
            {
                ids.UnionWith(e.Keys.Keys);
            }
            else if (e.Path[0] is string id)
            {
                ids.Add(id);
            }
        }

        return ids;
    }

    private void UpdateNodes(IReadOnlyCollection<string> ids)
    {
        var doubtful = new HashSet<Entry>();
        var moved = new HashSet<Entry>();
        foreach (var id in ids)
        {
            var read = BoardReader.ReadNode(id, _nodesMap[id]);
            var entry = _entries.GetValueOrDefault(id);
            if (read is null)
            {
                if (entry is not null)
                {
                    Doubt(entry, doubtful);
                    doubtful.Remove(entry);
                    moved.Remove(entry);
                    RemoveEntry(entry, moved);
                }

                continue;
            }

            if (entry is null)
            {
                _before.TryAdd(id, null);
                entry = new Entry(read) { Parent = _board };
                _entries.Add(id, entry);
                Claim(entry);
                Doubt(entry, doubtful);
                Attach(entry, _board);
                moved.Add(entry);
                continue;
            }

            var old = entry.Node;
            Keep(entry);
            if (old.Parent != read.Parent || old.IsFrame != read.IsFrame)
            {
                Doubt(entry, doubtful);
                Unclaim(entry);
                entry.Node = read with { Frame = old.Frame, Bounds = old.Bounds, Rank = old.Rank };
                Claim(entry);
                Doubt(entry, doubtful);
                moved.Add(entry);
            }
            else
            {
                entry.Node = read with { Frame = old.Frame, Bounds = old.Bounds, Rank = old.Rank };
            }

            if (old.Z != read.Z)
            {
                Detach(entry);
                Attach(entry, entry.Parent!);
                moved.Add(entry);
            }

            if (old.Position != read.Position || old.Size != read.Size)
            {
                Place(entry);
            }
        }

        foreach (var entry in doubtful)
        {
            var parent = ParentOf(entry);
            if (parent != entry.Parent)
            {
                Keep(entry);
                Detach(entry);
                Attach(entry, parent);
                moved.Add(entry);
            }
        }

        foreach (var entry in moved)
        {
            Place(entry);
        }

        Rank(moved);
    }

    /// <summary>Entries whose parent may be another one now: itself, those that name it, and the chain above it (a cycle through it may have opened or closed).</summary>
    private void Doubt(Entry entry, HashSet<Entry> doubtful)
    {
        doubtful.Add(entry);
        if (_claims.TryGetValue(entry.Id, out var claimants))
        {
            doubtful.UnionWith(claimants);
        }

        var above = entry;
        for (var i = 0; i < BoardLimits.Nesting && above.Node.Parent is { } id && _entries.TryGetValue(id, out above!); i++)
        {
            doubtful.Add(above);
        }
    }

    private Entry ParentOf(Entry entry)
    {
        if (FrameNamedBy(entry) is not { } parent)
        {
            return _board;
        }

        var smallest = entry.Id;
        var above = new HashSet<Entry>();
        for (var each = parent; each is not null && above.Add(each); each = FrameNamedBy(each))
        {
            if (each == entry)
            {
                return smallest == entry.Id ? _board : parent;
            }

            if (above.Count > BoardLimits.Nesting)
            {
                return _board;
            }

            smallest = string.CompareOrdinal(each.Id, smallest) < 0 ? each.Id : smallest;
        }

        return parent;
    }

    private Entry? FrameNamedBy(Entry entry) =>
        entry.Node.Parent is { } id && _entries.TryGetValue(id, out var frame) && frame.Node.IsFrame ? frame : null;

    private void RemoveEntry(Entry entry, HashSet<Entry> moved)
    {
        Keep(entry);
        foreach (var child in entry.Children.ToList())
        {
            Keep(child);
            Detach(child);
            Attach(child, _board);
            moved.Add(child);
        }

        Detach(entry);
        Unclaim(entry);
        _entries.Remove(entry.Id);
        _index.Remove(entry.Id);
    }

    private void Keep(Entry entry) => _before.TryAdd(entry.Id, entry.Node);

    private void Claim(Entry entry)
    {
        if (entry.Node.Parent is { } parent)
        {
            (_claims.TryGetValue(parent, out var set) ? set : _claims[parent] = []).Add(entry);
        }
    }

    private void Unclaim(Entry entry)
    {
        if (entry.Node.Parent is { } parent && _claims.TryGetValue(parent, out var set) && set.Remove(entry) && set.Count == 0)
        {
            _claims.Remove(parent);
        }
    }

    private static void Detach(Entry entry) => entry.Parent!.Children.Remove(entry);

    private static void Attach(Entry entry, Entry parent)
    {
        entry.Parent = parent;
        var at = parent.Children.BinarySearch(entry, Entry.PaintOrder);
        parent.Children.Insert(at < 0 ? ~at : at, entry);
    }

    /// <summary>Absolute bounds of the entry and of everything in it.</summary>
    private void Place(Entry entry)
    {
        foreach (var each in Walk(entry))
        {
            var parent = each.Parent!;
            var frame = parent == _board ? null : parent.Id;
            var at = parent == _board ? each.Node.Position : parent.Node.Bounds.Origin + each.Node.Position;
            var bounds = new BoardRect(
                new BoardPoint(Math.Clamp(at.X, -2 * BoardLimits.Coordinate, 2 * BoardLimits.Coordinate), Math.Clamp(at.Y, -2 * BoardLimits.Coordinate, 2 * BoardLimits.Coordinate)),
                each.Node.Size);
            if (each.Node.Bounds != bounds || each.Node.Frame != frame)
            {
                Keep(each);
                each.Node = each.Node with { Bounds = bounds, Frame = frame };
            }

            _index.Set(each.Id, bounds);
        }
    }

    /// <summary>Ranks what moved: each maximal run of unranked entries is spread between its ranked neighbours, near the lower one, for most arrivals come on top of the last.</summary>
    private void Rank(HashSet<Entry> moved)
    {
        if (moved.Count > 64 && moved.Count > _entries.Count / 4)
        {
            RankAll();
            return;
        }

        var unranked = moved.SelectMany(Walk).ToHashSet();
        while (unranked.Count > 0)
        {
            var first = unranked.First();
            var before = Before(first);
            for (; before is not null && unranked.Contains(before); before = Before(before))
            {
                first = before;
            }

            var run = new List<Entry>();
            Entry? after = first;
            for (; after is not null && unranked.Remove(after); after = After(after))
            {
                run.Add(after);
            }

            long? low = before?.Node.Rank;
            long? high = after?.Node.Rank;
            var step = low is { } l && high is { } h ? (h - l) / Math.Max(16, run.Count + 1) : RankStep;
            if (step == 0 && high - low > run.Count)
            {
                step = 1;
            }

            var start = low + step ?? (high - step * run.Count) ?? 0;
            if (step == 0 || start < int.MinValue || start + step * run.Count > int.MaxValue)
            {
                RankAll();
                return;
            }

            for (var i = 0; i < run.Count; i++)
            {
                SetRank(run[i], (int)(start + i * step));
            }
        }
    }

    private void RankAll()
    {
        var rank = 0;
        foreach (var child in _board.Children)
        {
            foreach (var entry in Walk(child))
            {
                SetRank(entry, rank += RankStep);
            }
        }
    }

    private void SetRank(Entry entry, int rank)
    {
        if (entry.Node.Rank != rank)
        {
            Keep(entry);
            entry.Node = entry.Node with { Rank = rank };
        }
    }

    /// <summary>The entry that is painted just before this one.</summary>
    private Entry? Before(Entry entry)
    {
        var siblings = entry.Parent!.Children;
        var at = siblings.BinarySearch(entry, Entry.PaintOrder);
        if (at <= 0)
        {
            return entry.Parent == _board ? null : entry.Parent;
        }

        var last = siblings[at - 1];
        while (last.Children.Count > 0)
        {
            last = last.Children[^1];
        }

        return last;
    }

    /// <summary>The entry that is painted just after this one.</summary>
    private Entry? After(Entry entry)
    {
        if (entry.Children.Count > 0)
        {
            return entry.Children[0];
        }

        for (var each = entry; each != _board; each = each.Parent!)
        {
            var siblings = each.Parent!.Children;
            var at = siblings.BinarySearch(each, Entry.PaintOrder);
            if (at + 1 < siblings.Count)
            {
                return siblings[at + 1];
            }
        }

        return null;
    }

    /// <summary>The entry and all it holds, in paint order.</summary>
    private static IEnumerable<Entry> Walk(Entry entry)
    {
        var stack = new Stack<Entry>([entry]);
        while (stack.TryPop(out var each))
        {
            yield return each;
            for (var i = each.Children.Count - 1; i >= 0; i--)
            {
                stack.Push(each.Children[i]);
            }
        }
    }

    private (List<BoardEdge> Changed, List<string> Removed) UpdateEdges(IReadOnlyCollection<string> ids)
    {
        var changed = new List<BoardEdge>();
        var removed = new List<string>();
        foreach (var id in ids)
        {
            var read = BoardReader.ReadEdge(id, _edgesMap[id]);
            var old = _edges.GetValueOrDefault(id);
            if (read == old)
            {
                continue;
            }

            if (old is not null)
            {
                Untie(old.From.Node, id);
                Untie(old.To.Node, id);
                _edges.Remove(id);
            }

            if (read is null)
            {
                removed.Add(id);
                continue;
            }

            _edges.Add(id, read);
            Tie(read.From.Node, id);
            Tie(read.To.Node, id);
            changed.Add(read);
        }

        return (changed, removed);

        void Tie(string node, string id) => (_edgesByNode.TryGetValue(node, out var set) ? set : _edgesByNode[node] = []).Add(id);

        void Untie(string node, string id)
        {
            if (_edgesByNode.TryGetValue(node, out var set) && set.Remove(id) && set.Count == 0)
            {
                _edgesByNode.Remove(node);
            }
        }
    }

    private sealed class Entry(BoardNode node)
    {
        public static readonly IComparer<Entry> PaintOrder = Comparer<Entry>.Create((a, b) =>
            a.Node.Z.CompareTo(b.Node.Z) is var byZ and not 0 ? byZ : string.CompareOrdinal(a.Id, b.Id));

        public readonly string Id = node.Id;
        public BoardNode Node = node;
        public Entry? Parent;
        public readonly List<Entry> Children = [];
    }
}
