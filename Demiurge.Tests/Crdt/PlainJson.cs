using System.Globalization;
using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>Values of this engine and of Yjs in one spelling that can be compared: keys in order, bytes and bigints marked.</summary>
internal static class PlainJson
{
    public static JsonNode? Of(object? value) => value switch
    {
        null => null,
        bool flag => JsonValue.Create(flag),
        double number => Number(number),
        int number => Number(number),
        long number => new JsonObject { ["bigint"] = number.ToString(CultureInfo.InvariantCulture) },
        string text => JsonValue.Create(text),
        byte[] bytes => new JsonObject { ["bytes"] = Convert.ToBase64String(bytes) },
        YType type => new JsonObject { ["type"] = Of(type.ToJson()) },
        YDoc doc => new JsonObject { ["doc"] = doc.Guid },
        IReadOnlyDictionary<string, object?> members => new JsonObject(
            members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Of(member.Value)))),
        IEnumerable<object?> elements => new JsonArray([.. elements.Select(Of)]),
        _ => throw new ArgumentException($"Unexpected {value.GetType()}."),
    };

    public static JsonArray Of(IReadOnlyList<DeltaOp> delta) => new([.. delta.Select(Of)]);

    public static JsonNode Of(YEvent change) => Sorted(new JsonObject
    {
        ["path"] = new JsonArray([.. change.Path.Select(Of)]),
        ["keys"] = new JsonArray([.. change.Keys
            .OrderBy(key => key.Key, StringComparer.Ordinal)
            .Select(key => new JsonArray(key.Key, key.Value.Action.ToString().ToLowerInvariant(), Of(key.Value.OldValue)))]),
        ["delta"] = Of(change.Delta),
    })!;

    /// <summary>The same with the members of all objects in ordinal order, and numbers spelt one way.</summary>
    public static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))),
        JsonArray elements => new JsonArray([.. elements.Select(Sorted)]),
        JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number => Number(value.GetValue<double>()),
        _ => node?.DeepClone(),
    };

    private static JsonNode Of(DeltaOp op)
    {
        var json = new JsonObject();
        if (op.Attributes is not null)
        {
            json["attributes"] = Of((object)op.Attributes);
        }
        if (op.Delete > 0)
        {
            json["delete"] = Number(op.Delete);
        }
        if (op.Insert is not null)
        {
            json["insert"] = Of(op.Insert);
        }
        if (op.Retain > 0)
        {
            json["retain"] = Number(op.Retain);
        }
        return json;
    }

    private static JsonValue Number(double number) => JsonValue.Create(number == 0 ? 0 : number);
}
