using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Demiurge.Core.Crdt;

/// <summary>
/// JSON as JavaScript reads and writes it: formats and embeds travel as such text. Differs from <see cref="JsonSerializer"/> in the
/// spelling of numbers, in what is escaped, and in accepting lone surrogates.
/// </summary>
internal static class JsonCodec
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = AnyCodec.MaxDepth };

    /// <exception cref="CrdtDecodingException">The bytes are not one JSON value.</exception>
    public static void Validate(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, Options);
            while (reader.Read())
            {
            }
        }
        catch (JsonException exception)
        {
            throw new CrdtDecodingException("Malformed JSON: " + exception.Message, exception);
        }
    }

    /// <summary>Reads one value that has been validated; shapes as in <see cref="AnyCodec.Read"/>.</summary>
    public static object? Read(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, Options);
        reader.Read();
        return ReadValue(ref reader);
    }

    public static object? Read(string json) => Read(System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary>Whether two values that have been read are the same; the order of an object's members doesn't matter.</summary>
    public static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (IReadOnlyDictionary<string, object?> left, IReadOnlyDictionary<string, object?> right) =>
            left.Count == right.Count && left.All(member => right.TryGetValue(member.Key, out var other) && AreEqual(member.Value, other)),
        (IReadOnlyList<object?> left, IReadOnlyList<object?> right) => left.Count == right.Count && left.Zip(right).All(static pair => AreEqual(pair.First, pair.Second)),
        _ => Equals(a, b),
    };

    /// <summary>As <c>JSON.stringify</c> writes it.</summary>
    /// <exception cref="ArgumentException">The value, or one inside it, is of a type that has no counterpart in JavaScript.</exception>
    public static string Write(object? value)
    {
        var builder = new StringBuilder();
        Write(builder, value, 0);
        return builder.ToString();
    }

    /// <summary>JavaScript's shortest spelling of a number.</summary>
    public static string Number(double number)
    {
        if (!double.IsFinite(number))
        {
            return "null";
        }
        if (Math.Abs(number) < 1e15 && Math.Floor(number) == number)
        {
            return ((long)number).ToString(CultureInfo.InvariantCulture);
        }
        // "R" gives the shortest digits that read back the same, as in JavaScript, but with another layout.
        var text = Math.Abs(number).ToString("E16", CultureInfo.InvariantCulture);
        var shortest = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture);
        var mark = shortest.IndexOf('E');
        var mantissa = mark < 0 ? shortest : shortest[..mark];
        var point = mantissa.IndexOf('.');
        var digits = mantissa.Replace(".", "").TrimStart('0').TrimEnd('0');
        var exponent = int.Parse(text.AsSpan(text.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (mark >= 0)
        {
            exponent = int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) + (point < 0 ? mantissa.Length : point) - 1;
        }
        else if (point > 0 && mantissa[0] != '0')
        {
            exponent = point - 1;
        }
        else if (point < 0)
        {
            exponent = mantissa.Length - 1;
        }
        var sign = number < 0 ? "-" : "";
        if (exponent is >= 21 or < -6)
        {
            return $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent)}";
        }
        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        }
        return digits.Length <= exponent + 1
            ? sign + digits.PadRight(exponent + 1, '0')
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    private static object? ReadValue(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, object?>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var key = ReadString(ref reader);
                    reader.Read();
                    members[key] = ReadValue(ref reader);
                }
                return members;
            case JsonTokenType.StartArray:
                var elements = new List<object?>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    elements.Add(ReadValue(ref reader));
                }
                return elements;
            case JsonTokenType.String:
                return ReadString(ref reader);
            case JsonTokenType.Number:
                return reader.GetDouble();
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False:
                return false;
            default:
                return null;
        }
    }

    private static string ReadString(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
        }
        var raw = System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
        var builder = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                builder.Append(raw[i]);
                continue;
            }
            i++;
            if (raw[i] == 'u')
            {
                builder.Append((char)ushort.Parse(raw.AsSpan(i + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 4;
            }
            else
            {
                builder.Append(raw[i] switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var c => c });
            }
        }
        return builder.ToString();
    }

    private static void Write(StringBuilder builder, object? value, int depth)
    {
        if (depth > AnyCodec.MaxDepth)
        {
            throw new ArgumentException($"Values nest deeper than {AnyCodec.MaxDepth}.", nameof(value));
        }
        switch (value)
        {
            case null:
                builder.Append("null");
                break;
            case bool flag:
                builder.Append(flag ? "true" : "false");
                break;
            case string text:
                WriteString(builder, text);
                break;
            case JsonElement json:
                Write(builder, AnyCodec.FromJson(json), depth);
                break;
            case BigInteger:
                throw AnyCodec.Unsupported(value);
            case double or float or int or long or uint or ulong or short or ushort or byte or sbyte or decimal:
                builder.Append(Number(Convert.ToDouble(value, CultureInfo.InvariantCulture)));
                break;
            case byte[] buffer:
                WriteObject(builder, buffer.Select((element, index) => KeyValuePair.Create(index.ToString(CultureInfo.InvariantCulture), (object?)element)), depth);
                break;
            case IEnumerable<KeyValuePair<string, object?>> members:
                WriteObject(builder, AnyCodec.InScriptOrder(members), depth);
                break;
            case IDictionary dictionary:
                WriteObject(builder, AnyCodec.InScriptOrder(AnyCodec.Members(dictionary)), depth);
                break;
            case IEnumerable sequence:
                var separator = '[';
                foreach (var element in sequence)
                {
                    builder.Append(separator);
                    Write(builder, element, depth + 1);
                    separator = ',';
                }
                builder.Append(separator == '[' ? "[]" : "]");
                break;
            default:
                throw AnyCodec.Unsupported(value);
        }
    }

    private static void WriteObject(StringBuilder builder, IEnumerable<KeyValuePair<string, object?>> members, int depth)
    {
        var separator = '{';
        foreach (var (key, value) in members)
        {
            builder.Append(separator);
            WriteString(builder, key);
            builder.Append(':');
            Write(builder, value, depth + 1);
            separator = ',';
        }
        builder.Append(separator == '{' ? "{}" : "}");
    }

    private static void WriteString(StringBuilder builder, string text)
    {
        builder.Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '"' or '\\':
                    builder.Append('\\').Append(c);
                    break;
                case '\b':
                    builder.Append("\\b");
                    break;
                case '\f':
                    builder.Append("\\f");
                    break;
                case '\n':
                    builder.Append("\\n");
                    break;
                case '\r':
                    builder.Append("\\r");
                    break;
                case '\t':
                    builder.Append("\\t");
                    break;
                case var _ when char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]):
                    builder.Append(c).Append(text[++i]);
                    break;
                case var _ when c < ' ' || char.IsSurrogate(c):
                    builder.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                    break;
                default:
                    builder.Append(c);
                    break;
            }
        }
        builder.Append('"');
    }
}
