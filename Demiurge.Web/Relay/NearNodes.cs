using Demiurge.Core.Boards;

namespace Demiurge.Web.Relay;

/// <summary>The visible part of the board in a browser: board units, and the zoom (1 = 100 %).</summary>
public readonly record struct BoardViewport(double X, double Y, double W, double H, double Zoom)
{
    public BoardRect Rect => new(X, Y, W, H);

    /// <summary>False for what no browser of ours sends.</summary>
    public bool IsSane =>
        Math.Abs(X) <= 2 * BoardLimits.Coordinate && Math.Abs(Y) <= 2 * BoardLimits.Coordinate && W is > 0 and <= 4 * BoardLimits.Coordinate && H is > 0 and <= 4 * BoardLimits.Coordinate
        && Zoom is > 0 and <= 64;
}

/// <summary>A node whose content is rendered for a circuit. The node is replaced on the room's loop; <see cref="Changed"/> is raised there.</summary>
public sealed class NearNode(BoardNode node)
{
    private volatile BoardNode _node = node;

    public BoardNode Node => _node;

    /// <summary>What is rendered (kind, style, text) changed; not raised for moves.</summary>
    public event Action? Changed;

    internal void Set(BoardNode node)
    {
        var old = _node;
        _node = node;
        if (old.Kind != node.Kind || old.Text != node.Text || old.Style != node.Style || !old.Data.Equals(node.Data) || old.Locked != node.Locked)
        {
            Changed?.Invoke();
        }
    }
}

/// <summary>
/// Which nodes' content is rendered for a circuit: those within half a viewport around it, at most <see cref="Most"/>, nearest to
/// its centre first, none when too small to read. They leave only beyond a whole viewport, so small pans change nothing. Updated on the room's loop; <see cref="All"/> may be read anywhere.
/// </summary>
public sealed class NearNodes
{
    public const int Most = 300;

    /// <summary>How many nodes may be kept beside those.</summary>
    public const int MostKept = 8;

    /// <summary>Below this zoom a text of 16 units is under 5 pixels: the browser's canvas draws it better.</summary>
    public const double LeastZoom = 0.3;

    private readonly Dictionary<string, NearNode> _near = [];
    private BoardRect _inner;
    private BoardRect _outer;
    private volatile IReadOnlyList<NearNode> _all = [];
    private IReadOnlySet<string> _kept = new HashSet<string>();

    /// <summary>Replaced whole when a node comes or goes; ordered by id, so that the browser's elements stay where they are.</summary>
    public IReadOnlyList<NearNode> All => _all;

    /// <summary><see cref="All"/> was replaced.</summary>
    public event Action? Changed;

    /// <summary>Nodes whose content goes on however far away they are (a terminal, an embedded page); takes effect with the next <see cref="Look"/>.</summary>
    internal void Keep(IReadOnlySet<string> ids) => _kept = ids;

    internal void Look(BoardView view, BoardViewport viewport)
    {
        var window = viewport.Rect;
        var reach = viewport.Zoom >= LeastZoom ? Math.Max(window.Width, window.Height) : double.NegativeInfinity;
        _inner = reach > 0 ? window.Inflate(reach / 2) : default;
        _outer = reach > 0 ? window.Inflate(reach) : default;
        var center = window.Center;
        var wanted = reach > 0
            ? view.Near(_outer).Where(node => IsRendered(node) && (_near.ContainsKey(node.Id) || node.Bounds.Intersects(_inner)))
                .OrderBy(node => Distance(node.Bounds, center)).Take(Most).ToDictionary(node => node.Id)
            : [];
        foreach (var node in _kept.Select(view.Node).OfType<BoardNode>())
        {
            wanted.TryAdd(node.Id, node);
        }

        var gone = _near.Keys.Where(id => !wanted.ContainsKey(id)).ToList();
        gone.ForEach(id => _near.Remove(id));
        var come = wanted.Values.Where(node => !_near.ContainsKey(node.Id)).ToList();
        come.ForEach(node => _near.Add(node.Id, new NearNode(node)));
        if (gone.Count + come.Count > 0)
        {
            Publish();
        }
    }

    internal void Apply(BoardChange change)
    {
        var membership = false;
        foreach (var id in change.RemovedNodes)
        {
            membership |= _near.Remove(id);
        }

        foreach (var node in change.Nodes)
        {
            if (_near.TryGetValue(node.Id, out var near))
            {
                if (IsRendered(node) && (node.Bounds.Intersects(_outer) || _kept.Contains(node.Id)))
                {
                    near.Set(node);
                }
                else
                {
                    membership |= _near.Remove(node.Id);
                }
            }
            else if (_near.Count < Most && _inner != default && IsRendered(node) && node.Bounds.Intersects(_inner))
            {
                _near.Add(node.Id, new NearNode(node));
                membership = true;
            }
        }

        if (membership)
        {
            Publish();
        }
    }

    /// <summary>A frame is all outline and title, which the browser module draws.</summary>
    private static bool IsRendered(BoardNode node) => !node.IsFrame;

    private static double Distance(BoardRect bounds, BoardPoint p) =>
        Math.Pow(Math.Max(Math.Max(bounds.X - p.X, p.X - bounds.Right), 0), 2) + Math.Pow(Math.Max(Math.Max(bounds.Y - p.Y, p.Y - bounds.Bottom), 0), 2);

    private void Publish()
    {
        _all = _near.Values.OrderBy(near => near.Node.Id, StringComparer.Ordinal).ToList();
        Changed?.Invoke();
    }
}
