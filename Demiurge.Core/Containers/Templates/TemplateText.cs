using System.Text.RegularExpressions;

namespace Demiurge.Core.Containers.Templates;

/// <summary>Texts of a template in which <c>{name}</c> stands for a value.</summary>
internal static partial class TemplateText
{
    /// <summary>The text with its values; null when it names one that is missing or empty.</summary>
    public static string? Fill(string text, IReadOnlyDictionary<string, string> values)
    {
        var complete = true;
        var filled = Placeholder().Replace(text, match =>
        {
            if (values.TryGetValue(match.Groups[1].Value, out var value) && value.Length > 0)
                return value;
            complete = false;
            return "";
        });
        return complete ? filled : null;
    }

    /// <summary>The names that the text refers to.</summary>
    public static IEnumerable<string> Names(string text) => Placeholder().Matches(text).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"\{([A-Za-z][A-Za-z0-9_]*)\}")]
    private static partial Regex Placeholder();
}
