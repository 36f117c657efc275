namespace Demiurge.Core.Crdt;

/// <summary>
/// Where things are in an encoded update: one struct, with its header read and its content left where it is.
/// </summary>
internal struct StructRef
{
    public ulong Client;
    public int Clock;
    public int Length;
    public byte Info;
    public ParentReference ParentKind;
    public ulong OriginClient;
    public int OriginClock;
    public ulong RightClient;
    public int RightClock;
    public ulong ParentClient;
    public int ParentClock;

    /// <summary>UTF-8 bytes of the root's name, if <see cref="ParentKind"/> is a root.</summary>
    public int NameStart;
    public int NameLength;

    /// <summary>UTF-8 bytes of the key; a negative length is no key.</summary>
    public int KeyStart;
    public int KeyLength;

    /// <summary>The struct begins at Start, its content at ContentStart, and it ends before End.</summary>
    public int Start;
    public int ContentStart;
    public int End;

    public readonly ContentKind Kind => (ContentKind)(Info & 31);

    public readonly bool HasOrigin => (Info & 0x80) != 0;

    public readonly bool HasRightOrigin => (Info & 0x40) != 0;

    public readonly int EndClock => Clock + Length;
}

internal enum ParentReference : byte
{
    /// <summary>Not written: the parent is that of the neighbours.</summary>
    Neighbour,
    Root,
    Item,
}

/// <summary>Structs of one client that follow one another in an update.</summary>
internal record struct ClientSection(ulong Client, int First, int Count);

/// <summary>
/// The table of contents of an update in format v1, made in one pass that checks everything: after <see cref="Read"/> has returned, nothing in
/// the bytes can surprise integration. Format: a varuint number of clients, for each the number of structs, the client id, the first clock and the
/// structs; then the delete set. Source: <c>readClientsStructRefs</c> in <c>yjs/src/utils/encoding.js</c>.
/// </summary>
internal sealed class UpdateIndex
{
    private StructRef[] structs = [];
    private int count;

    public List<ClientSection> Sections { get; } = [];

    public DeleteSet Deletes { get; } = new();

    public int Count => count;

    public ref StructRef this[int index] => ref structs[index];

    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public void Read(ReadOnlySpan<byte> update)
    {
        count = 0;
        Sections.Clear();
        Deletes.Clear();
        var decoder = new LibDecoder(update);
        for (var clients = decoder.ReadVarUint(); clients > 0; clients--)
        {
            var number = decoder.ReadVarUint();
            var client = decoder.ReadVarUint();
            var clock = decoder.ReadVarInt32();
            var first = count;
            Expect((int)Math.Min(number, (ulong)decoder.Remaining / 8));
            for (; number > 0; number--)
            {
                ref var read = ref Next();
                ReadStruct(ref decoder, ref read, client, clock);
                clock += read.Length;
            }
            if (count > first)
            {
                Sections.Add(new(client, first, count - first));
            }
        }
        Deletes.Read(ref decoder);
    }

    /// <summary>Makes room for structs that are said to follow; for no more than the bytes at hand can well hold.</summary>
    private void Expect(int more)
    {
        if (structs.Length - count < more)
        {
            // At least twofold, as there may be as many sections as structs.
            Array.Resize(ref structs, Math.Max(count + more, structs.Length * 2));
        }
    }

    private ref StructRef Next()
    {
        if (count == structs.Length)
        {
            Array.Resize(ref structs, Math.Max(16, count * 2));
        }
        structs[count] = default;
        return ref structs[count++];
    }

    private static void ReadStruct(ref LibDecoder decoder, ref StructRef read, ulong client, int clock)
    {
        read.Client = client;
        read.Clock = clock;
        read.KeyLength = -1;
        read.Start = decoder.Position;
        read.Info = decoder.ReadByte();
        if (read.Kind is not (ContentKind.Gc or ContentKind.Skip))
        {
            ReadHeader(ref decoder, ref read);
        }
        read.ContentStart = decoder.Position;
        var length = ReadContent(ref decoder, read.Kind);
        if (length == 0)
        {
            throw new CrdtDecodingException($"Empty struct at byte {read.Start}.");
        }
        if (length > (ulong)(int.MaxValue - clock))
        {
            throw new CrdtDecodingException($"Clock out of range at byte {read.Start}.");
        }
        read.Length = (int)length;
        read.End = decoder.Position;
    }

