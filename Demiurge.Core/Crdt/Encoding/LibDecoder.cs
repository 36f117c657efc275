using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Reads lib0's binary encoding from a span: variable-length integers, length-prefixed strings (UTF-8) and buffers.
/// Every method throws <see cref="CrdtDecodingException"/> when the bytes end early or are malformed, and allocates no more
/// than the bytes at hand can justify. Source: <c>lib0/decoding.js</c>.
/// </summary>
public ref struct LibDecoder
{
    /// <summary>The largest integer JavaScript holds exactly, and so the largest that the encoding may carry.</summary>
    public const ulong MaxInteger = (1UL << 53) - 1;

    private readonly ReadOnlySpan<byte> bytes;
    private int position;

    /// <summary>Begins at the first byte. The bytes are not copied.</summary>
    public LibDecoder(ReadOnlySpan<byte> bytes)
    {
        this.bytes = bytes;
        position = 0;
    }

    /// <summary>Offset of the next byte.</summary>
    public readonly int Position => position;

    /// <summary>Number of bytes not read yet.</summary>
    public readonly int Remaining => bytes.Length - position;

    /// <summary>Whether all bytes have been read.</summary>
    public readonly bool IsAtEnd => position == bytes.Length;

    /// <summary>What was read between <paramref name="start"/> and the current position.</summary>
    internal readonly ReadOnlySpan<byte> Since(int start) => bytes[start..position];

    /// <summary>Whether the next byte is there and is this one.</summary>
    internal readonly bool NextIs(byte value) => position < bytes.Length && bytes[position] == value;

    /// <summary>The next byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadByte()
    {
        if ((uint)position >= (uint)bytes.Length)
        {
            ThrowEnd();
        }
        return bytes[position++];
    }

    /// <summary>An unsigned integer of at most 53 bits, 7 bits a byte, lowest first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadVarUint()
    {
        var at = position;
        if ((uint)at < (uint)bytes.Length && bytes[at] < 0x80)
        {
            position = at + 1;
            return bytes[at];
        }
        return ReadLongVarUint();
    }

    private ulong ReadLongVarUint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 56; shift += 7)
        {
            var b = ReadByte();
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                if (value > MaxInteger)
                {
                    break;
                }
                return value;
            }
        }
        throw new CrdtDecodingException($"Integer out of range at byte {position}.");
    }

    /// <summary>An unsigned integer that must not exceed <paramref name="max"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadVarInt32(int max = int.MaxValue)
    {
        var value = ReadVarUint();
        if (value > (ulong)max)
        {
            ThrowRange();
        }
        return (int)value;
    }

    /// <summary>A signed integer: 6 bits and the sign in the first byte, then 7 bits a byte. Negative zero keeps its sign.</summary>
    public double ReadVarInt()
    {
        var magnitude = ReadSigned(out var negative);
        return negative ? -(double)magnitude : magnitude;
    }

    /// <summary>A signed integer by magnitude and sign.</summary>
    internal ulong ReadSigned(out bool negative)
    {
        var b = ReadByte();
        negative = (b & 0x40) != 0;
        ulong value = (ulong)(b & 0x3f);
        var shift = 6;
        while (b >= 0x80)
        {
            if (shift > 55)
            {
                ThrowRange();
            }
            b = ReadByte();
            value |= (ulong)(b & 0x7f) << shift;
            shift += 7;
        }
        if (value > MaxInteger)
        {
            ThrowRange();
        }
        return value;
    }

    /// <summary>The next <paramref name="count"/> bytes, not copied.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (count < 0 || count > Remaining)
        {
            ThrowEnd();
        }
        var span = bytes.Slice(position, count);
        position += count;
        return span;
    }

    /// <summary>A length-prefixed buffer, not copied.</summary>
    public ReadOnlySpan<byte> ReadVarBytes()
    {
        var length = ReadVarUint();
        if (length > (ulong)Remaining)
        {
            ThrowEnd();
        }
        return ReadBytes((int)length);
    }

    /// <summary>The UTF-8 bytes of a length-prefixed string, checked to be well-formed.</summary>
    public ReadOnlySpan<byte> ReadVarStringBytes()
    {
        var utf8 = ReadVarBytes();
        if (!Utf8.IsValid(utf8))
        {
            throw new CrdtDecodingException($"Malformed UTF-8 in the string that ends at byte {position}.");
        }
        return utf8;
    }

    /// <summary>A length-prefixed string.</summary>
    public string ReadVarString() => System.Text.Encoding.UTF8.GetString(ReadVarStringBytes());

    internal float ReadFloat32() => BinaryPrimitives.ReadSingleBigEndian(ReadBytes(4));

    internal double ReadFloat64() => BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(8));

    internal long ReadBigInt64() => BinaryPrimitives.ReadInt64BigEndian(ReadBytes(8));

    private readonly void ThrowEnd() => throw new CrdtDecodingException($"Unexpected end of {bytes.Length} bytes.");

    private readonly void ThrowRange() => throw new CrdtDecodingException($"Integer out of range at byte {position}.");
}
