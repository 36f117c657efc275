namespace Demiurge.Core.Boards;

/// <summary>
/// Which rectangles lie in a window: a hash grid of 512-unit cells, rectangles that would fill more than 64 cells kept in a list of
/// their own. O(cells touched) to insert and remove, O(cells and hits) to ask; one thread at a time.
/// </summary>
public sealed class SpatialIndex
{
    private const double CellSize = 512;
    private const long LargestSpan = 64;

    private readonly Dictionary<string, BoardRect> _rects = [];
    private readonly Dictionary<(int X, int Y), List<string>> _cells = [];
    private readonly HashSet<string> _large = [];

    public int Count => _rects.Count;

    /// <summary>Adds the rectangle or moves it there.</summary>
    public void Set(string id, BoardRect rect)
    {
        if (_rects.TryGetValue(id, out var old))
        {
            if (Span(old) == Span(rect))
            {
                _rects[id] = rect;
                return;
            }

            Remove(id);
        }

        _rects[id] = rect;
        var span = Span(rect);
        if (span.Cells > LargestSpan)
        {
            _large.Add(id);
            return;
        }

        foreach (var cell in span.Each())
        {
            if (!_cells.TryGetValue(cell, out var ids))
            {
                _cells[cell] = ids = [];
            }

            ids.Add(id);
        }
    }

    public void Remove(string id)
    {
        if (!_rects.Remove(id, out var rect) || _large.Remove(id))
        {
            return;
        }

        foreach (var cell in Span(rect).Each())
        {
            var ids = _cells[cell];
            ids.Remove(id);
            if (ids.Count == 0)
            {
                _cells.Remove(cell);
            }
        }
    }

    /// <summary>Ids of all rectangles that touch the window, each once, in no order.</summary>
    public IReadOnlyCollection<string> Query(BoardRect window)
    {
        var hits = new HashSet<string>();
        var span = Span(window);
        if (span.Cells > _rects.Count + 16)
        {
            Add(_rects.Keys);
            return hits;
        }

        foreach (var cell in span.Each())
        {
            if (_cells.TryGetValue(cell, out var ids))
            {
                Add(ids);
            }
        }

        Add(_large);
        return hits;

        void Add(IEnumerable<string> ids)
        {
            foreach (var id in ids)
            {
                if (_rects[id].Intersects(window))
                {
                    hits.Add(id);
                }
            }
        }
    }

    private static CellSpan Span(BoardRect r) => new(
        (int)Math.Floor(r.X / CellSize), (int)Math.Floor(r.Y / CellSize), (int)Math.Floor(r.Right / CellSize), (int)Math.Floor(r.Bottom / CellSize));

    private readonly record struct CellSpan(int Left, int Top, int Right, int Bottom)
    {
        public long Cells => (Right - (long)Left + 1) * (Bottom - (long)Top + 1);

        public IEnumerable<(int X, int Y)> Each()
        {
            for (var x = Left; x <= Right; x++)
            {
                for (var y = Top; y <= Bottom; y++)
                {
                    yield return (x, y);
                }
            }
        }
    }
}
