using Demiurge.Core.Boards;

namespace Demiurge.Web.Components.Containers;

/// <summary>Where something fits on a board without covering anything.</summary>
public static class FreePlace
{
    /// <summary>Board units between neighbours.</summary>
    public const double Gap = 40;

    /// <summary>
    /// The middle of a free place: right of or below one of the <paramref name="kin"/>, as near to the first of them as can be; else beside everything. (0, 0) on an
    /// empty board.
    /// </summary>
    /// <param name="kin">What it belongs with, in reading order.</param>
    /// <param name="all">Everything that is not to be covered.</param>
    public static BoardPoint For(BoardSize size, IReadOnlyList<BoardRect> kin, IReadOnlyList<BoardRect> all)
    {
        if (all.Count == 0)
            return new BoardPoint(0, 0);
        var places = kin.SelectMany(box => new[] { (X: box.Right + Gap, box.Y), (box.X, Y: box.Bottom + Gap) })
            .OrderBy(place => Math.Max(Math.Abs(place.X - kin[0].X), Math.Abs(place.Y - kin[0].Y))).Append((X: all.Max(box => box.Right) + Gap, Y: all.Min(box => box.Y)));
        var (x, y) = places.First(place => all.All(box =>
            place.X >= box.Right || place.X + size.Width <= box.X || place.Y >= box.Bottom || place.Y + size.Height <= box.Y));
        return new BoardPoint(x + size.Width / 2, y + size.Height / 2);
    }
}
