using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;
using static Demiurge.Tests.Boards.BoardFixture;

namespace Demiurge.Tests.Boards;

public sealed class BoardEditorTests : IDisposable
{
    private readonly BoardFixture _board = new();

    public void Dispose() => _board.Dispose();

    [Fact]
    public void Create_Note_IsWrittenAsTheRoomShapeSays()
    {
        _board.Do(new CreateNode(new NodeSpec("n1", "note", 10, 20.5, 200, 150, Style: Patch("""{"fill":"blue","fontSize":24}"""), Text: "hello")));

        var stored = Assert.IsType<YMap>(_board.Nodes["n1"]);
        Assert.Equal("note", stored["kind"]);
        Assert.Equal(new object?[] { 10.0, 20.5 }, Assert.IsAssignableFrom<IReadOnlyList<object?>>(stored["pos"]));
        Assert.Equal(new object?[] { 200.0, 150.0 }, Assert.IsAssignableFrom<IReadOnlyList<object?>>(stored["size"]));
        Assert.Equal("hello", Assert.IsType<YText>(stored["text"]).ToString());
        Assert.Equal("blue", Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(stored["style"])["fill"]);
        Assert.False(stored.ContainsKey("parent"));
        Assert.Equal(new NodeStyle { Fill = "blue", Stroke = "none", Color = "black", FontSize = 24, Align = TextAlign.Center }, _board.Node("n1").Style);
    }

    [Fact]
    public void Apply_SecondCommandRefused_WritesNothingOfTheFirst()
    {
        var error = _board.Refused(Note("a"), Note("a"));

        Assert.Equal("board.id-taken", error.Code);
        Assert.Equal(0, _board.View.NodeCount);
    }

    [Fact]
    public void Apply_BatchThatBuildsOnItself_Works()
    {
        _board.Do(Frame("f", 0, 0, 500, 500), Note("a", 10, 10), Note("b", 200, 10), Edge("e", "a", "b"), new MoveNodes([new("f", 100, 100)]));

        Assert.Equal("f", _board.Node("a").Frame);
        Assert.Equal(new BoardPoint(110, 110), _board.Node("a").Bounds.Origin);
        Assert.NotNull(_board.View.Edge("e"));
    }

    [Fact]
    public void Move_IntoFrame_HoldsItAndFrameCarriesIt()
    {
        _board.Do(Frame("f", 1000, 1000, 400, 400), Note("a"));
        _board.Do(new MoveNodes([new("a", 1100, 1200)]));

        Assert.Equal("f", _board.Node("a").Frame);
        Assert.Equal(new BoardPoint(100, 200), _board.Node("a").Position);
        Assert.True(_board.Node("a").Rank > _board.Node("f").Rank);

        _board.Do(new MoveNodes([new("f", 0, 0)]));
        Assert.Equal(new BoardPoint(100, 200), _board.Node("a").Bounds.Origin);
    }

