using System.Text.Json;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Boards;

/// <summary>What modules keep in nodes: read from any client, kept by copies, refused where it is none.</summary>
public sealed class NodeDataTests
{
    private static readonly Guid Id = Guid.Parse("0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000");

    private readonly YDoc _doc = new();
    private readonly BoardView _view;
    private readonly BoardEditor _editor;

    public NodeDataTests()
    {
        _view = new BoardView(_doc);
        _editor = new BoardEditor(_view);
    }

    [Fact]
    public void Create_OfAContainer_ShowsIt()
    {
        Do($$"""[{"type":"create","node":{"id":"n","kind":"container","x":1,"y":2,"data":{"containerId":"{{Id}}"} } }]""");

        Assert.Equal(Id, _view.Node("n")?.ContainerId);
    }

    [Theory]
    [InlineData("""{"id":"n","kind":"container","x":1,"y":2}""")]
    [InlineData("""{"id":"n","kind":"container","x":1,"y":2,"data":{}}""")]
    [InlineData("""{"id":"n","kind":"container","x":1,"y":2,"data":{"containerId":"no id"}}""")]
    [InlineData("""{"id":"n","kind":"container","x":1,"y":2,"data":{"containerId":null}}""")]
    [InlineData("""{"id":"n","kind":"note","x":1,"y":2,"data":{"a":5}}""")]
    [InlineData("""{"id":"n","kind":"note","x":1,"y":2,"data":["a"]}""")]
    public void Create_WithSenselessData_IsRefused(string node)
    {
        var batch = BoardCommands.Parse(JsonDocument.Parse($$"""[{"type":"create","node":{{node}}}]""").RootElement);

        Assert.False(batch.Succeeded && _editor.Apply(batch.Value!, Author()).Succeeded);
        Assert.Null(_view.Node("n"));
    }

    [Fact]
    public void Create_WithTooMuchData_IsRefused()
    {
        var data = string.Join(',', Enumerable.Range(0, NodeData.Entries + 1).Select(i => $"\"k{i}\":\"v\""));

        Assert.False(BoardCommands.Parse(JsonDocument.Parse($$"""[{"type":"create","node":{"id":"n","kind":"note","x":1,"y":2,"data":{ {{data}} } } }]""").RootElement).Succeeded);
    }

    [Fact]
    public void CopyAndDuplicate_OfAContainersNode_ShowTheSameContainer()
    {
        Do($$"""[{"type":"create","node":{"id":"n","kind":"container","x":1,"y":2,"data":{"containerId":"{{Id}}"} } }]""");

        Do("""[{"type":"duplicate","map":{"n":"m"}}]""");
        var copied = JsonDocument.Parse(BoardClipboard.Copy(_view, ["n"])!).RootElement;

        Assert.Equal(Id, _view.Node("m")?.ContainerId);
        Assert.Equal(Id.ToString(), copied.GetProperty("nodes")[0].GetProperty("data").GetProperty("containerId").GetString());
    }

    [Fact]
    public void Read_WhatAnotherClientWrote_TakesTheTextsAndLeavesTheRest()
    {
        var nodes = _doc.GetMap("nodes");
        nodes.Set("plain", new Dictionary<string, object?> { ["kind"] = "container", ["data"] = new Dictionary<string, object?> { ["containerId"] = Id.ToString(), ["n"] = 5.0, ["long"] = new string('x', 1000) } });
        nodes.Set("strange", new Dictionary<string, object?> { ["kind"] = "container", ["data"] = "text" });

        Assert.Equal(Id, _view.Node("plain")?.ContainerId);
        Assert.Equal(1, _view.Node("plain")?.Data.Count);
        Assert.Null(_view.Node("strange")?.ContainerId);
    }

    [Fact]
    public void Undo_OfADeletion_BringsItBackWithItsData()
    {
        using var undo = new UndoManager(_doc, [_doc.GetMap("nodes")], new UndoManagerOptions { TrackedOrigins = [this] });
        Do($$"""[{"type":"create","node":{"id":"n","kind":"container","x":1,"y":2,"data":{"containerId":"{{Id}}"} } }]""");
        undo.StopCapturing();
        Do("""[{"type":"delete","ids":["n"]}]""");
        Assert.Null(_view.Node("n"));

        undo.Undo();

        Assert.Equal(Id, _view.Node("n")?.ContainerId);
    }

    private BoardAuthor Author() => new(7, this);

    private void Do(string commands)
    {
        var done = _editor.Apply(BoardCommands.Parse(JsonDocument.Parse(commands).RootElement).Value!, Author());
        Assert.True(done.Succeeded, done.Error?.Message);
    }
}
