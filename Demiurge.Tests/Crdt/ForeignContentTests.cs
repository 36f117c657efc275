using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>What Yjs clients may send and this engine offers no API for must come out again as it went in.</summary>
public sealed class ForeignContentTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    /// <summary>A script that puts every kind of content and type into a document, and deletes some of each.</summary>
    internal const string EverythingElse = """
        const xml = doc.getXmlFragment('xml')
        const element = new Y.XmlElement('paragraph')
        xml.insert(0, [element, new Y.XmlText('tail'), new Y.XmlHook('hook')])
        element.setAttribute('align', 'left')
        element.insert(0, [new Y.XmlText('body'), new Y.XmlElement('img')])
        element.get(0).format(1, 2, { strong: { class: 'x' } })
        const map = doc.getMap('map')
        map.set('sub', new Y.Doc({ guid: 'inner', meta: { a: 1 }, autoLoad: true }))
        map.set('bytes', new Uint8Array([1, 2, 3]))
        map.set('big', 12345678901234567890n)
        map.set('undefined', undefined)
        map.set('zero', -0)
        map.set('gone', new Y.Map([['x', new Y.Array()]]))
        map.get('gone').get('x').insert(0, ['a', 'b'])
        map.delete('gone')
        const rich = doc.getText('rich')
        rich.insert(0, 'a😀b', { bold: true })
        rich.insertEmbed(2, { image: 'x', nested: { a: [1, null] } })
        rich.insertEmbed(0, new Y.Map([['in', 'text']]))
        rich.setAttribute('lang', 'de')
        rich.delete(1, 1)
        const array = doc.getArray('array')
        array.insert(0, [1, 2.5, 'x', null, [1], { a: 1, 2: 3 }, 1e300, 0.1, true])
        array.delete(2, 3)
        """;

    [Fact]
    public void Document_WithEverything_ComesOutAsItWentIn()
    {
        var theirs = Script(EverythingElse);
        using var doc = new YDoc(new() { ClientId = 5 });

        doc.ApplyUpdate(Bytes(theirs["update"]));

        Assert.Equal((string)theirs["update"]!, Convert.ToBase64String(doc.EncodeStateAsUpdate()));
        Assert.Equal((string)theirs["vector"]!, Convert.ToBase64String(doc.EncodeStateVector()));
    }

    [Fact]
    public void Document_WithEverythingAndHistory_ComesOutAsItWentIn()
    {
        var theirs = Script(EverythingElse, gc: false);
        using var doc = new YDoc(new() { ClientId = 5, Gc = false });

        foreach (var update in theirs["updates"]!.AsArray())
        {
            doc.ApplyUpdate(Bytes(update));
        }

        Assert.Equal((string)theirs["update"]!, Convert.ToBase64String(doc.EncodeStateAsUpdate()));
    }

    [Fact]
    public void Document_LegacyJson_IsKeptAndRead()
    {
        // Client 1: [{"old":true}, undefined, "json"] in the array "a", as Yjs wrote it before there was Any.
        using var encoder = new LibEncoder();
        encoder.WriteBytes([1, 1, 1, 0, 2, 1, 1, (byte)'a', 3]);
        encoder.WriteVarString("""{"old":true}""");
        encoder.WriteVarString("undefined");
        encoder.WriteVarString("\"json\"");
        encoder.WriteByte(0);
        using var doc = new YDoc(new() { ClientId = 2 });
        doc.ApplyUpdate(encoder.Written);

        var array = doc.GetArray("a");

        Assert.Equal("""[{"old":true},null,"json"]""", PlainJson.Of(array.ToJson())!.ToJsonString());
        Assert.Equal(encoder.ToArray(), doc.EncodeStateAsUpdate());
        array.RemoveAt(1);
        Assert.Equal("json", array[1]);
    }

    [Fact]
    public void Values_OfEveryKind_AreReadAsYjsReadsThem()
    {
        var theirs = Script("""
            const map = doc.getMap('map')
            const values = [null, undefined, true, false, 0, -0, 1, -1, 63, 64, 2147483647, -2147483647, 2147483648, 0.5, 0.1, 1e300, -1e-300, NaN, Infinity, 5n, '', 'é', '😀',
              [], {}, [[[]]], { b: 1, a: 2, 10: 3, 9: 4 }, new Uint8Array([]), new Uint8Array([255])]
            values.forEach((value, index) => map.set('v' + index, value))
            """);
        using var doc = new YDoc(new() { ClientId = 5 });
        doc.ApplyUpdate(Bytes(theirs["update"]));
        var map = doc.GetMap("map");

        using var copy = new YDoc(new() { ClientId = 1 });
        copy.Transact(_ =>
        {
            foreach (var (key, value) in map.Entries)
            {
                // Undefined can't be told from null here, and a bigint reads as long.
                copy.GetMap("map").Set(key, value is long big ? new System.Numerics.BigInteger(big) : value);
            }
        });

        var expected = Script("""
            const map = doc.getMap('map')
            const values = [null, null, true, false, 0, -0, 1, -1, 63, 64, 2147483647, -2147483647, 2147483648, 0.5, 0.1, 1e300, -1e-300, NaN, Infinity, 5n, '', 'é', '😀',
              [], {}, [[[]]], { b: 1, a: 2, 10: 3, 9: 4 }, new Uint8Array([]), new Uint8Array([255])]
            doc.transact(() => values.forEach((value, index) => map.set('v' + index, value)))
            """);
        Assert.Equal((string)expected["update"]!, Convert.ToBase64String(copy.EncodeStateAsUpdate()));
    }

    [Fact]
    public void Formats_NumbersAndObjects_AreWrittenAsYjsWritesThem()
    {
        double[] numbers = [1, -1.5, 0.1, 1e21, 1.5e21, 1.2345678901234568e20, 1e-6, 1e-7, 1.25e-9, 4.9e-324, 1.7976931348623157e308, 9007199254740993, 0.000123, 100];
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.Transact(_ =>
        {
            var text = doc.GetText("rich");
            for (var i = 0; i < numbers.Length; i++)
            {
                text.Insert(text.Length, "x", new Dictionary<string, object?> { ["n" + i] = numbers[i] });
            }
            text.InsertEmbed(0, new Dictionary<string, object?> { ["q\"\\\n\u0001"] = "é😀\u2028", ["2"] = new object?[] { null, true, "\ud800" } });
        });

        var theirs = Script("""
            const text = doc.getText('rich')
            doc.transact(() => {
              [1, -1.5, 0.1, 1e21, 1.5e21, 123456789012345680000, 1e-6, 1e-7, 1.25e-9, 4.9e-324, 1.7976931348623157e308, 9007199254740993, 0.000123, 100]
                .forEach((number, index) => text.insert(text.length, 'x', { ['n' + index]: number }))
              text.insertEmbed(0, { 'q"\\\n\u0001': 'é😀\u2028', 2: [null, true, '\ud800'] })
            })
            """);
        Assert.Equal(Bytes(theirs["update"]), doc.EncodeStateAsUpdate());
    }

    private JsonNode Script(string code, bool gc = true) => oracle.Ask("script", new JsonObject { ["code"] = code, ["gc"] = gc });

    private static byte[] Bytes(JsonNode? base64) => Convert.FromBase64String((string)base64!);
}