    [Fact]
    public void Move_OutOfFrameAtItsOrigin_ReleasesIt()
    {
        _board.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10));
        Assert.Equal("f", _board.Node("a").Frame);

        _board.Do(new MoveNodes([new("a", 10, 10, Parent: "")]));

        Assert.Null(_board.Node("a").Parent);
        Assert.Equal(new BoardPoint(10, 10), _board.Node("a").Bounds.Origin);
    }

    [Fact]
    public void Move_FrameAndWhatItHolds_MovesThatOnce()
    {
        _board.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10));
        _board.Do(new MoveNodes([new("f", 100, 0), new("a", 110, 10)]));

        Assert.Equal(new BoardPoint(110, 10), _board.Node("a").Bounds.Origin);
        Assert.Equal(new BoardPoint(10, 10), _board.Node("a").Position);
    }

    [Fact]
    public void Move_FrameIntoItself_IsRefused()
    {
        _board.Do(Frame("outer", 0, 0, 800, 800), Frame("inner", 100, 100, 300, 300));
        Assert.Equal("outer", _board.Node("inner").Frame);

        Assert.Equal("board.frame-in-itself", _board.Refused(new MoveNodes([new("outer", 0, 0, Parent: "inner")])).Code);
        Assert.Equal("board.frame-in-itself", _board.Refused(new MoveNodes([new("outer", 0, 0, Parent: "outer")])).Code);
        Assert.Equal("board.no-such-frame", _board.Refused(new MoveNodes([new("outer", 0, 0, Parent: "nothing")])).Code);
    }

    [Fact]
    public void Move_LargeFrameOverSmallOne_IsNotTakenIn()
    {
        _board.Do(Frame("small", 0, 0, 100, 100), Frame("large", 2000, 0, 800, 800));
        _board.Do(new MoveNodes([new("large", -350, -350)]));

        Assert.Null(_board.Node("large").Frame);
    }

    [Fact]
    public void Create_FrameAroundNodes_TakesThemIn()
    {
        _board.Do(Note("in", 100, 100), Note("out", 1000, 100));
        _board.Do(Frame("f", 0, 0, 400, 400));

        Assert.Equal("f", _board.Node("in").Frame);
        Assert.Equal(new BoardPoint(100, 100), _board.Node("in").Bounds.Origin);
        Assert.Null(_board.Node("out").Frame);
    }

    [Fact]
    public void Delete_Frame_TakesWhatItHoldsAndTheirEdges_UndoBringsAllBack()
    {
        _board.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10, text: "kept"), Note("b", 1000, 0), Edge("e", "a", "b"));
        using var undo = new UndoManager(_board.Doc, [_board.Nodes, _board.Edges], new UndoManagerOptions { TrackedOrigins = [_board.Author.Origin], CaptureTimeout = TimeSpan.Zero });
        var before = _board.View.Nodes.OrderBy(node => node.Id).ToList();

        _board.Do(new DeleteItems(["f"]));
        Assert.Equal(["b"], _board.View.Nodes.Select(node => node.Id));
        Assert.Empty(_board.View.Edges);

        Assert.True(undo.Undo());
        AssertViewIsExact(_board.View);
        Assert.Equal(before.Select(node => node with { Rank = 0 }), _board.View.Nodes.OrderBy(node => node.Id).Select(node => node with { Rank = 0 }));
        Assert.NotNull(_board.View.Edge("e"));
        Assert.Equal("kept", _board.Node("a").Text);
    }

    [Fact]
    public void Undo_OfOnePerson_LeavesTheOthersEdits()
    {
        var other = new BoardAuthor(8, new object());
        using var undo = new UndoManager(_board.Doc, [_board.Nodes, _board.Edges], new UndoManagerOptions { TrackedOrigins = [_board.Author.Origin], CaptureTimeout = TimeSpan.Zero });
        _board.Do(Note("mine"));
        Assert.True(_board.Editor.Apply([Note("theirs", 300)], other).Succeeded);

        Assert.True(undo.Undo());

        Assert.Equal(["theirs"], _board.View.Nodes.Select(node => node.Id));
    }

    [Fact]
    public void Commands_OnUnknownOrLocked_SkipThem()
    {
        _board.Do(Note("a"), Note("b", 500));
        _board.Do(new LockNodes(["a"], true));

        _board.Do(new MoveNodes([new("a", 9, 9), new("b", 600, 0), new("gone", 0, 0)]), new DeleteItems(["a", "gone"]), new StyleItems(["a"], Patch("""{"fill":"red"}""")));

        Assert.Equal(new BoardPoint(0, 0), _board.Node("a").Position);
        Assert.Equal("yellow", _board.Node("a").Style.Fill);
        Assert.Equal(600, _board.Node("b").Bounds.X);

        _board.Do(new LockNodes(["a"], false), new DeleteItems(["a"]));
        Assert.Null(_board.View.Node("a"));
    }

    [Fact]
    public void Resize_FrameFromItsTopLeft_LeavesWhatItHoldsInPlaceAndReleasesWhatIsOutside()
    {
        _board.Do(Frame("f", 0, 0, 1000, 1000), Note("stays", 600, 600), Note("leaves", 10, 10));
        _board.Do(new ResizeNodes([new("f", 500, 500, 500, 500)]));

        Assert.Equal(new BoardPoint(600, 600), _board.Node("stays").Bounds.Origin);
        Assert.Equal("f", _board.Node("stays").Frame);
        Assert.Equal(new BoardPoint(10, 10), _board.Node("leaves").Bounds.Origin);
        Assert.Null(_board.Node("leaves").Frame);
    }

    [Fact]
    public void Style_PatchWithNull_TakesTheKeyAwayAndKeepsForeignKeys()
    {
        _board.Do(Note("a"));
        _board.Doc.Transact(_ => ((YMap)_board.Nodes["a"]!).Set("style", new Dictionary<string, object?> { ["fill"] = "red", ["theirs"] = 1.0 }));

        _board.Do(new StyleItems(["a"], Patch("""{"fill":null,"align":"right","arrow":"both"}""")));

        var style = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(((YMap)_board.Nodes["a"]!)["style"]);
        Assert.Equal(["align", "theirs"], style.Keys.Order());
        Assert.Equal("yellow", _board.Node("a").Style.Fill);
    }

    [Theory]
    [InlineData(OrderTo.Front, "b c d a")]
    [InlineData(OrderTo.Forward, "b a c d")]
    [InlineData(OrderTo.Back, "a b c d")]
    public void Order_OfOne_MovesItAmongItsSiblings(OrderTo to, string expected)
    {
        _board.Do(Note("a"), Note("b"), Note("c"), Note("d"));
        _board.Do(new OrderNodes(["a"], to));

        Assert.Equal(expected, Painted());
    }

    [Fact]
    public void Order_ForwardManyTimes_KeepsWorkingWhenNumbersRunOut()
    {
        _board.Do(Note("a"), Note("b"), Note("c"));
        for (var i = 0; i < 120; i++)
        {
            _board.Do(new OrderNodes(["a"], OrderTo.Forward));
            _board.Do(new OrderNodes(["a"], OrderTo.Backward));
        }

        Assert.Equal("a b c", Painted());
        _board.Do(new OrderNodes(["c", "b"], OrderTo.Back));
        Assert.Equal("b c a", Painted());
    }

    [Fact]
    public void Order_AmongForeignNodesWithoutZ_Works()
    {
        foreach (var id in new[] { "a", "b", "c" })
        {
            _board.Doc.Transact(_ => _board.Nodes.Set(id, new Dictionary<string, object?> { ["kind"] = "note", ["pos"] = new object?[] { 0.0, 0.0 } }));
        }

        _board.Do(new OrderNodes(["a"], OrderTo.Forward));
        Assert.Equal("b a c", Painted());
    }

    [Fact]
    public void Paste_FromAnotherBoard_MakesFreshIdsWhereTakenAndKeepsStructure()
    {
        using var source = new BoardFixture();
        source.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10, text: "in"), Note("b", 1000, 0), Edge("e1", "a", "b"), Edge("e2", "a", "f"));
        var clipboard = System.Text.Json.JsonSerializer.Deserialize<BoardClipboard>(BoardClipboard.Copy(source.View, ["f"])!, BoardCommands.Json)!;
        Assert.Equal(["e2"], clipboard.Edges.Select(edge => edge.Id));
        _board.Do(Note("a", 5000, 5000));

        var edit = _board.Do(new Paste(clipboard.Nodes, clipboard.Edges));

        Assert.Equal("f", edit.Map["f"]);
        Assert.NotEqual("a", edit.Map["a"]);
        Assert.Equal("f", _board.Node(edit.Map["a"]).Frame);
        Assert.Equal("in", _board.Node(edit.Map["a"]).Text);
        Assert.Equal(new BoardPoint(10, 10), _board.Node(edit.Map["a"]).Bounds.Origin);
        Assert.Equal(new EdgeEnd(edit.Map["a"], "right"), _board.View.Edge("e2")!.From);
    }

    [Fact]
    public void Paste_OfChildWithoutItsFrame_LandsWhereItsCentreLies()
    {
        _board.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10));
        var clipboard = System.Text.Json.JsonSerializer.Deserialize<BoardClipboard>(BoardClipboard.Copy(_board.View, ["a"])!, BoardCommands.Json)!;
        using var target = new BoardFixture();

        var edit = target.Do(new Paste(clipboard.Nodes, clipboard.Edges));

        Assert.Null(target.Node(edit.Map["a"]).Frame);
    }

    [Fact]
    public void Paste_OfFramesInACycle_IsRefused()
    {
        Assert.Equal("board.frame-in-itself", _board.Refused(new Paste([new("x", "frame", 0, 0, Parent: "y"), new("y", "frame", 0, 0, Parent: "x")])).Code);
    }

    [Fact]
    public void Duplicate_Frame_CopiesWhatItHoldsUnderTheWantedIds()
    {
        _board.Do(Frame("f", 0, 0, 400, 400), Note("a", 10, 10), Note("b", 200, 10), Edge("e", "a", "b"));

        _board.Do(new Duplicate(new Dictionary<string, string> { ["f"] = "f2", ["a"] = "a2", ["b"] = "bad id!", ["e"] = "e2" }, 50, 60));

        Assert.Equal("f2", _board.Node("a2").Frame);
        Assert.Equal(new BoardPoint(60, 70), _board.Node("a2").Bounds.Origin);
        Assert.Equal(6, _board.View.NodeCount);
        Assert.Equal("a2", _board.View.Edge("e2")!.From.Node);
    }

    [Fact]
    public void Connect_ToMissingNode_IsRefusedAndRetieMovesTheEnd()
    {
        _board.Do(Note("a"), Note("b", 300), Note("c", 600), Edge("e", "a", "b"));
        Assert.Equal("board.no-such-node", _board.Refused(Edge("e2", "a", "nobody")).Code);

        _board.Do(new UpdateEdge("e", To: new("c", "top"), Label: "yes", Kind: "step", Style: Patch("""{"dash":true,"color":"red"}""")));

        var edge = _board.View.Edge("e")!;
        Assert.Equal(new EdgeEnd("c", "top"), edge.To);
        Assert.Equal(("yes", EdgeKind.Step, true, "red"), (edge.Label, edge.Kind, edge.Style.Dash, edge.Style.Color));
        Assert.Empty(_board.View.EdgesOf("b"));
    }

    [Fact]
    public void SetText_WhileAnotherTypesElsewhere_MergesByCharacter()
    {
        _board.Do(Note("a", text: "one two three"));
        using var other = new YDoc();
        other.ApplyUpdate(_board.Doc.EncodeStateAsUpdate());
        ((YText)((YMap)other.GetMap("nodes")["a"]!)["text"]!).Insert(13, "!");

        _board.Do(new SetText("a", "one 2 three"));
        _board.Doc.ApplyUpdate(other.EncodeStateAsUpdate());

        Assert.Equal("one 2 three!", _board.Node("a").Text);
    }

    [Fact]
    public void SetText_AcrossSurrogatePairs_KeepsThemWhole()
    {
        _board.Do(Note("a", text: "x😀y"));
        _board.Do(new SetText("a", "x😁y"));
        Assert.Equal("x😁y", _board.Node("a").Text);
    }

    private string Painted() => string.Join(' ', _board.View.Nodes.OrderBy(node => node.Rank).Select(node => node.Id));
}
