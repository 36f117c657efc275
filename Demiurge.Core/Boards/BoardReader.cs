using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards;

/// <summary>
/// Reads nodes and edges from a room that any Yjs client may have written. Whatever is there, it never throws: a value of
/// the wrong type, NaN, infinite or out of range is replaced by the kind's own or clamped. What can't be
/// shown at all (an id that is empty or too long, a node that is no map, an edge without ends) is left out, and left alone.
/// Both a nested Y.Map and a plain JSON object are read as a node.
/// </summary>
internal static class BoardReader
{
    public static BoardNode? ReadNode(string id, object? source)
    {
        if (!IsShowableId(id) || !IsObject(source))
        {
            return null;
        }

        var kind = Text(source, "kind", 64) ?? "";
        var known = NodeKind.Of(kind);
        var size = Pair(source, "size");
        var parent = Text(source, "parent", BoardLimits.ForeignId);
        return new BoardNode
        {
            Id = id,
            Kind = kind,
            Position = Pair(source, "pos") is var (x, y)
                ? new(Clamp(x, -BoardLimits.Coordinate, BoardLimits.Coordinate), Clamp(y, -BoardLimits.Coordinate, BoardLimits.Coordinate))
                : default,
            Size = size is var (w, h)
                ? new(Clamp(w, BoardLimits.MinSize, BoardLimits.MaxSize), Clamp(h, BoardLimits.MinSize, BoardLimits.MaxSize))
                : known.Size,
            Z = Clamp(Number(source, "z") ?? 0, -BoardLimits.Z, BoardLimits.Z),
            Parent = string.IsNullOrEmpty(parent) || parent == id ? null : parent,
            Locked = Field(source, "locked") is true,
            Style = ReadStyle(Field(source, "style"), known.Style),
            Text = ReadText(Field(source, "text")),
            Data = ReadData(Field(source, "data")),
        };
    }

    public static BoardEdge? ReadEdge(string id, object? source)
    {
        if (!IsShowableId(id) || !IsObject(source) || ReadEnd(Field(source, "from")) is not { } from || ReadEnd(Field(source, "to")) is not { } to)
        {
            return null;
        }

        var style = Field(source, "style");
        return new BoardEdge
        {
            Id = id,
            From = from,
            To = to,
            Kind = Name<EdgeKind>(source, "kind") ?? EdgeKind.Bezier,
            Label = Truncate(ReadText(Field(source, "label")), BoardLimits.Label),
            Style = new EdgeStyle
            {
                Color = Colour(style, "color") ?? "gray",
                Width = Clamp(Number(style, "width") ?? 2, 1, 12),
                Dash = Field(style, "dash") is true,
                Arrow = Name<EdgeArrow>(style, "arrow") ?? EdgeArrow.End,
            },
        };
    }

    /// <summary>The whole text in UTF-16 units of the Y.Text, so that positions in it are positions in the room: an embed counts one and stands as U+FFFC.</summary>
    public static string ReadText(object? value)
    {
        switch (value)
        {
            case string s:
                return Truncate(s, BoardLimits.Text);
            case YText text:
                var plain = text.ToString();
                return plain.Length == text.Length
                    ? plain
                    : string.Concat(text.ToDelta().Select(op => op.Insert as string ?? "\uFFFC"));
            default:
                return "";
        }
    }

    /// <summary>A field of a Y.Map or a plain object; null for anything else.</summary>
    public static object? Field(object? source, string key) => source switch
    {
        YMap map => map[key],
        IReadOnlyDictionary<string, object?> plain => plain.GetValueOrDefault(key),
        _ => null,
    };

    /// <summary>The style as it stands in the room, also the keys this version doesn't know; empty when there is none.</summary>
    public static Dictionary<string, object?> RawStyle(object? source) => Field(source, "style") switch
    {
        YMap map => map.Keys.ToDictionary(key => key, key => map[key] is YType ? null : map[key]),
        IReadOnlyDictionary<string, object?> plain => new(plain),
        _ => [],
    };

    private static NodeData ReadData(object? data)
    {
        var entries = data switch
        {
            YMap map => map.Keys.Select(key => (key, map[key])),
            IReadOnlyDictionary<string, object?> plain => plain.Select(entry => (entry.Key, entry.Value)),
            _ => [],
        };
        return NodeData.Of(entries.Where(entry => entry.Item2 is string value && NodeData.Fits(entry.Item1, value))
            .OrderBy(entry => entry.Item1, StringComparer.Ordinal).Take(NodeData.Entries)
            .Select(entry => KeyValuePair.Create(entry.Item1, (string)entry.Item2!)));
    }

    private static NodeStyle ReadStyle(object? style, NodeStyle otherwise) => IsObject(style)
        ? new NodeStyle
        {
            Fill = Colour(style, "fill") ?? otherwise.Fill,
            Stroke = Colour(style, "stroke") ?? otherwise.Stroke,
            Color = Colour(style, "color") ?? otherwise.Color,
            FontSize = Clamp(Number(style, "fontSize") ?? otherwise.FontSize, 8, 200),
            Align = Name<TextAlign>(style, "align") ?? otherwise.Align,
        }
        : otherwise;

    private static EdgeEnd? ReadEnd(object? value)
    {
        var node = Text(value, "node", BoardLimits.ForeignId);
        var port = Text(value, "port", 16) ?? "";
        return string.IsNullOrEmpty(node) ? null : new EdgeEnd(node, EdgeEnd.Ports.Contains(port) ? port : "right");
    }

    private static bool IsObject(object? source) => source is YMap or IReadOnlyDictionary<string, object?>;

    private static bool IsShowableId(string id) => id.Length is > 0 and <= BoardLimits.ForeignId && !id.Any(char.IsControl);

    private static string? Text(object? source, string key, int longest) =>
        Field(source, key) is string s && s.Length <= longest ? s : null;

    private static string? Colour(object? source, string key) =>
        Field(source, key) is string name && Palette.Contains(name) ? name : null;

    private static T? Name<T>(object? source, string key) where T : struct, Enum =>
        Field(source, key) is string { Length: > 0 and < 32 } name && char.IsAsciiLetter(name[0]) && Enum.TryParse<T>(name, ignoreCase: true, out var value) ? value : null;

    private static (double, double)? Pair(object? source, string key)
    {
        var list = Field(source, key) switch
        {
            IReadOnlyList<object?> plain => plain,
            YArray { Count: 2 } array => array.ToList(),
            _ => null,
        };
        return list is { Count: 2 } && Finite(list[0]) is { } a && Finite(list[1]) is { } b ? (a, b) : null;
    }

    private static double? Number(object? source, string key) => Finite(Field(source, key));

    private static double? Finite(object? value)
    {
        double? number = value switch
        {
            double d => d,
            long l => l,
            int i => i,
            float f => f,
            _ => null,
        };
        return number is { } n && double.IsFinite(n) ? n : null;
    }

    private static double Clamp(double value, double min, double max) => Math.Clamp(value, min, max);

    private static string Truncate(string text, int longest)
    {
        if (text.Length <= longest)
        {
            return text;
        }

        return char.IsHighSurrogate(text[longest - 1]) ? text[..(longest - 1)] : text[..longest];
    }
}
