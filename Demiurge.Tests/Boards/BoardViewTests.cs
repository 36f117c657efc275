using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;
using static Demiurge.Tests.Boards.BoardFixture;

namespace Demiurge.Tests.Boards;

public sealed class BoardViewTests : IDisposable
{
    private readonly BoardFixture _board = new();

    public void Dispose() => _board.Dispose();

    [Fact]
    public void View_OfWhateverAnyClientWrote_NeverThrowsAndClamps()
    {
        object?[] garbage =
        [
            null, true, double.NaN, double.PositiveInfinity, -1e300, 5L, "text", new byte[] { 1 }, new object?[] { 1.0 }, new object?[] { double.NaN, "x" }, new object?[] { 1e12, -1e12 },
            new Dictionary<string, object?> { ["node"] = 7.0 }, new Dictionary<string, object?> { ["fill"] = new byte[3], ["fontSize"] = double.NaN, ["align"] = "0" }, new string('x', 100_000),
        ];
        string[] fields = ["kind", "pos", "size", "z", "parent", "style", "locked", "text", "data", "from", "to", "label"];
        var n = 0;
        _board.Doc.Transact(_ =>
        {
            foreach (var root in new[] { _board.Nodes, _board.Edges })
            {
                foreach (var value in garbage)
                {
                    root.Set($"g{n++}", value);
                    foreach (var field in fields)
                    {
                        var map = new YMap();
                        root.Set($"g{n++}", map);
                        map.Set(field, value);
                    }
                }

                root.Set(new string('k', 500), new YMap());
                root.Set("", new YMap());
                root.Set("array", new YArray());
                var shared = new YMap();
                root.Set("types", shared);
                foreach (var field in fields)
                {
                    shared.Set(field, n++ % 3 == 0 ? new YMap() : n % 2 == 0 ? new YArray() : new YText("t"));
                }
            }
        });

        AssertViewIsExact(_board.View);
        Assert.All(_board.View.Nodes, node =>
        {
            Assert.InRange(node.Bounds.X, -2 * BoardLimits.Coordinate, 2 * BoardLimits.Coordinate);
            Assert.InRange(node.Size.Width, BoardLimits.MinSize, BoardLimits.MaxSize);
            Assert.InRange(node.Style.FontSize, 8, 200);
            Assert.True(node.Text.Length <= BoardLimits.Text);
        });
        Assert.NotEmpty(_board.View.Search("text"));

        // And it can be edited like anything else.
        var ids = _board.View.Nodes.Select(node => node.Id).ToList();
        _board.Do(new LockNodes(ids, false));
        _board.Do(new MoveNodes(ids.Select(id => new NodeMove(id, 10, 10)).ToList()), new StyleItems(ids, Patch("""{"fill":"red"}""")), new OrderNodes(ids.Take(5).ToList(), OrderTo.Front));
        _board.Do(new DeleteItems([.. ids, .. _board.View.Edges.Select(edge => edge.Id)]));
        Assert.Equal(0, _board.View.NodeCount);
    }

    [Fact]
    public void View_OfPlainObjectsAndStrings_ReadsThemAndEditingMakesThemShared()
    {
        _board.Doc.Transact(_ => _board.Nodes.Set("plain", new Dictionary<string, object?>
        {
            ["kind"] = "note", ["pos"] = new object?[] { 5.0, 6.0 }, ["text"] = "words", ["theirs"] = "kept",
        }));
        Assert.Equal(("words", new BoardPoint(5, 6)), (_board.Node("plain").Text, _board.Node("plain").Position));

        _board.Do(new MoveNodes([new("plain", 50, 60)]));

        var map = Assert.IsType<YMap>(_board.Nodes["plain"]);
        Assert.Equal("words", Assert.IsType<YText>(map["text"]).ToString());
        Assert.Equal("kept", map["theirs"]);
    }

    [Fact]
    public void View_OfFramesThatHoldOneAnother_ShowsTheSameOnEveryReplica()
    {
        _board.Do(Frame("a", 0, 0, 500, 500), Frame("b", 600, 0, 500, 500), Note("n", 610, 10));
        using var other = new BoardFixture();
        other.Doc.ApplyUpdate(_board.Doc.EncodeStateAsUpdate());

        // At once: here a goes into b, there b into a.
        _board.Do(new MoveNodes([new("a", 10, 10, Parent: "b")]));
        Assert.True(other.Editor.Apply([new MoveNodes([new("b", 10, 10, Parent: "a")])], new BoardAuthor(9, other)).Succeeded);
        _board.Doc.ApplyUpdate(other.Doc.EncodeStateAsUpdate());
        other.Doc.ApplyUpdate(_board.Doc.EncodeStateAsUpdate());

        AssertViewIsExact(_board.View);
        AssertViewIsExact(other.View);
        Assert.Null(_board.Node("a").Frame);
        Assert.Equal("a", _board.Node("b").Frame);
        Assert.Equal(_board.View.Nodes.OrderBy(node => node.Id).Select(node => node with { Rank = 0 }), other.View.Nodes.OrderBy(node => node.Id).Select(node => node with { Rank = 0 }));
    }

