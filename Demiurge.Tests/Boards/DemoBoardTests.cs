using Demiurge.Core.Boards;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Boards;

public class DemoBoardTests
{
    [Fact]
    public void Furnish_EmptyBoard_FillsItOnceAndEverythingLiesInItsFrame()
    {
        using var doc = new YDoc();
        Assert.True(DemoBoard.Furnish(doc));
        Assert.False(DemoBoard.Furnish(doc));

        using var view = new BoardView(doc);
        BoardFixture.AssertViewIsExact(view);
        Assert.All(NodeKind.Known.Keys.Except([NodeKind.Container]), kind => Assert.Contains(view.Nodes, node => node.Kind == kind));
        Assert.All(view.Nodes.Where(node => node.Frame is not null), node => Assert.True(view.Node(node.Frame!)!.Bounds.Contains(node.Bounds), node.Text));
        var held = view.Nodes.Where(node => !node.IsFrame).ToList();
        Assert.All(held, a => Assert.DoesNotContain(held, b => a != b && b.Bounds.Inflate(-1).Intersects(a.Bounds)));
        Assert.All(view.Edges, edge => Assert.True(view.Node(edge.From.Node) is not null && view.Node(edge.To.Node) is not null));
    }

    [Fact]
    public void Fill_TwoThousand_MakesAsMany()
    {
        using var doc = new YDoc();
        DemoBoard.Fill(doc);

        using var view = new BoardView(doc);
        Assert.Equal((2_000, 2_000), (view.NodeCount, view.EdgeCount));
    }
}
