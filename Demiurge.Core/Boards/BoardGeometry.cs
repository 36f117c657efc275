namespace Demiurge.Core.Boards;

/// <summary>A place on the board. One unit is one CSS pixel at 100 % zoom; y grows downwards.</summary>
public readonly record struct BoardPoint(double X, double Y)
{
    public static BoardPoint operator +(BoardPoint a, BoardPoint b) => new(a.X + b.X, a.Y + b.Y);

    public static BoardPoint operator -(BoardPoint a, BoardPoint b) => new(a.X - b.X, a.Y - b.Y);
}

/// <summary>Width and height in board units, both positive.</summary>
public readonly record struct BoardSize(double Width, double Height);

/// <summary>An axis-parallel rectangle in absolute board coordinates.</summary>
public readonly record struct BoardRect(double X, double Y, double Width, double Height)
{
    public BoardRect(BoardPoint at, BoardSize size) : this(at.X, at.Y, size.Width, size.Height)
    {
    }

    public double Right => X + Width;

    public double Bottom => Y + Height;

    public BoardPoint Origin => new(X, Y);

    public BoardPoint Center => new(X + Width / 2, Y + Height / 2);

    public bool Contains(BoardPoint p) => p.X >= X && p.X <= Right && p.Y >= Y && p.Y <= Bottom;

    public bool Contains(BoardRect r) => r.X >= X && r.Right <= Right && r.Y >= Y && r.Bottom <= Bottom;

    public bool Intersects(BoardRect r) => r.X <= Right && r.Right >= X && r.Y <= Bottom && r.Bottom >= Y;

    public BoardRect Inflate(double by) => new(X - by, Y - by, Width + 2 * by, Height + 2 * by);

    /// <summary>The smallest rectangle around all of <paramref name="rects"/>; default when there are none.</summary>
    public static BoardRect Around(IEnumerable<BoardRect> rects)
    {
        double left = double.PositiveInfinity, top = double.PositiveInfinity;
        double right = double.NegativeInfinity, bottom = double.NegativeInfinity;
        foreach (var r in rects)
        {
            left = Math.Min(left, r.X);
            top = Math.Min(top, r.Y);
            right = Math.Max(right, r.Right);
            bottom = Math.Max(bottom, r.Bottom);
        }

        return left <= right ? new BoardRect(left, top, right - left, bottom - top) : default;
    }
}