    [Fact]
    public void View_FrameDeletedWhileAnotherPutsSomethingInIt_KeepsThat()
    {
        _board.Do(Frame("f", 100, 100, 500, 500), Note("n", 1000, 0));
        using var other = new BoardFixture();
        other.Doc.ApplyUpdate(_board.Doc.EncodeStateAsUpdate());

        _board.Do(new DeleteItems(["f"]));
        Assert.True(other.Editor.Apply([new MoveNodes([new("n", 200, 200)])], new BoardAuthor(9, other)).Succeeded);
        _board.Doc.ApplyUpdate(other.Doc.EncodeStateAsUpdate());

        AssertViewIsExact(_board.View);
        Assert.Null(_board.Node("n").Frame);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void View_AfterRandomEditsOfTwoReplicas_IsWhatANewViewReads(int seed)
    {
        var random = new Random(seed);
        using var left = new BoardFixture();
        using var right = new BoardFixture();
        var authors = new[] { new BoardAuthor(11, left), new BoardAuthor(12, right) };
        for (var round = 0; round < 150; round++)
        {
            var (board, author) = random.Next(2) == 0 ? (left, authors[0]) : (right, authors[1]);
            board.Editor.Apply(RandomBatch(random, board), author);
            if (random.Next(4) == 0)
            {
                left.Doc.ApplyUpdate(right.Doc.EncodeStateAsUpdate(left.Doc.EncodeStateVector()));
                AssertViewIsExact(left.View);
            }

            if (random.Next(4) == 0)
            {
                right.Doc.ApplyUpdate(left.Doc.EncodeStateAsUpdate(right.Doc.EncodeStateVector()));
                AssertViewIsExact(right.View);
            }
        }

        left.Doc.ApplyUpdate(right.Doc.EncodeStateAsUpdate());
        right.Doc.ApplyUpdate(left.Doc.EncodeStateAsUpdate());
        AssertViewIsExact(left.View);
        Assert.Equal(left.View.Nodes.OrderBy(node => node.Id).Select(node => node with { Rank = 0 }), right.View.Nodes.OrderBy(node => node.Id).Select(node => node with { Rank = 0 }));
        Assert.True(left.View.NodeCount > 3);
    }

    [Fact]
    public void Changed_OneMoveAmongMany_TellsOfThatAlone()
    {
        _board.Do([.. Enumerable.Range(0, 400).Select(i => Note($"n{i}", i * 120))]);
        var changes = new List<BoardChange>();
        _board.View.Changed += changes.Add;

        _board.Do(new MoveNodes([new("n7", 0, 999)]));
        _board.Do(new OrderNodes(["n9"], OrderTo.Front));
        _board.Do(Note("new", 0, 500));

        Assert.Equal(["n7", "n9", "new"], changes.Select(change => Assert.Single(change.Nodes).Id));
    }

    [Fact]
    public void Changed_FrameMoved_TellsOfWhatItHolds()
    {
        _board.Do(Frame("f", 0, 0, 500, 500), Note("a", 10, 10), Note("b", 2000, 0));
        BoardChange? change = null;
        _board.View.Changed += told => change = told;

        _board.Do(new MoveNodes([new("f", 100, 0)]));

        Assert.Equal(["a", "f"], change!.Nodes.Select(node => node.Id).Order());
    }

    [Fact]
    public void Search_SeveralWords_FindsTextsWithAllOfThem()
    {
        _board.Do(Note("a", text: "Ship the release on Friday"), Note("b", 300, text: "release notes"), Note("c", 600, text: "the Friday release, at last"));

        Assert.Equal(["a", "c"], _board.View.Search("FRIDAY release").Select(node => node.Id).Order());
        Assert.Equal("b", _board.View.Search("release")[0].Id);
        Assert.Empty(_board.View.Search("   "));
    }

    [Fact]
    public void Text_WithAnEmbed_KeepsPositions()
    {
        _board.Do(Note("a", text: "ab"));
        var text = BoardText.Find(_board.Doc, "a")!;
        _board.Doc.Transact(_ => text.InsertEmbed(1, new Dictionary<string, object?> { ["image"] = "x" }));

        Assert.Equal("a\uFFFCb", _board.Node("a").Text);
    }

    private static BoardCommand[] RandomBatch(Random random, BoardFixture board)
    {
        var nodes = board.View.Nodes.Select(node => node.Id).Order().ToList();
        var frames = board.View.Nodes.Where(node => node.IsFrame).Select(node => node.Id).Order().ToList();
        var fresh = Guid.NewGuid().ToString("N");
        string Any() => nodes[random.Next(nodes.Count)];
        double Coordinate() => random.Next(-2000, 2000);
        return nodes.Count == 0 || random.Next(6) < 2
            ? [random.Next(3) == 0 ? Frame(fresh, Coordinate(), Coordinate(), random.Next(200, 2000), random.Next(200, 2000)) : Note(fresh, Coordinate(), Coordinate())]
            : random.Next(7) switch
            {
                0 => [new MoveNodes([new(Any(), Coordinate(), Coordinate())])],
                1 => [new MoveNodes([new(Any(), Coordinate(), Coordinate(), frames.Count == 0 ? "" : frames[random.Next(frames.Count)])])],
                2 => [new DeleteItems([Any()])],
                3 => [new OrderNodes([Any(), Any()], (OrderTo)random.Next(4))],
                4 => [new ResizeNodes([new(Any(), Coordinate(), Coordinate(), random.Next(50, 1500), random.Next(50, 1500))])],
                5 => [Edge(fresh, Any(), Any())],
                _ => [new Duplicate(new Dictionary<string, string> { [Any()] = fresh })],
            };
    }
}
