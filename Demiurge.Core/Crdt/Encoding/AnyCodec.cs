using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Demiurge.Core.Crdt;

/// <summary>
/// lib0's self-describing values ("any"): a type byte from 116 (bytes) to 127 (undefined), then the value.
/// Source: <c>readAny</c> and <c>writeAny</c> in lib0.
/// </summary>
internal static class AnyCodec
{
    /// <summary>How deep values may nest. JavaScript has no limit but its stack; honest documents stay far below.</summary>
    public const int MaxDepth = 256;

    private const double MaxVarInt = int.MaxValue;

    /// <summary>Walks over one value and checks it, without keeping anything.</summary>
    public static void Skip(ref LibDecoder decoder, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            throw new CrdtDecodingException($"Values nest deeper than {MaxDepth}.");
        }
        var type = decoder.ReadByte();
        switch (type)
        {
            case 127 or 126 or 121 or 120:
                break;
            case 125:
                decoder.ReadVarInt();
                break;
            case 124:
                decoder.ReadBytes(4);
                break;
            case 123 or 122:
                decoder.ReadBytes(8);
                break;
            case 119:
                decoder.ReadVarStringBytes();
                break;
            case 118:
                for (var count = decoder.ReadVarUint(); count > 0; count--)
                {
                    decoder.ReadVarStringBytes();
                    Skip(ref decoder, depth + 1);
                }
                break;
            case 117:
                for (var count = decoder.ReadVarUint(); count > 0; count--)
                {
                    Skip(ref decoder, depth + 1);
                }
                break;
            case 116:
                decoder.ReadVarBytes();
                break;
            default:
                throw new CrdtDecodingException($"Unknown value type {type}.");
        }
    }

    /// <summary>One value. Numbers are double, a bigint is long, undefined is null.</summary>
    /// <param name="decoder">Where it begins.</param>
    /// <param name="depth">How deep it lies.</param>
    /// <param name="omitUndefined">Whether members that are undefined are left out, as JSON leaves them out.</param>
    public static object? Read(ref LibDecoder decoder, int depth = 0, bool omitUndefined = false)
    {
        if (depth > MaxDepth)
        {
            throw new CrdtDecodingException($"Values nest deeper than {MaxDepth}.");
        }
        var type = decoder.ReadByte();
        switch (type)
        {
            case 127 or 126:
                return null;
            case 125:
                return decoder.ReadVarInt();
            case 124:
                return (double)decoder.ReadFloat32();
            case 123:
                return decoder.ReadFloat64();
            case 122:
                return decoder.ReadBigInt64();
            case 121:
                return false;
            case 120:
                return true;
            case 119:
                return decoder.ReadVarString();
            case 118:
                var members = new Dictionary<string, object?>();
                for (var count = decoder.ReadVarUint(); count > 0; count--)
                {
                    var key = decoder.ReadVarString();
                    if (omitUndefined && decoder.NextIs(127))
                    {
                        decoder.ReadByte();
                        members.Remove(key);
                        continue;
                    }
                    members[key] = Read(ref decoder, depth + 1, omitUndefined);
                }
                return members;
            case 117:
                var length = decoder.ReadVarUint();
                // Room for few at first: lists in lists could ask for the rest of the bytes again and again.
                var elements = new List<object?>((int)Math.Min(length, 16));
                for (; length > 0; length--)
                {
                    elements.Add(Read(ref decoder, depth + 1, omitUndefined));
                }
                return elements;
            case 116:
                return decoder.ReadVarBytes().ToArray();
            default:
                throw new CrdtDecodingException($"Unknown value type {type}.");
        }
    }

    /// <exception cref="ArgumentException">The value, or one inside it, is of a type that has no counterpart in JavaScript.</exception>
    public static void Write(LibEncoder encoder, object? value, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            throw new ArgumentException($"Values nest deeper than {MaxDepth}.", nameof(value));
        }
        switch (value)
        {
            case null:
                encoder.WriteByte(126);
                break;
            case bool flag:
                encoder.WriteByte(flag ? (byte)120 : (byte)121);
                break;
            case string text:
                encoder.WriteByte(119);
                encoder.WriteVarString(text);
                break;
            case byte[] buffer:
                encoder.WriteByte(116);
                encoder.WriteVarBytes(buffer);
                break;
            case BigInteger big:
                encoder.WriteByte(122);
                encoder.WriteBigInt64((long)big);
                break;
            case long wide when Math.Abs((decimal)wide) > LibDecoder.MaxInteger:
                encoder.WriteByte(122);
                encoder.WriteBigInt64(wide);
                break;
            case JsonElement json:
                Write(encoder, FromJson(json), depth);
                break;
            case double or float or int or long or uint or ulong or short or ushort or byte or sbyte or decimal:
                WriteNumber(encoder, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case IEnumerable<KeyValuePair<string, object?>> members:
                WriteObject(encoder, members, depth);
                break;
            case IDictionary dictionary:
                WriteObject(encoder, Members(dictionary), depth);
                break;
            case IEnumerable sequence:
                var elements = sequence as ICollection ?? sequence.Cast<object?>().ToList();
                encoder.WriteByte(117);
                encoder.WriteVarUint((uint)elements.Count);
                foreach (var element in elements)
                {
                    Write(encoder, element, depth + 1);
                }
                break;
            default:
                throw Unsupported(value);
        }
    }

    public static ArgumentException Unsupported(object value) => new(
        $"A value of type {value.GetType()} can't be stored in a shared type: use null, bool, a number, string, byte[], a list or a dictionary of these, or a new shared type.");

    /// <summary>The members of a dictionary with keys that are strings, in JavaScript's order.</summary>
    public static List<KeyValuePair<string, object?>> InScriptOrder(IEnumerable<KeyValuePair<string, object?>> members)
    {
        var ordered = members.ToList();
        if (ordered.Exists(member => IsArrayIndex(member.Key)))
        {
            // Integer-like keys come first, ascending; the others follow in order of insertion.
            ordered = [.. ordered.Where(member => IsArrayIndex(member.Key)).OrderBy(member => uint.Parse(member.Key, CultureInfo.InvariantCulture)),
                .. ordered.Where(member => !IsArrayIndex(member.Key))];
        }
        return ordered;
    }

    public static IEnumerable<KeyValuePair<string, object?>> Members(IDictionary dictionary)
    {
        foreach (DictionaryEntry entry in dictionary)
        {
            yield return new(entry.Key as string ?? throw Unsupported(dictionary), entry.Value);
        }
    }

    public static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, FromJson(member.Value))).ToList(),
        JsonValueKind.Array => json.EnumerateArray().Select(FromJson).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static void WriteNumber(LibEncoder encoder, double number)
    {
        if (Math.Abs(number) <= MaxVarInt && Math.Floor(number) == number)
        {
            encoder.WriteByte(125);
            encoder.WriteVarInt((ulong)Math.Abs(number), double.IsNegative(number));
        }
        else if ((float)number == number)
        {
            encoder.WriteByte(124);
            encoder.WriteFloat32((float)number);
        }
        else
        {
            encoder.WriteByte(123);
            encoder.WriteFloat64(number);
        }
    }

    private static void WriteObject(LibEncoder encoder, IEnumerable<KeyValuePair<string, object?>> members, int depth)
    {
        var ordered = InScriptOrder(members);
        encoder.WriteByte(118);
        encoder.WriteVarUint((uint)ordered.Count);
        foreach (var (key, value) in ordered)
        {
            encoder.WriteVarString(key);
            Write(encoder, value, depth + 1);
        }
    }

    private static bool IsArrayIndex(string key) =>
        key.Length is > 0 and <= 10 && (key[0] != '0' || key.Length == 1) && key.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0
        && ulong.Parse(key, CultureInfo.InvariantCulture) < uint.MaxValue;
}
