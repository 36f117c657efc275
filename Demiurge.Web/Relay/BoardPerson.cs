using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Demiurge.Web.Relay;

/// <summary>Who sits at a circuit, as the others see them.</summary>
/// <param name="Color">#rrggbb.</param>
public sealed record BoardPerson(Guid UserId, string Name, string Color);

/// <summary>What a person is doing at the moment; shared through awareness, never saved. Coordinates are absolute.</summary>
/// <param name="Cursor">[x, y]; null while the pointer is away.</param>
/// <param name="Selection">Ids of nodes and edges.</param>
/// <param name="Editing">Id of the node whose text is being typed.</param>
/// <param name="Drag">Topmost nodes in motion → [x, y] or [x, y, w, h].</param>
public sealed record BoardPresence(
    IReadOnlyList<double>? Cursor = null, IReadOnlyList<string>? Selection = null, string? Editing = null, IReadOnlyDictionary<string, IReadOnlyList<double>>? Drag = null)
{
    /// <summary>How many selected or dragged ids the others are told of.</summary>
    internal const int MostShared = 100;

    /// <summary>Longest state that the others are told, UTF-8.</summary>
    internal const int MostSharedBytes = 8 * 1024;

    /// <summary>Whether an id is short enough for the others to be told of it.</summary>
    internal static bool IsShared(string? id) => id is { Length: > 0 and <= 64 };
}

/// <summary>Somebody who is on the board: a circuit of any server, or any Yjs client that joined the room.</summary>
/// <param name="Key">Their Yjs client id.</param>
/// <param name="UserId">Null for a client that doesn't say.</param>
/// <param name="Json">The entry of the presence feed: {key, userId, name, color, cursor, selection, editing, drag, viewport}.</param>
public sealed record BoardPeer(uint Key, string? UserId, string Name, string Color, string Json)
{
    private static readonly string[] ViewportParts = ["x", "y", "w", "h", "zoom"];

    /// <summary>
    /// Reads an awareness state that any client may have written, in the way of y-websocket's editors: <c>user {name, color}</c> beside
    /// whatever else. Null when it has no <c>user</c>, which is a peer that doesn't want to be seen (a server, a bot).
    /// </summary>
    public static BoardPeer? Read(uint key, string? json)
    {
        if (json is null || json.Length > 64 * 1024)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            var state = document.RootElement;
            if (Field(state, "user") is not { ValueKind: JsonValueKind.Object } user)
            {
                return null;
            }

            var name = Text(user, "name", 80)?.Trim() is { Length: > 0 } given ? given : "Guest";
            var color = Text(user, "color", 7) is { Length: 7 } hex && hex[0] == '#' && hex.Skip(1).All(char.IsAsciiHexDigit) ? hex : "#64748b";
            var userId = Text(user, "id", 64);
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                writer.WriteString("key", key.ToString());
                writer.WriteString("userId", userId);
                writer.WriteString("name", name);
                writer.WriteString("color", color);
                writer.WritePropertyName("cursor");
                WriteNumbers(writer, Field(state, "cursor"), 2, 2);
                writer.WriteStartArray("selection");
                if (Field(state, "selection") is { ValueKind: JsonValueKind.Array } selection)
                {
                    foreach (var id in selection.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.String ? id.GetString() : null)
                        .Where(BoardPresence.IsShared).Take(BoardPresence.MostShared))
                    {
                        writer.WriteStringValue(id);
                    }
                }

                writer.WriteEndArray();
                writer.WriteString("editing", Text(state, "editing", 64));
                writer.WritePropertyName("drag");
                if (Field(state, "drag") is { ValueKind: JsonValueKind.Object } drag)
                {
                    writer.WriteStartObject();
                    foreach (var moved in drag.EnumerateObject().Where(moved => BoardPresence.IsShared(moved.Name) && IsNumbers(moved.Value, 2, 4)).Take(BoardPresence.MostShared))
                    {
                        writer.WritePropertyName(moved.Name);
                        WriteNumbers(writer, moved.Value, 2, 4);
                    }

                    writer.WriteEndObject();
                }
                else
                {
                    writer.WriteNullValue();
                }

                writer.WritePropertyName("viewport");
                if (Field(state, "viewport") is { ValueKind: JsonValueKind.Object } viewport
                    && ViewportParts.All(part => IsNumber(Field(viewport, part))))
                {
                    writer.WriteStartObject();
                    foreach (var part in ViewportParts)
                    {
                        writer.WriteNumber(part, viewport.GetProperty(part).GetDouble());
                    }

                    writer.WriteEndObject();
                }
                else
                {
                    writer.WriteNullValue();
                }

                writer.WriteEndObject();
            }

            return new BoardPeer(key, userId, name, color, Encoding.UTF8.GetString(buffer.WrittenSpan));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonElement? Field(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement element, string name, int longest) =>
        Field(element, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { } text && text.Length <= longest ? text : null;

    private static bool IsNumber(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var parsed) && Math.Abs(parsed) <= 1e7;

    private static bool IsNumbers(JsonElement? value, int least, int most) =>
        value is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() >= least && array.GetArrayLength() <= most && array.EnumerateArray().All(each => IsNumber(each));

    private static void WriteNumbers(Utf8JsonWriter writer, JsonElement? value, int least, int most)
    {
        if (IsNumbers(value, least, most))
        {
            writer.WriteStartArray();
            foreach (var number in value!.Value.EnumerateArray())
            {
                writer.WriteNumberValue(number.GetDouble());
            }

            writer.WriteEndArray();
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
