using Demiurge.Core.Boards;
using Demiurge.Web.Components.Containers;

namespace Demiurge.Tests.Components.Containers;

public sealed class FreePlaceTests
{
    private static readonly BoardSize Size = new(400, 300);

    [Fact]
    public void For_AnEmptyBoard_IsItsMiddle() => Assert.Equal(new BoardPoint(0, 0), FreePlace.For(Size, [], []));

    [Fact]
    public void For_ABoardWithoutContainers_IsBesideEverything() =>
        Assert.Equal(new BoardPoint(1000 + FreePlace.Gap + 200, -50 + 150), FreePlace.For(Size, [], [new(0, 0, 1000, 200), new(200, -50, 100, 100)]));

    [Fact]
    public void For_ManyInARow_CoversNothingAndStaysTogether()
    {
        var note = new BoardRect(450, 20, 100, 100);
        List<BoardRect> kin = [new(0, 0, 400, 300)];
        for (var i = 0; i < 12; i++)
        {
            var middle = FreePlace.For(Size, kin, [.. kin, note]);
            var box = new BoardRect(middle.X - 200, middle.Y - 150, 400, 300);
            Assert.DoesNotContain(kin.Append(note), box.Intersects);
            kin.Add(box);
        }
        var around = BoardRect.Around(kin);
        Assert.InRange(around.Width / around.Height, 0.5, 2);
    }
}