    private static void ReadHeader(ref LibDecoder decoder, ref StructRef read)
    {
        if (read.HasOrigin)
        {
            (read.OriginClient, read.OriginClock) = ReadId(ref decoder, ref read);
        }
        if (read.HasRightOrigin)
        {
            (read.RightClient, read.RightClock) = ReadId(ref decoder, ref read);
        }
        if (read.HasOrigin || read.HasRightOrigin)
        {
            return;
        }
        if (decoder.ReadVarUint() == 1)
        {
            read.ParentKind = ParentReference.Root;
            (read.NameStart, read.NameLength) = ReadString(ref decoder);
        }
        else
        {
            read.ParentKind = ParentReference.Item;
            (read.ParentClient, read.ParentClock) = ReadId(ref decoder, ref read);
        }
        if ((read.Info & 0x20) != 0)
        {
            (read.KeyStart, read.KeyLength) = ReadString(ref decoder);
        }
    }

    /// <summary>An id that a struct refers to; it can't be the struct's own or a later one of its client.</summary>
    private static (ulong Client, int Clock) ReadId(ref LibDecoder decoder, ref StructRef read)
    {
        var client = decoder.ReadVarUint();
        var clock = decoder.ReadVarInt32();
        if (client == read.Client && clock >= read.Clock)
        {
            throw new CrdtDecodingException($"The struct at byte {read.Start} refers to itself or to its own future.");
        }
        return (client, clock);
    }

    private static (int Start, int Length) ReadString(ref LibDecoder decoder)
    {
        var length = decoder.ReadVarStringBytes().Length;
        return (decoder.Position - length, length);
    }

    /// <summary>Walks over the content; returns how many clocks it takes.</summary>
    private static ulong ReadContent(ref LibDecoder decoder, ContentKind kind)
    {
        switch (kind)
        {
            case ContentKind.Gc or ContentKind.Skip or ContentKind.Deleted:
                return decoder.ReadVarUint();
            case ContentKind.Json:
                var texts = decoder.ReadVarUint();
                for (var left = texts; left > 0; left--)
                {
                    var text = decoder.ReadVarStringBytes();
                    if (!text.SequenceEqual("undefined"u8))
                    {
                        JsonCodec.Validate(text);
                    }
                }
                return texts;
            case ContentKind.Binary:
                decoder.ReadVarBytes();
                return 1;
            case ContentKind.String:
                return (ulong)System.Text.Encoding.UTF8.GetCharCount(decoder.ReadVarStringBytes());
            case ContentKind.Embed:
                JsonCodec.Validate(decoder.ReadVarStringBytes());
                return 1;
            case ContentKind.Format:
                decoder.ReadVarStringBytes();
                JsonCodec.Validate(decoder.ReadVarStringBytes());
                return 1;
            case ContentKind.Type:
                var type = decoder.ReadVarUint();
                if (type > (ulong)BranchKind.XmlText)
                {
                    throw new CrdtDecodingException($"Unknown shared type {type}.");
                }
                if ((BranchKind)type is BranchKind.XmlElement or BranchKind.XmlHook)
                {
                    decoder.ReadVarStringBytes();
                }
                return 1;
            case ContentKind.Any:
                var values = decoder.ReadVarUint();
                for (var left = values; left > 0; left--)
                {
                    AnyCodec.Skip(ref decoder);
                }
                return values;
            case ContentKind.Doc:
                decoder.ReadVarStringBytes();
                AnyCodec.Skip(ref decoder);
                return 1;
            default:
                throw new CrdtDecodingException($"Unknown content {(int)kind} at byte {decoder.Position}.");
        }
    }
}
