using System.Text;
using System.Text.Json;

namespace Demiurge.Core.Boards.Typing;

/// <summary>One step of a <see cref="TextOperation"/>: exactly one of the three is set.</summary>
public readonly record struct TextStep
{
    public int Retain { get; init; }

    public string? Insert { get; init; }

    public int Delete { get; init; }
}

/// <summary>
/// A change of a plain text as it stands in a delta: keep so many UTF-16 units, insert, delete; what comes after the last step is kept.
/// Normal form: no empty steps, neighbours of one kind merged, at one place the insertion before the deletion, no trailing
/// retain. Immutable. The algebra is operational transformation with an ordering server (Nichols et al., "High-latency,
/// low-bandwidth windowing in the Jupiter collaboration system", 1995).
/// </summary>
public sealed class TextOperation : IEquatable<TextOperation>
{
    public static readonly TextOperation Empty = new([]);

    private TextOperation(IReadOnlyList<TextStep> steps) => Steps = steps;

    public IReadOnlyList<TextStep> Steps { get; }

    public bool IsEmpty => Steps.Count == 0;

    /// <summary>The least length of a text that this can change.</summary>
    public int BaseLength => Steps.Sum(step => step.Retain + step.Delete);

    /// <summary>By how much the text grows.</summary>
    public int Growth => Steps.Sum(step => (step.Insert?.Length ?? 0) - step.Delete);

    public static TextOperation Of(IEnumerable<TextStep> steps)
    {
        var builder = new Builder();
        foreach (var step in steps)
        {
            builder.Add(step);
        }

        return builder.Build();
    }

