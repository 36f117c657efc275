using System.Text.Json;
using Demiurge.Core.Boards.Commands;

namespace Demiurge.Tests.Boards;

public class BoardCommandsTests
{
    [Fact]
    public void Parse_EveryCommand_IsRead()
    {
        var batch = BoardCommands.Parse(Json("""
            [
              {"type":"create","node":{"id":"n1","kind":"note","x":1,"y":2,"w":100,"h":100,"style":{"fill":"blue"},"text":"hi"}},
              {"items":[{"id":"n1","x":5,"y":6,"parent":""}],"type":"move"},
              {"type":"resize","items":[{"id":"n1","x":5,"y":6,"w":40,"h":40}]},
              {"type":"delete","ids":["n1","e1"]},
              {"type":"style","ids":["n1"],"patch":{"fill":null,"arrow":"both","kind":"step"}},
              {"type":"order","ids":["n1"],"to":"front"},
              {"type":"lock","ids":["n1"],"locked":true},
              {"type":"text","id":"n1","text":"x"},
              {"type":"connect","edge":{"id":"e1","from":{"node":"a","port":"top"},"to":{"node":"b","port":"left"}}},
              {"type":"updateEdge","id":"e1","label":"yes"},
              {"type":"paste","nodes":[{"id":"any thing","kind":"from-tomorrow","x":0,"y":0}],"edges":[]},
              {"type":"duplicate","map":{"n1":"n2"},"dx":10,"dy":0}
            ]
            """));

        Assert.True(batch.Succeeded, batch.Error?.Message);
        Assert.Equal(12, batch.Value.Length);
        Assert.Equal(OrderTo.Front, Assert.IsType<OrderNodes>(batch.Value[5]).To);
        Assert.Equal("", Assert.IsType<MoveNodes>(batch.Value[1]).Items[0].Parent);
    }

    [Theory]
    [InlineData("{}", "array")]
    [InlineData("[null]", "null")]
    [InlineData("[1]", "can't be read")]
    [InlineData("""[{"type":"explode"}]""", "can't be read")]
    [InlineData("""[{"ids":["a"]}]""", "can't be read")]
    [InlineData("""[{"type":"delete"}]""", "ids")]
    [InlineData("""[{"type":"delete","ids":null}]""", "can't be read")]
    [InlineData("""[{"type":"delete","ids":[null]}]""", "null")]
    [InlineData("""[{"type":"delete","ids":[""]}]""", "id")]
    [InlineData("""[{"type":"create","node":{"id":"a b","kind":"note","x":0,"y":0}}]""", "new id")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"nonsense","x":0,"y":0}}]""", "kind")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":1e999,"y":0}}]""", "")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":2e6,"y":0}}]""", "Coordinates")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":"0","y":0}}]""", "can't be read")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":0,"y":0,"w":0.5,"h":100}}]""", "Width")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":0,"y":0,"style":{"fill":"#ff0000"}}}]""", "fill")]
    [InlineData("""[{"type":"create","node":{"id":"a","kind":"note","x":0,"y":0,"text":"\ud800"}}]""", "")]
    [InlineData("""[{"type":"style","ids":["a"],"patch":{"onclick":"alert(1)"}}]""", "onclick")]
    [InlineData("""[{"type":"order","ids":["a"],"to":0}]""", "can't be read")]
    [InlineData("""[{"type":"connect","edge":{"id":"e","from":{"node":"a","port":"middle"},"to":{"node":"b","port":"left"}}}]""", "port")]
    [InlineData("""[{"type":"updateEdge","id":"e","kind":"wavy"}]""", "bezier")]
    public void Parse_Nonsense_SaysWhatIsWrong(string json, string says)
    {
        JsonElement batch;
        try
        {
            batch = Json(json);
        }
        catch (JsonException)
        {
            return; // A transport refuses it before we see it.
        }

        var parsed = BoardCommands.Parse(batch);

        Assert.False(parsed.Succeeded);
        Assert.Contains(says, parsed.Error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.True(parsed.Error.Message.Length < 400);
    }

    [Fact]
    public void Parse_TooMuch_IsRefused()
    {
        var ids = JsonSerializer.Serialize(Enumerable.Range(0, 2001).Select(i => $"n{i}"));
        Assert.Equal("board.too-much", BoardCommands.Parse(Json($$"""[{"type":"delete","ids":{{ids}}}]""")).Error?.Code);

        var commands = "[" + string.Join(',', Enumerable.Repeat("""{"type":"delete","ids":[]}""", 501)) + "]";
        Assert.Equal("board.too-much", BoardCommands.Parse(Json(commands)).Error?.Code);

        var text = new string('x', 20_001);
        Assert.Equal("board.malformed", BoardCommands.Parse(Json($$"""[{"type":"text","id":"a","text":"{{text}}"}]""")).Error?.Code);
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement.Clone();
}
