using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Demiurge.Core.Containers.Repositories.Yaml;

/// <summary>
/// The keys of a mapping, taken one by one. What isn't taken is unknown. Problems are added to a list, and reading goes on with a
/// stand-in, so that all of them are told at once.
/// </summary>
internal sealed class YamlReader
{
    private readonly YamlMappingNode mapping;
    private readonly string place;
    private readonly List<YamlProblem> problems;
    private readonly List<string> known = [];

    /// <param name="place">What the mapping is, in a sentence: "a service".</param>
    public YamlReader(YamlMappingNode mapping, string place, List<YamlProblem> problems)
    {
        (this.mapping, this.place, this.problems) = (mapping, place, problems);
    }

    public YamlNode Node => mapping;

    public void Problem(YamlNode node, string message) => problems.Add(YamlDocument.At(node, message));

    /// <summary>The value's node, or null when the key is left out or has no value.</summary>
    public YamlNode? Find(string key)
    {
        if (!known.Contains(key))
            known.Add(key);
        foreach (var (name, value) in mapping.Children)
        {
            if (name is YamlScalarNode { Value: { } text } && text == key)
                return value is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" } ? null : value;
        }
        return null;
    }

    /// <summary>A line of text.</summary>
    public string? Text(string key, string expected, bool required = false, int longest = 200, bool lines = false, Func<string, bool>? rule = null)
    {
        var node = Find(key);
        if (node is null)
        {
            if (required)
                Problem(mapping, $"`{key}` is missing in {place}. Expected {expected}.");
            return null;
        }
        if (node is not YamlScalarNode { Value: { } text })
        {
            Problem(node, $"`{key}` is {Kind(node)}. Expected {expected}.");
            return null;
        }
        if (text.Length > longest || (!lines && text.AsSpan().ContainsAny('\n', '\r')) || text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')) || (rule is not null && !rule(text)))
        {
            Problem(node, text.Length > longest ? $"`{key}` is longer than {longest} characters. Expected {expected}." : $"`{key}` is {Quoted(text)}. Expected {expected}.");
            return null;
        }
        return text.Length == 0 && required ? Missing(node, key, expected) : text;
    }

    public int? Number(string key, int least, int most, bool required = false)
    {
        var expected = $"a number from {least} to {most}";
        return Text(key, expected, required, rule: text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most) is { } found
            ? int.Parse(found, CultureInfo.InvariantCulture)
            : null;
    }

    public bool? Truth(string key) =>
        Text(key, "true or false", rule: text => text is "true" or "false") is { } found ? found == "true" : null;

    /// <summary>A time such as <c>30s</c>, <c>10m</c>, <c>2h</c>.</summary>
    public TimeSpan? Time(string key, TimeSpan most)
    {
        var expected = $"a time such as 30s, 10m or 2h, at most {Told(most)}";
        return Text(key, expected, rule: text => Parse(text) is { } time && time > TimeSpan.Zero && time <= most) is { } found ? Parse(found) : null;

        static TimeSpan? Parse(string text) =>
            text.Length is > 1 and < 9 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                ? text[^1] switch
                {
                    's' => TimeSpan.FromSeconds(count),
                    'm' => TimeSpan.FromMinutes(count),
                    'h' => TimeSpan.FromHours(count),
                    _ => null,
                }
                : null;

        static string Told(TimeSpan time) => time.TotalHours >= 1 ? $"{time.TotalHours:0}h" : $"{time.TotalMinutes:0}m";
    }

    /// <summary>A list; empty when it is left out.</summary>
    public IEnumerable<YamlNode> Items(string key, string expected, int most)
    {
        switch (Find(key))
        {
            case null:
                return [];
            case YamlSequenceNode { Children.Count: var count } list when count > most:
                Problem(list, $"`{key}` has {count} entries. Expected at most {most}.");
                return [];
            case YamlSequenceNode list:
                return list.Children;
            case { } other:
                Problem(other, $"`{key}` is {Kind(other)}. Expected {expected}.");
                return [];
        }
    }

    /// <summary>The mappings of a list.</summary>
    public IEnumerable<YamlReader> Mappings(string key, string what, int most)
    {
        foreach (var item in Items(key, $"a list, each beginning with `- `, of {what}", most))
        {
            if (item is YamlMappingNode child)
                yield return new YamlReader(child, what, problems);
            else
                Problem(item, $"Here is {Kind(item)}. Expected {what}: keys and values.");
        }
    }

    public YamlReader? Mapping(string key, string what)
    {
        switch (Find(key))
        {
            case null:
                return null;
            case YamlMappingNode child:
                return new YamlReader(child, what, problems);
            case { } other:
                Problem(other, $"`{key}` is {Kind(other)}. Expected {what}: keys and values.");
                return null;
        }
    }

    /// <summary>Tells of the keys that nobody asked for.</summary>
    public void Done()
    {
        foreach (var key in mapping.Children.Keys)
        {
            if (key is not YamlScalarNode { Value: { } name })
                Problem(key, $"A key is {Kind(key)}. Expected one of {List(known)}.");
            else if (!known.Contains(name))
                Problem(key, $"There is no `{name}` in {place}.{(Nearest(name) is { } near ? $" Did you mean `{near}`?" : $" Expected one of {List(known)}.")}");
        }
    }

    public static string Kind(YamlNode node) => node switch
    {
        YamlSequenceNode => "a list",
        YamlMappingNode => "keys and values",
        YamlScalarNode { Value: { Length: > 0 } text } => Quoted(text),
        _ => "empty",
    };

    public static string List(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"`{name}`"));

    private static string Quoted(string text)
    {
        text = text.ReplaceLineEndings(" ");
        return $"`{(text.Length > 60 ? text[..60] + "…" : text)}`";
    }

    private string? Missing(YamlNode node, string key, string expected)
    {
        Problem(node, $"`{key}` is empty. Expected {expected}.");
        return null;
    }

    private string? Nearest(string name)
    {
        var best = known.Select(candidate => (Name: candidate, Distance: Distance(candidate, name))).OrderBy(pair => pair.Distance).FirstOrDefault();
        return best.Name is not null && (best.Distance <= Math.Max(1, best.Name.Length / 3) || (name.Length >= 3 && best.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase)))
            ? best.Name
            : null;
    }

    /// <summary>Letters to insert, remove, replace or swap with the neighbour, regardless of case.</summary>
    private static int Distance(string left, string right)
    {
        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= right.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + same);
                if (i > 1 && j > 1 && char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 2]) && char.ToLowerInvariant(left[i - 2]) == char.ToLowerInvariant(right[j - 1]))
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[left.Length, right.Length];
    }
}
