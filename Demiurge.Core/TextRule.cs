using System.Globalization;
using System.Text;

namespace Demiurge.Core;

/// <summary>
/// What a line or a paragraph that a person typed must look like before it is stored: trimmed, not too long, and free of
/// control characters, broken surrogates and the bidirectional overrides with which one name can be dressed up as another.
/// </summary>
/// <param name="Field">The input's name in requests and forms, camelCase.</param>
/// <param name="Label">The input's name in a sentence, for example "The project's name".</param>
/// <param name="MaxLength">In UTF-16 units, after trimming.</param>
public sealed record TextRule(string Field, string Label, int MaxLength)
{
    /// <summary>Whether nothing but white space is accepted, as the empty string.</summary>
    public bool Optional { get; init; }

    /// <summary>Whether line breaks and tabs are allowed.</summary>
    public bool Multiline { get; init; }

    /// <summary>The cleaned text, or the reason why it can't be taken.</summary>
    public Result<string> Check(string? input)
    {
        var text = (input ?? "").Trim();
        if (text.Length == 0 && !Optional)
            return Refuse("missing", $"{Label} is missing.");
        if (text.Length > MaxLength)
            return Refuse("too_long", $"{Label} is too long: at most {MaxLength} characters.");
        for (var i = 0; i < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var units) != System.Buffers.OperationStatus.Done || IsForbidden(rune))
                return Refuse("unusable_character", $"{Label} contains a character that can't be used at position {i + 1}.");
            i += units;
        }
        return text;
    }

    private bool IsForbidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control => !Multiline || rune.Value is not ('\n' or '\r' or '\t'),
        UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => !Multiline,
        _ => rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069),
    };

    private Error Refuse(string reason, string message) => new($"input.{reason}", message, ErrorKind.Invalid) { Field = Field };
}
