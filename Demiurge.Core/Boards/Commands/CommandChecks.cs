using System.Text.Json;

namespace Demiurge.Core.Boards.Commands;

/// <summary>What each part of a command must look like. Every check returns what is wrong, or null.</summary>
internal static class CommandChecks
{
    public static string? Each<T>(IReadOnlyList<T> items, Func<T, string?> check)
    {
        foreach (var item in items)
        {
            if (item is null)
            {
                return "A list holds null.";
            }

            if (check(item) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    public static string? NewId(string id) =>
        id.Length is > 0 and <= 64 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? null
            : "A new id is 1 to 64 of A-Z, a-z, 0-9, '-' and '_'.";

    public static string? ExistingId(string id) =>
        id.Length is > 0 and <= BoardLimits.ForeignId ? null : $"An id has 1 to {BoardLimits.ForeignId} characters.";

    public static string? Parent(string? id) => string.IsNullOrEmpty(id) ? null : ExistingId(id);

    public static string? Point(double x, double y) =>
        Math.Abs(x) <= BoardLimits.Coordinate && Math.Abs(y) <= BoardLimits.Coordinate
            ? null
            : $"Coordinates lie between -{BoardLimits.Coordinate:0} and {BoardLimits.Coordinate:0}.";

    public static string? Size(double w, double h) => IsSize(w) && IsSize(h)
        ? null
        : $"Width and height lie between {BoardLimits.MinSize:0} and {BoardLimits.MaxSize:0}.";

    public static string? Text(string text)
    {
        if (text.Length > BoardLimits.Text)
        {
            return $"A text has at most {BoardLimits.Text:N0} characters.";
        }

        return IsWellFormed(text) ? null : "A text holds half a surrogate pair.";
    }

    public static string? Node(NodeSpec node) =>
        (node.Kind.Length <= 64 ? null : "A kind has at most 64 characters.")
        ?? Point(node.X, node.Y)
        ?? Size(node.W ?? BoardLimits.MinSize, node.H ?? BoardLimits.MinSize)
        ?? Parent(node.Parent)
        ?? (node.Style is null ? null : Style(node.Style))
        ?? (node.Text is null ? null : Text(node.Text))
        ?? node.Data?.Problem()
        ?? (node.Kind != NodeKind.Container || Guid.TryParse(node.Data?[NodeData.ContainerId], out _) ? null : "A container's node names its container in data.containerId.");

    public static string? Edge(EdgeSpec edge) => Edge(edge.From, edge.To, edge.Kind, edge.Label, edge.Style);

    public static string? Edge(EdgeEndSpec? from, EdgeEndSpec? to, string? kind, string? label, IReadOnlyDictionary<string, JsonElement>? style) =>
        End(from)
        ?? End(to)
        ?? (kind is null or "bezier" or "straight" or "step" ? null : "An edge is bezier, straight or step.")
        ?? (label is null || label.Length <= BoardLimits.Label && IsWellFormed(label) ? null : $"A label has at most {BoardLimits.Label} characters.")
        ?? (style is null ? null : Style(style));

    public static string? Style(IReadOnlyDictionary<string, JsonElement> style)
    {
        foreach (var (key, value) in style)
        {
            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var problem = key switch
            {
                "fill" or "stroke" or "color" => value.ValueKind == JsonValueKind.String && Palette.Contains(value.GetString()!) ? null : $"'{key}' is one of {string.Join(", ", Palette.Names)}.",
                "fontSize" => IsNumber(value, 8, 200) ? null : "'fontSize' lies between 8 and 200.",
                "width" => IsNumber(value, 1, 12) ? null : "'width' lies between 1 and 12.",
                "dash" => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : "'dash' is true or false.",
                "align" => IsOneOf(value, "left", "center", "right"),
                "arrow" => IsOneOf(value, "none", "end", "both"),
                "kind" => IsOneOf(value, "bezier", "straight", "step"),
                _ => $"There is no style called '{(key.Length <= 40 ? key : key[..40])}'.",
            };
            if (problem is not null)
            {
                return problem;
            }
        }

        return null;
    }

    private static string? End(EdgeEndSpec? end) => end is null
        ? null
        : ExistingId(end.Node) ?? (EdgeEnd.Ports.Contains(end.Port) ? null : "A port is top, right, bottom or left.");

    private static bool IsSize(double value) => value is >= BoardLimits.MinSize and <= BoardLimits.MaxSize;

    private static bool IsNumber(JsonElement value, double min, double max) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max;

    private static string? IsOneOf(JsonElement value, params ReadOnlySpan<string> names) =>
        value.ValueKind == JsonValueKind.String && names.Contains(value.GetString()!) ? null : $"A style is one of {string.Join(", ", names!)}.";

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
