using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Reads the columns of an update in format v2, see <see cref="UpdateColumns"/>. Every method throws <see cref="CrdtDecodingException"/> when its column
/// ends early or holds what can't be. To be disposed. Source: <c>yjs/src/utils/UpdateDecoder.js</c>.
/// </summary>
internal ref struct UpdateDecoderV2
{
    private IntDiffReader keyClocks;
    private UintReader clients;
    private IntDiffReader leftClocks;
    private IntDiffReader rightClocks;
    private ByteReader infos;
    private StringReader strings;
    private ByteReader parentInfos;
    private UintReader typeRefs;
    private UintReader lengths;
    private List<(int Start, int Length)>? keys;

    /// <summary>What has no column.</summary>
    public LibDecoder Rest;

    public UpdateDecoderV2(ReadOnlySpan<byte> update)
    {
        Rest = new(update);
        if (Rest.ReadVarUint() != 0)
        {
            throw new CrdtDecodingException("The update announces features that are not known here: is it one of format v2?");
        }
        keyClocks = new(Rest.ReadVarBytes());
        clients = new(Rest.ReadVarBytes());
        leftClocks = new(Rest.ReadVarBytes());
        rightClocks = new(Rest.ReadVarBytes());
        infos = new(Rest.ReadVarBytes());
        var text = Rest.ReadVarBytes();
        parentInfos = new(Rest.ReadVarBytes());
        typeRefs = new(Rest.ReadVarBytes());
        lengths = new(Rest.ReadVarBytes());
        // Last, as it rents a buffer: nothing after it can throw here.
        strings = new(text);
    }

    public void Dispose() => strings.Dispose();

    public ulong ReadClient() => clients.Read();

    public byte ReadInfo() => infos.Read();

    public (ulong Client, ulong Clock) ReadLeftId() => (clients.Read(), leftClocks.Read());

    public (ulong Client, ulong Clock) ReadRightId() => (clients.Read(), rightClocks.Read());

    public bool ReadParentInfo() => parentInfos.Read() == 1;

    public ReadOnlySpan<char> ReadString()
    {
        var (start, length) = strings.Read();
        return strings.Text(start, length);
    }

    public ReadOnlySpan<char> ReadKey()
    {
        var clock = keyClocks.Read();
        if (keys is not null && clock < (ulong)keys.Count)
        {
            return strings.Text(keys[(int)clock].Start, keys[(int)clock].Length);
        }
        var read = strings.Read();
        (keys ??= []).Add(read);
        return strings.Text(read.Start, read.Length);
    }

    public ulong ReadTypeRef() => typeRefs.Read();

    public ulong ReadLength() => lengths.Read();

    private ref struct UintReader(ReadOnlySpan<byte> bytes)
    {
        private LibDecoder decoder = new(bytes);
        private ulong value;
        private ulong count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong Read()
        {
            if (count == 0)
            {
                value = decoder.ReadSigned(out var repeats);
                count = repeats ? decoder.ReadVarUint() + 2 : 1;
            }
            count--;
            return value;
        }
    }

    private ref struct IntDiffReader(ReadOnlySpan<byte> bytes)
    {
        private LibDecoder decoder = new(bytes);
        private long value;
        private long difference;
        private ulong count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong Read()
        {
            if (count == 0)
            {
                var magnitude = (long)decoder.ReadSigned(out var negative);
                var encoded = negative ? -magnitude : magnitude;
                difference = encoded >> 1;
                count = (encoded & 1) != 0 ? decoder.ReadVarUint() + 2 : 1;
            }
            count--;
            value += difference;
            if ((ulong)value > LibDecoder.MaxInteger)
            {
                throw new CrdtDecodingException("Clock out of range.");
            }
            return (ulong)value;
        }
    }

    private ref struct ByteReader(ReadOnlySpan<byte> bytes)
    {
        private LibDecoder decoder = new(bytes);
        private byte value;
        private ulong count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte Read()
        {
            if (count == 0)
            {
                value = decoder.ReadByte();
                count = decoder.IsAtEnd ? ulong.MaxValue : decoder.ReadVarUint() + 1;
            }
            count--;
            return value;
        }
    }

    private ref struct StringReader
    {
        private readonly char[] chars;
        private readonly int length;
        private UintReader lengths;
        private int position;

        public StringReader(ReadOnlySpan<byte> column)
        {
            var decoder = new LibDecoder(column);
            var utf8 = decoder.ReadVarStringBytes();
            lengths = new(column[decoder.Position..]);
            chars = ArrayPool<char>.Shared.Rent(utf8.Length);
            Utf8.ToUtf16(utf8, chars, out _, out length);
        }

        public (int Start, int Length) Read()
        {
            var count = lengths.Read();
            if (count > (ulong)(length - position))
            {
                throw new CrdtDecodingException("A string reaches beyond the strings there are.");
            }
            var start = position;
            position += (int)count;
            return (start, (int)count);
        }

        public readonly ReadOnlySpan<char> Text(int start, int count) => chars.AsSpan(start, count);

        public readonly void Dispose()
        {
            if (chars is not null)
            {
                ArrayPool<char>.Shared.Return(chars);
            }
        }
    }
}
