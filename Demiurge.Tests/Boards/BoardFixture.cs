using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Boards;

/// <summary>A board in memory with one author, and a view that is compared with one made from scratch after each edit.</summary>
internal sealed class BoardFixture : IDisposable
{
    public BoardFixture()
    {
        View = new BoardView(Doc);
        Editor = new BoardEditor(View);
        Author = new BoardAuthor(7, this);
    }

    public YDoc Doc { get; } = new();

    public BoardView View { get; }

    public BoardEditor Editor { get; }

    public BoardAuthor Author { get; }

    public YMap Nodes => Doc.GetMap("nodes");

    public YMap Edges => Doc.GetMap("edges");

    public BoardEdit Do(params BoardCommand[] batch)
    {
        var edit = Editor.Apply(batch, Author);
        Assert.True(edit.Succeeded, edit.Error?.Message);
        AssertViewIsExact(View);
        return edit.Value;
    }

    public Error Refused(params BoardCommand[] batch)
    {
        var before = Doc.EncodeStateAsUpdate();
        var edit = Editor.Apply(batch, Author);
        Assert.NotNull(edit.Error);
        Assert.Equal(before, Doc.EncodeStateAsUpdate());
        return edit.Error;
    }

    public BoardNode Node(string id) => View.Node(id) ?? throw new InvalidOperationException($"No node {id}.");

    public static CreateNode Note(string id, double x = 0, double y = 0, double w = 100, double h = 100, string? parent = null, string? text = null) =>
        new(new NodeSpec(id, "note", x, y, w, h, parent, Text: text));

    public static CreateNode Frame(string id, double x, double y, double w, double h, string? parent = null) => new(new NodeSpec(id, "frame", x, y, w, h, parent));

    public static Connect Edge(string id, string from, string to) => new(new EdgeSpec(id, new(from, "right"), new(to, "left")));

    public static Dictionary<string, JsonElement> Patch(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;

    /// <summary>What the view kept up edit by edit is what a new view reads; ranks rise along the same order.</summary>
    public static void AssertViewIsExact(BoardView view)
    {
        using var fresh = new BoardView(view.Doc);
        Assert.Equal(fresh.Nodes.Select(node => node with { Rank = 0 }).OrderBy(node => node.Id), view.Nodes.Select(node => node with { Rank = 0 }).OrderBy(node => node.Id));
        Assert.Equal(fresh.Nodes.OrderBy(node => node.Rank).Select(node => node.Id), view.Nodes.OrderBy(node => node.Rank).Select(node => node.Id));
        Assert.Equal(view.NodeCount, view.Nodes.Select(node => node.Rank).Distinct().Count());
        Assert.Equal(fresh.Edges.OrderBy(edge => edge.Id), view.Edges.OrderBy(edge => edge.Id));
        foreach (var node in view.Nodes)
        {
            Assert.Contains(node, view.Near(node.Bounds));
            Assert.Equal(fresh.EdgesOf(node.Id).Select(edge => edge.Id).Order(), view.EdgesOf(node.Id).Select(edge => edge.Id).Order());
        }
    }

    public void Dispose()
    {
        View.Dispose();
        Doc.Dispose();
    }
}