    /// <summary>Reads <c>[{"retain":n}|{"insert":"…"}|{"delete":n}, …]</c>; null when it is anything else or longer than a text may be.</summary>
    public static TextOperation? Parse(JsonElement delta)
    {
        if (delta.ValueKind != JsonValueKind.Array || delta.GetArrayLength() > 10_000)
        {
            return null;
        }

        var builder = new Builder();
        long length = 0;
        foreach (var element in delta.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            TextStep? read = null;
            foreach (var property in element.EnumerateObject())
            {
                TextStep? step = property.Name switch
                {
                    "retain" when Count(property.Value) is { } n => new TextStep { Retain = n },
                    "delete" when Count(property.Value) is { } n => new TextStep { Delete = n },
                    "insert" when property.Value.ValueKind == JsonValueKind.String => new TextStep { Insert = property.Value.GetString() },
                    _ => null,
                };
                if (step is null || read is not null)
                {
                    return null;
                }

                read = step;
            }

            if (read is not { } found || (length += found.Retain + found.Delete + (found.Insert?.Length ?? 0)) > 4 * BoardLimits.Text)
            {
                return null;
            }

            builder.Add(found);
        }

        return builder.Build();

        static int? Count(JsonElement value) =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var n) && n is >= 0 and <= 4 * BoardLimits.Text ? n : null;
    }

    public string ToJson()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var step in Steps)
            {
                json.WriteStartObject();
                if (step.Insert is { } text)
                {
                    json.WriteString("insert", text);
                }
                else
                {
                    json.WriteNumber(step.Retain > 0 ? "retain" : "delete", step.Retain + step.Delete);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// This operation, made on the same text as <paramref name="earlier"/>, as it must read after that one. Where both insert at
    /// one place, <paramref name="earlier"/>, which the server ordered first, stands left.
    /// </summary>
    public TextOperation After(TextOperation earlier) => Transform(earlier, thisFirst: false);

    /// <summary>The counterpart of <see cref="After"/>: this operation, which the server ordered first, as it must read after <paramref name="later"/>.</summary>
    public TextOperation Before(TextOperation later) => Transform(later, thisFirst: true);

    /// <summary>The changed text.</summary>
    /// <exception cref="ArgumentException">The text is shorter than <see cref="BaseLength"/>.</exception>
    public string Apply(string text)
    {
        if (BaseLength > text.Length)
        {
            throw new ArgumentException($"The operation is for a text of at least {BaseLength} units, this has {text.Length}.", nameof(text));
        }

        var result = new StringBuilder(text.Length + Math.Max(0, Growth));
        var at = 0;
        foreach (var step in Steps)
        {
            result.Append(text, at, step.Retain).Append(step.Insert);
            at += step.Retain + step.Delete;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>Whether a step begins or ends between the two halves of a character outside the basic plane, or inserts half of one.</summary>
    public bool Splits(string text)
    {
        var at = 0;
        foreach (var step in Steps)
        {
            if (step.Insert is { } insert && (char.IsLowSurrogate(insert[0]) || char.IsHighSurrogate(insert[^1])))
            {
                return true;
            }

            at += step.Retain + step.Delete;
            if (at > 0 && at < text.Length && char.IsHighSurrogate(text[at - 1]) && char.IsLowSurrogate(text[at]))
            {
                return true;
            }
        }

        return false;
    }

    public bool Equals(TextOperation? other) => other is not null && Steps.SequenceEqual(other.Steps);

    public override bool Equals(object? obj) => Equals(obj as TextOperation);

    public override int GetHashCode() => Steps.Aggregate(0, HashCode.Combine);

    public override string ToString() => ToJson();

    private TextOperation Transform(TextOperation other, bool thisFirst)
    {
        var result = new Builder();
        var mine = new Cursor(Steps);
        var theirs = new Cursor(other.Steps);
        while (!mine.AtEnd)
        {
            if (mine.Insert is { } text && (thisFirst || theirs.Insert is null))
            {
                result.Add(new TextStep { Insert = text });
                mine.Advance();
            }
            else if (theirs.Insert is { } inserted)
            {
                result.Add(new TextStep { Retain = inserted.Length });
                theirs.Advance();
            }
            else
            {
                var n = Math.Min(mine.Left, theirs.Left);
                if (!theirs.IsDelete)
                {
                    result.Add(mine.IsDelete ? new TextStep { Delete = n } : new TextStep { Retain = n });
                }

                mine.Advance(n);
                theirs.Advance(n);
            }
        }

        return result.Build();
    }

    /// <summary>Walks steps in pieces; past the end lies an endless retain.</summary>
    private struct Cursor(IReadOnlyList<TextStep> steps)
    {
        private int _step;
        private int _done;

        public readonly bool AtEnd => _step == steps.Count;

        public readonly string? Insert => AtEnd ? null : steps[_step].Insert;

        public readonly bool IsDelete => !AtEnd && steps[_step].Delete > 0;

        public readonly int Left => AtEnd ? int.MaxValue : steps[_step].Retain + steps[_step].Delete - _done;

        public void Advance(int n = int.MaxValue)
        {
            if (!AtEnd && (_done = n == int.MaxValue ? n : _done + n) >= steps[_step].Retain + steps[_step].Delete)
            {
                _step++;
                _done = 0;
            }
        }
    }

    private sealed class Builder
    {
        private readonly List<TextStep> _steps = [];

        public void Add(TextStep step)
        {
            if (step is { Retain: 0, Delete: 0, Insert: null or "" })
            {
                return;
            }

            var last = _steps.Count - 1;
            if (last >= 0 && step.Insert is not null && _steps[last].Delete > 0)
            {
                var deletion = _steps[last];
                _steps.RemoveAt(last);
                Add(step);
                _steps.Add(deletion);
            }
            else if (last >= 0 && step.Insert is not null == _steps[last].Insert is not null && step.Retain > 0 == _steps[last].Retain > 0)
            {
                _steps[last] = new TextStep { Retain = _steps[last].Retain + step.Retain, Delete = _steps[last].Delete + step.Delete, Insert = step.Insert is null ? null : _steps[last].Insert + step.Insert };
            }
            else
            {
                _steps.Add(step);
            }
        }

        public TextOperation Build()
        {
            while (_steps is [.., { Retain: > 0 }])
            {
                _steps.RemoveAt(_steps.Count - 1);
            }

            return _steps.Count == 0 ? Empty : new TextOperation(_steps);
        }
    }
}
