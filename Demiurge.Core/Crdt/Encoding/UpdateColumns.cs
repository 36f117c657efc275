using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>
/// An update in format v2 while it is being written: a feature byte (0), nine columns each with its length in bytes, and the rest. A column holds one kind
/// of number of all structs, run-length encoded, so that a run of typing costs next to nothing. Rented for one update at a time and kept by
/// the thread: writing an update allocates its result only. Source: <c>UpdateEncoderV2</c> in <c>yjs/src/utils/UpdateEncoder.js</c>.
/// </summary>
internal sealed class UpdateColumns
{
    /// <summary>Buffers beyond this are not kept for the next update.</summary>
    private const int MaxKept = 1 << 20;

    [ThreadStatic]
    private static UpdateColumns? spare;

    private readonly IntDiffColumn keyClocks = new();
    private int nextKey;

    private UpdateColumns() { }

    public UintColumn Clients { get; } = new();

    public IntDiffColumn LeftClocks { get; } = new();

    public IntDiffColumn RightClocks { get; } = new();

    public ByteColumn Infos { get; } = new();

    public StringColumn Strings { get; } = new();

    public ByteColumn ParentInfos { get; } = new();

    public UintColumn TypeRefs { get; } = new();

    public UintColumn Lengths { get; } = new();

    public LibEncoder Rest { get; } = new(64);

    /// <summary>Where the last deleted range ended: clocks of ranges are written as differences.</summary>
    public int DeleteClock { get; set; }

    public static UpdateColumns Rent()
    {
        var columns = spare ?? new();
        spare = null;
        return columns;
    }

    /// <summary>Ends the update and writes it; what was rented is not to be used afterwards.</summary>
    public void Finish(LibEncoder update)
    {
        update.WriteByte(0);
        update.WriteVarBytes(keyClocks.Finish());
        update.WriteVarBytes(Clients.Finish());
        update.WriteVarBytes(LeftClocks.Finish());
        update.WriteVarBytes(RightClocks.Finish());
        update.WriteVarBytes(Infos.Written);
        update.WriteVarBytes(Strings.Finish());
        update.WriteVarBytes(ParentInfos.Written);
        update.WriteVarBytes(TypeRefs.Finish());
        update.WriteVarBytes(Lengths.Finish());
        update.WriteBytes(Rest.Written);
        Return();
    }

    /// <summary>Ends the update; what was rented is not to be used afterwards.</summary>
    public byte[] Finish()
    {
        using var update = new LibEncoder(Rest.Length + Strings.Capacity + 64);
        Finish(update);
        return update.ToArray();
    }

    /// <summary>Gives the columns back without an update.</summary>
    public void Return()
    {
        if (Rest.Length + Strings.Capacity > MaxKept)
        {
            return;
        }
        keyClocks.Clear();
        Clients.Clear();
        LeftClocks.Clear();
        RightClocks.Clear();
        Infos.Clear();
        Strings.Clear();
        ParentInfos.Clear();
        TypeRefs.Clear();
        Lengths.Clear();
        Rest.Clear();
        nextKey = 0;
        spare = this;
    }

    /// <summary>A key follows among the strings. Yjs has a table of keys in mind here but never refers to it: every key counts as a new one.</summary>
    public void NextKey() => keyClocks.Write(nextKey++);
}

/// <summary>lib0's UintOptRleEncoder: a value that occurs once as a positive integer, one that repeats as a negative one (zero too) and how often less two.</summary>
internal sealed class UintColumn
{
    private readonly LibEncoder bytes = new(64);
    private ulong value;
    private int count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(ulong next)
    {
        if (next != value)
        {
            Flush();
            value = next;
            count = 0;
        }
        count++;
    }

    public ReadOnlySpan<byte> Finish()
    {
        Flush();
        count = 0;
        return bytes.Written;
    }

    public void Clear()
    {
        bytes.Clear();
        value = 0;
        count = 0;
    }

    private void Flush()
    {
        if (count > 0)
        {
            bytes.WriteVarInt(value, count > 1);
            if (count > 1)
            {
                bytes.WriteVarUint((uint)count - 2);
            }
        }
    }
}

/// <summary>lib0's IntDiffOptRleEncoder: differences, doubled, plus one when how often less two follows. Negative ones keep their sign.</summary>
internal sealed class IntDiffColumn
{
    private readonly LibEncoder bytes = new(64);
    private int value;
    private long difference;
    private int count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(int next)
    {
        var step = (long)next - value;
        if (step != difference)
        {
            Flush();
            difference = step;
            count = 0;
        }
        value = next;
        count++;
    }

    public ReadOnlySpan<byte> Finish()
    {
        Flush();
        count = 0;
        return bytes.Written;
    }

    public void Clear()
    {
        bytes.Clear();
        value = 0;
        difference = 0;
        count = 0;
    }

    private void Flush()
    {
        if (count > 0)
        {
            var encoded = (difference * 2) + (count > 1 ? 1 : 0);
            bytes.WriteVarInt((ulong)Math.Abs(encoded), encoded < 0);
            if (count > 1)
            {
                bytes.WriteVarUint((uint)count - 2);
            }
        }
    }
}

/// <summary>lib0's RleEncoder of bytes: a byte, then how often it repeats; the last one repeats for ever.</summary>
internal sealed class ByteColumn
{
    private readonly LibEncoder bytes = new(64);
    private int value = -1;
    private int count;

    public ReadOnlySpan<byte> Written => bytes.Written;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(byte next)
    {
        if (next != value)
        {
            if (count > 0)
            {
                bytes.WriteVarUint((uint)count - 1);
            }
            bytes.WriteByte(next);
            value = next;
            count = 0;
        }
        count++;
    }

    public void Clear()
    {
        bytes.Clear();
        value = -1;
        count = 0;
    }
}

/// <summary>
/// lib0's StringEncoder: all strings as one, then their lengths in UTF-16 units. They are joined before they become UTF-8: halves of a surrogate pair
/// that two strings hold find each other, as in JavaScript.
/// </summary>
internal sealed class StringColumn
{
    private readonly UintColumn lengths = new();
    private readonly LibEncoder bytes = new(64);
    private char[] chars = ArrayPool<char>.Shared.Rent(64);
    private int used;

    public int Capacity => chars.Length;

    public void Write(ReadOnlySpan<char> value)
    {
        value.CopyTo(Reserve(value.Length));
        used += value.Length;
        lengths.Write((uint)value.Length);
    }

    /// <param name="utf8">Well-formed UTF-8.</param>
    public void WriteUtf8(ReadOnlySpan<byte> utf8)
    {
        Utf8.ToUtf16(utf8, Reserve(utf8.Length), out _, out var length);
        used += length;
        lengths.Write((uint)length);
    }

    public ReadOnlySpan<byte> Finish()
    {
        bytes.WriteVarString(chars.AsSpan(0, used));
        bytes.WriteBytes(lengths.Finish());
        return bytes.Written;
    }

    public void Clear()
    {
        bytes.Clear();
        lengths.Clear();
        used = 0;
    }

    private Span<char> Reserve(int count)
    {
        if (chars.Length - used < count)
        {
            var larger = ArrayPool<char>.Shared.Rent(Math.Max(checked(used + count), chars.Length * 2));
            chars.AsSpan(0, used).CopyTo(larger);
            ArrayPool<char>.Shared.Return(chars);
            chars = larger;
        }
        return chars.AsSpan(used);
    }
}
