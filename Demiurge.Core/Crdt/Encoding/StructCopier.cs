using System.Buffers;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>Copies a struct from one encoded update to another, whole or from a clock in its middle on.</summary>
internal static class StructCopier
{
    /// <param name="encoder">Where the struct goes.</param>
    /// <param name="source">The struct.</param>
    /// <param name="update">The bytes it points into.</param>
    /// <param name="clock">First clock to be written, within the struct.</param>
    /// <param name="end">Clock after the last; beyond the struct's own only for GC, which has grown by merging.</param>
    public static void Write(LibEncoder encoder, ref StructRef source, ReadOnlySpan<byte> update, int clock, int end)
    {
        if (source.Kind is ContentKind.Gc or ContentKind.Skip)
        {
            encoder.WriteByte((byte)source.Kind);
            encoder.WriteVarUint((uint)(end - clock));
            return;
        }
        var offset = clock - source.Clock;
        // The bit that announces a key stands only where the key does: that is how yjs writes what it has read but not integrated.
        var info = source.Info & (source.KeyLength >= 0 ? 0xff : 0xdf);
        if (offset == 0)
        {
            encoder.WriteByte((byte)info);
            encoder.WriteBytes(update[(source.Start + 1)..source.End]);
            return;
        }
        encoder.WriteByte((byte)(info | 0x80));
        encoder.WriteVarUint(source.Client);
        encoder.WriteVarUint((uint)(clock - 1));
        if (source.HasRightOrigin)
        {
            encoder.WriteVarUint(source.RightClient);
            encoder.WriteVarUint((uint)source.RightClock);
        }
        WriteRest(encoder, ref source, update[source.ContentStart..source.End], offset);
    }

    private static void WriteRest(LibEncoder encoder, ref StructRef source, ReadOnlySpan<byte> content, int offset)
    {
        var decoder = new LibDecoder(content);
        switch (source.Kind)
        {
            case ContentKind.Deleted:
                encoder.WriteVarUint((uint)(source.Length - offset));
                break;
            case ContentKind.String:
                var chars = ArrayPool<char>.Shared.Rent(source.Length);
                Utf8.ToUtf16(decoder.ReadVarBytes(), chars, out _, out var length);
                // Half a surrogate pair becomes U+FFFD on encoding, as it does in yjs.
                encoder.WriteVarString(chars.AsSpan(offset, length - offset));
                ArrayPool<char>.Shared.Return(chars);
                break;
            case ContentKind.Json or ContentKind.Any:
                decoder.ReadVarUint();
                for (var skipped = 0; skipped < offset; skipped++)
                {
                    if (source.Kind == ContentKind.Json)
                    {
                        decoder.ReadVarBytes();
                    }
                    else
                    {
                        AnyCodec.Skip(ref decoder);
                    }
                }
                encoder.WriteVarUint((uint)(source.Length - offset));
                encoder.WriteBytes(decoder.ReadBytes(decoder.Remaining));
                break;
            default:
                throw new InvalidOperationException("A struct of one clock can't be cut.");
        }
    }
}
