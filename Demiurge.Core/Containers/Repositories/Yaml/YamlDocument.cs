using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Demiurge.Core.Containers.Repositories.Yaml;

/// <summary>Loads a text as one YAML document that can't do harm: bounded in size and depth, without aliases and tags.</summary>
internal static class YamlDocument
{
    /// <summary>In characters.</summary>
    public const int LongestText = 64 * 1024;

    private const int DeepestNesting = 12;

    public static YamlMappingNode? Load(string text, List<YamlProblem> problems)
    {
        if (text.Length > LongestText)
        {
            problems.Add(new YamlProblem(1, 1, $"The file is longer than {LongestText / 1024} KB."));
            return null;
        }
        try
        {
            // Nodes are built by recursion, so the depth is looked at first.
            if (!IsHarmless(text, problems))
                return null;
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 0)
            {
                problems.Add(new YamlProblem(1, 1, "The file is empty. Expected at least `version: 1`."));
                return null;
            }
            if (stream.Documents.Count > 1)
            {
                problems.Add(At(stream.Documents[1].RootNode, "There is a second document. Expected one."));
                return null;
            }
            if (stream.Documents[0].RootNode is YamlMappingNode root)
                return root;
            problems.Add(At(stream.Documents[0].RootNode, "Expected keys and values such as `version: 1`."));
        }
        catch (YamlException exception)
        {
            var reason = exception.InnerException?.Message ?? exception.Message;
            var lines = text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
            // What is missing at the end is told at the last character, not on the line after it.
            var (line, column) = exception.Start.Line > lines.Length ? (lines.Length, lines[^1].Length + 1) : (Line(exception.Start), Column(exception.Start));
            problems.Add(new YamlProblem(line, column, $"This isn't YAML: {reason.TrimEnd('.')}."));
        }
        return null;
    }

    public static YamlProblem At(YamlNode node, string message) => new(Line(node.Start), Column(node.Start), message);

    private static bool IsHarmless(string text, List<YamlProblem> problems)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            var current = parser.Current!;
            var refused = current switch
            {
                AnchorAlias => "References (`*name`) aren't taken here. Write the value out.",
                NodeEvent { Anchor.IsEmpty: false } => "Anchors (`&name`) aren't taken here.",
                NodeEvent { Tag.IsEmpty: false } => "Tags (`!name`) aren't taken here.",
                MappingStart or SequenceStart when ++depth > DeepestNesting => "This is nested too deeply.",
                _ => null,
            };
            if (current is MappingEnd or SequenceEnd)
                depth--;
            if (refused is null)
                continue;
            problems.Add(new YamlProblem(Line(current.Start), Column(current.Start), refused));
            return false;
        }
        return true;
    }

    private static int Line(Mark mark) => (int)Math.Max(1, mark.Line);

    private static int Column(Mark mark) => (int)Math.Max(1, mark.Column);
}
