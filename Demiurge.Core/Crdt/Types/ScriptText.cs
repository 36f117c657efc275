using System.Globalization;

namespace Demiurge.Core.Crdt;

/// <summary>What JavaScript makes of a value where it needs a string.</summary>
internal static class ScriptText
{
    public static string Of(object? value) => value switch
    {
        null => "null",
        string text => text,
        bool flag => flag ? "true" : "false",
        double number when double.IsNaN(number) => "NaN",
        double number when double.IsInfinity(number) => number > 0 ? "Infinity" : "-Infinity",
        double number => JsonCodec.Number(number),
        long big => big.ToString(CultureInfo.InvariantCulture),
        byte[] bytes => string.Join(',', bytes),
        YXmlFragment or YText => value.ToString()!,
        IReadOnlyList<object?> elements => string.Join(',', elements.Select(static element => element is null ? "" : Of(element))),
        IReadOnlyDictionary<string, object?> or YType or YDoc => "[object Object]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
