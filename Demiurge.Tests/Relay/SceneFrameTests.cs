using System.Text.Json;
using Demiurge.Core.Boards;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Relay;

namespace Demiurge.Tests.Relay;

public class SceneFrameTests
{
    [Fact]
    public void ToArray_OfGoldenFrames_IsWhatTheBrowserModuleEncodes()
    {
        using var fixtures = JsonDocument.Parse(File.ReadAllText(Path.Combine(Checkout.Folder, "Demiurge.Tests/Boards/Fixtures/scene.json")));
        Assert.NotEmpty(fixtures.RootElement.EnumerateArray());
        foreach (var fixture in fixtures.RootElement.EnumerateArray())
        {
            var told = fixture.GetProperty("frame");
            var frame = new SceneFrame(told.GetProperty("reset").GetBoolean(), told.GetProperty("applied").GetUInt32());
            foreach (var record in told.GetProperty("records").EnumerateArray())
            {
                switch (record.GetProperty("op").GetString())
                {
                    case "node":
                        frame.Add(Node(record.GetProperty("node")));
                        break;
                    case "removeNode":
                        frame.RemoveNode(record.GetProperty("id").GetString()!);
                        break;
                    case "edge":
                        frame.Add(Edge(record.GetProperty("edge")));
                        break;
                    default:
                        frame.RemoveEdge(record.GetProperty("id").GetString()!);
                        break;
                }
            }

            Assert.Equal(fixture.GetProperty("hex").GetString(), Convert.ToHexStringLower(frame.ToArray()));
        }
    }

    [Fact]
    public void Add_LongTextOfAstralCharacters_CutsTheLabelBetweenThem()
    {
        var node = new BoardNode
        {
            Id = "a", Kind = "note", Position = default, Size = new(10, 10), Style = new(), Text = "x" + string.Concat(Enumerable.Repeat("😀", 60)),
        };
        var frame = new SceneFrame(false, 0);
        frame.Add(node);

        Assert.DoesNotContain("EF-BF-BD", BitConverter.ToString(frame.ToArray()));
        Assert.EndsWith("F0-9F-98-80", BitConverter.ToString(frame.ToArray()));
    }

    private static BoardNode Node(JsonElement n) => new()
    {
        Id = Text(n, "id"),
        Kind = Text(n, "kind"),
        Position = default,
        Size = new(Number(n, "w"), Number(n, "h")),
        Bounds = new(Number(n, "x"), Number(n, "y"), Number(n, "w"), Number(n, "h")),
        Rank = (int)Number(n, "z"),
        Frame = Text(n, "parent") is { Length: > 0 } frame ? frame : null,
        Style = new NodeStyle
        {
            Fill = Text(n, "fill"), Stroke = Text(n, "stroke"), Color = Text(n, "color"), FontSize = Number(n, "fontSize"), Align = Enum.Parse<TextAlign>(Text(n, "align"), ignoreCase: true),
        },
        Locked = n.GetProperty("locked").GetBoolean(),
        Text = Text(n, "label"),
    };

    private static BoardEdge Edge(JsonElement e) => new()
    {
        Id = Text(e, "id"),
        From = new(Text(e.GetProperty("from"), "node"), Text(e.GetProperty("from"), "port")),
        To = new(Text(e.GetProperty("to"), "node"), Text(e.GetProperty("to"), "port")),
        Kind = Enum.Parse<EdgeKind>(Text(e, "kind"), ignoreCase: true),
        Style = new EdgeStyle
        {
            Color = Text(e, "color"), Width = Number(e, "width"), Dash = e.GetProperty("dashed").GetBoolean(),
            Arrow = (e.GetProperty("arrowEnd").GetBoolean(), e.GetProperty("arrowStart").GetBoolean()) switch { (_, true) => EdgeArrow.Both, (true, _) => EdgeArrow.End, _ => EdgeArrow.None },
        },
        Label = Text(e, "label"),
    };

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();
}
