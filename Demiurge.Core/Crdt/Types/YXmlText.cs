using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>Text between XML elements; formats are written as elements around it. Source: <c>yjs/src/types/YXmlText.js</c>.</summary>
public sealed class YXmlText : YText
{
    /// <summary>An empty text, to be inserted somewhere.</summary>
    public YXmlText() { }

    /// <inheritdoc cref="YText(string)"/>
    public YXmlText(string text) : base(text) { }

    internal YXmlText(YDoc doc, int branch) : base(doc, branch) { }

    /// <summary>The node behind this one; null if there is none.</summary>
    public YType? NextSibling => Sibling(next: true);

    /// <summary>The node before this one; null if there is none.</summary>
    public YType? PrevSibling => Sibling(next: false);

    internal override BranchKind Kind => BranchKind.XmlText;

    /// <inheritdoc/>
    public override YType Clone() => CloneInto(new YXmlText());

    /// <summary>The text as XML: each format an element, the members of its value attributes. Spelt as Yjs spells it: nothing is escaped.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var op in ToDelta())
        {
            var formats = (op.Attributes ?? new Dictionary<string, object?>()).OrderBy(static format => format.Key, StringComparer.Ordinal).ToList();
            foreach (var (name, value) in formats)
            {
                text.Append('<').Append(name);
                foreach (var (key, member) in Members(value).OrderBy(static attribute => attribute.Key, StringComparer.Ordinal))
                {
                    text.Append(' ').Append(key).Append("=\"").Append(ScriptText.Of(member)).Append('"');
                }
                text.Append('>');
            }
            text.Append(ScriptText.Of(op.Insert));
            for (var i = formats.Count - 1; i >= 0; i--)
            {
                text.Append("</").Append(formats[i].Key).Append('>');
            }
        }
        return text.ToString();
    }

    /// <summary>As <see cref="ToString"/>.</summary>
    public override object? ToJson() => ToString();

    /// <summary>What JavaScript enumerates: of a list and a string the indexes, too.</summary>
    private static IEnumerable<KeyValuePair<string, object?>> Members(object? value) => value switch
    {
        IReadOnlyDictionary<string, object?> members => members,
        IReadOnlyList<object?> elements => elements.Select(static (element, index) => KeyValuePair.Create(ScriptText.Of((double)index), element)),
        string text => text.Select(static (unit, index) => KeyValuePair.Create(ScriptText.Of((double)index), (object?)unit.ToString())),
        _ => [],
    };
}
