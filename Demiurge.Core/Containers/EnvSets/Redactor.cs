namespace Demiurge.Core.Containers.EnvSets;

/// <summary>Blackens secrets in what a container or an engine says. Values shorter than six characters are left, or nothing would be readable.</summary>
internal sealed class Redactor
{
    public const string Black = "•••";

    private const int Shortest = 6;

    private readonly string[] secrets;

    public Redactor(IEnumerable<string> values)
    {
        // What is written line by line is recognized line by line; longer ones first, so that none is left half.
        secrets =
        [
            .. values.SelectMany(value => value.Split('\n').Append(value)).Select(value => value.Trim()).Where(value => value.Length >= Shortest)
                .Distinct().OrderByDescending(value => value.Length),
        ];
    }

    public string Apply(string text)
    {
        foreach (var secret in secrets)
            text = text.Replace(secret, Black, StringComparison.Ordinal);
        return text;
    }
}
