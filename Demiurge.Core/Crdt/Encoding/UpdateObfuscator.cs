using System.Globalization;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Writes an update (format v1) with other content of the same shape: ids, order, lengths and structure stay. What replaces something is the number of the item in which it first
/// occurred, so that equal names stay equal. Source: <c>createObfuscator</c> in <c>yjs/src/utils/updates.js</c>.
/// </summary>
internal sealed class UpdateObfuscator(ObfuscatorOptions options)
{
    private readonly Dictionary<string, string> mapKeys = [];
    private readonly Dictionary<string, string> nodeNames = [];
    private readonly Dictionary<string, string> formatKeys = [];

    /// <summary>Simple values of formats; objects are new ones each time, as they are in Yjs.</summary>
    private readonly Dictionary<object, int> formatValues = [];
    private int number;

    private string Number => number.ToString(CultureInfo.InvariantCulture);

    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public byte[] Obfuscate(ReadOnlySpan<byte> update)
    {
        var index = new UpdateIndex();
        index.Read(update);
        using var encoder = new LibEncoder(update.Length + 256);
        encoder.WriteVarUint((uint)index.Sections.Count);
        foreach (var (client, first, count) in index.Sections)
        {
            encoder.WriteVarUint((uint)count);
            encoder.WriteVarUint(client);
            encoder.WriteVarUint((uint)index[first].Clock);
            for (var i = first; i < first + count; i++)
            {
                ref var source = ref index[i];
                if (source.Kind is ContentKind.Gc or ContentKind.Skip)
                {
                    StructCopier.Write(encoder, ref source, update, source.Clock, source.EndClock);
                    continue;
                }
                WriteItem(encoder, ref source, update);
                number++;
            }
        }
        index.Deletes.Write(new UpdateEncoderV1(encoder));
        return encoder.ToArray();
    }

    private void WriteItem(LibEncoder encoder, ref StructRef source, ReadOnlySpan<byte> update)
    {
        var hasKey = source.KeyLength >= 0;
        encoder.WriteByte((byte)(source.Info & (hasKey ? 0xff : 0xdf)));
        // Everything between the info byte and the key stays as it is.
        var header = update[(source.Start + 1)..source.ContentStart];
        if (hasKey)
        {
            var key = System.Text.Encoding.UTF8.GetString(update.Slice(source.KeyStart, source.KeyLength));
            var prefix = new LibDecoder(update[(source.Start + 1)..]);
            SkipParent(ref prefix);
            encoder.WriteBytes(header[..prefix.Position]);
            encoder.WriteVarString(key.Length == 0 ? key : Replace(mapKeys, key, Number));
        }
        else
        {
            encoder.WriteBytes(header);
        }
        WriteContent(encoder, ref source, update[source.ContentStart..source.End]);
    }

    private static void SkipParent(ref LibDecoder decoder)
    {
        if (decoder.ReadVarUint() == 1)
        {
            decoder.ReadVarBytes();
            return;
        }
        decoder.ReadVarUint();
        decoder.ReadVarUint();
    }

    private void WriteContent(LibEncoder encoder, ref StructRef source, ReadOnlySpan<byte> bytes)
    {
        var content = new LibDecoder(bytes);
        switch (source.Kind)
        {
            case ContentKind.Type:
                var kind = content.ReadVarUint();
                encoder.WriteVarUint(kind);
                if (!content.IsAtEnd)
                {
                    var name = content.ReadVarString();
                    encoder.WriteVarString(options.Yxml ? Replace(nodeNames, name, (BranchKind)kind == BranchKind.XmlHook ? $"hook-{Number}" : $"node-{Number}") : name);
                }
                break;
            case ContentKind.Any:
                encoder.WriteVarUint((uint)source.Length);
                for (var i = 0; i < source.Length; i++)
                {
                    AnyCodec.Write(encoder, (double)number);
                }
                break;
            case ContentKind.Json:
                encoder.WriteVarUint((uint)source.Length);
                for (var i = 0; i < source.Length; i++)
                {
                    encoder.WriteVarString(Number);
                }
                break;
            case ContentKind.Binary:
                encoder.WriteVarBytes([(byte)number]);
                break;
            case ContentKind.Doc when options.Subdocs:
                encoder.WriteVarString(Number);
                AnyCodec.Write(encoder, new Dictionary<string, object?>());
                break;
            case ContentKind.Embed:
                encoder.WriteVarString("{}");
                break;
            case ContentKind.Format when options.Formatting:
                encoder.WriteVarString(Replace(formatKeys, content.ReadVarString(), Number));
                encoder.WriteVarString(ReplaceValue(JsonCodec.Read(content.ReadVarBytes())));
                break;
            case ContentKind.String:
                encoder.WriteVarString(new string((char)('0' + (number % 10)), source.Length));
                break;
            default:
                encoder.WriteBytes(bytes);
                break;
        }
    }

    private static string Replace(Dictionary<string, string> known, string name, string replacement)
    {
        if (!known.TryGetValue(name, out var chosen))
        {
            known.Add(name, chosen = replacement);
        }
        return chosen;
    }

    /// <summary>The end of a format stays its end: null.</summary>
    private string ReplaceValue(object? value)
    {
        var chosen = number;
        switch (value)
        {
            case null:
                return "null";
            case bool or double or string when !formatValues.TryAdd(value, number):
                chosen = formatValues[value];
                break;
        }
        return $$"""{"i":{{chosen.ToString(CultureInfo.InvariantCulture)}}}""";
    }
}
