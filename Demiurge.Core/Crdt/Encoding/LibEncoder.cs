using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Writes lib0's binary encoding into a pooled buffer that grows as needed. Not thread-safe. Dispose returns the buffer;
/// <see cref="ToArray"/> copies what was written. Source: <c>lib0/encoding.js</c>.
/// </summary>
public sealed class LibEncoder : IDisposable
{
    private byte[] buffer;
    private int length;

    /// <summary>Rents a buffer of at least so many bytes.</summary>
    public LibEncoder(int capacity = 256) => buffer = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>Number of bytes written.</summary>
    public int Length => length;

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>A copy of what was written.</summary>
    public byte[] ToArray() => Written.ToArray();

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Clear() => length = 0;

    internal void Truncate(int newLength) => length = newLength;

    /// <summary>One byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteByte(byte value)
    {
        if (length == buffer.Length)
        {
            Grow(1);
        }
        buffer[length++] = value;
    }

    /// <summary>An unsigned integer, 7 bits a byte, lowest first. What Yjs is to read must stay below 2^53.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteVarUint(ulong value)
    {
        while (value > 0x7f)
        {
            WriteByte((byte)(0x80 | (value & 0x7f)));
            value >>= 7;
        }
        WriteByte((byte)value);
    }

    /// <summary>A signed integer of magnitude below 2^53; the sign is separate, as negative zero exists.</summary>
    public void WriteVarInt(ulong magnitude, bool negative)
    {
        WriteByte((byte)((magnitude > 0x3f ? 0x80u : 0) | (negative ? 0x40u : 0) | (uint)(magnitude & 0x3f)));
        magnitude >>= 6;
        while (magnitude > 0)
        {
            WriteByte((byte)((magnitude > 0x7f ? 0x80u : 0) | (uint)(magnitude & 0x7f)));
            magnitude >>= 7;
        }
    }

    /// <summary>Bytes as they are, without their length.</summary>
    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
        length += value.Length;
    }

    /// <summary>Length-prefixed bytes.</summary>
    public void WriteVarBytes(ReadOnlySpan<byte> value)
    {
        WriteVarUint((uint)value.Length);
        WriteBytes(value);
    }

    /// <summary>A length-prefixed UTF-8 string; a lone surrogate becomes U+FFFD, as in JavaScript's TextEncoder.</summary>
    public void WriteVarString(ReadOnlySpan<char> value)
    {
        if (value.Length <= 42)
        {
            // At most 126 bytes of UTF-8: the length prefix is one byte.
            var target = Reserve(1 + (value.Length * 3));
            Utf8.FromUtf16(value, target[1..], out _, out var shortLength);
            target[0] = (byte)shortLength;
            length += 1 + shortLength;
            return;
        }
        var count = System.Text.Encoding.UTF8.GetByteCount(value);
        WriteVarUint((uint)count);
        Utf8.FromUtf16(value, Reserve(count), out _, out var written);
        length += written;
    }

    internal void WriteFloat32(float value)
    {
        BinaryPrimitives.WriteSingleBigEndian(Reserve(4), value);
        length += 4;
    }

    internal void WriteFloat64(double value)
    {
        BinaryPrimitives.WriteDoubleBigEndian(Reserve(8), value);
        length += 8;
    }

    internal void WriteBigInt64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value);
        length += 8;
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        buffer = [];
        length = 0;
    }

    private Span<byte> Reserve(int count)
    {
        if (buffer.Length - length < count)
        {
            Grow(count);
        }
        return buffer.AsSpan(length);
    }

    private void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(length + count), Math.Max(256, buffer.Length * 2)));
        Written.CopyTo(larger);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        buffer = larger;
    }
}
