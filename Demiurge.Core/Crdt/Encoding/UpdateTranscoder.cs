namespace Demiurge.Core.Crdt;

/// <summary>
/// Turns updates of one format into the other without a document. Inside the engine format v1 is what updates are merged, cut, kept and taken in as:
/// one pass over the columns unfolds a v2 update into it. Source: <c>convertUpdateFormat</c> in <c>yjs/src/utils/updates.js</c>.
/// </summary>
internal static class UpdateTranscoder
{
    /// <summary>How many structs an update may hold whatever its size. In format v2 a struct may take no byte at all.</summary>
    private const long FreeStructs = 1 << 18;

    /// <summary>Structs that each byte of an update may stand for beyond that.</summary>
    private const long StructsPerByte = 4;

    private const long FreeBytes = 1 << 24;
    private const long BytesPerByte = 128;

    /// <summary>Writes a v2 update in format v1. The structs' headers and contents are checked by whoever reads the result.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are not an update, or it unfolds to more than any honest one.</exception>
    public static void ToV1(ReadOnlySpan<byte> update, LibEncoder encoder)
    {
        var columns = new UpdateDecoderV2(update);
        try
        {
            var left = FreeStructs + (StructsPerByte * update.Length);
            var maxLength = encoder.Length + FreeBytes + (BytesPerByte * update.Length);
            var clients = columns.Rest.ReadVarUint();
            encoder.WriteVarUint(clients);
            for (; clients > 0; clients--)
            {
                var structs = columns.Rest.ReadVarUint();
                encoder.WriteVarUint(structs);
                encoder.WriteVarUint(columns.ReadClient());
                encoder.WriteVarUint(columns.Rest.ReadVarUint());
                for (; structs > 0; structs--)
                {
                    WriteStruct(ref columns, encoder);
                    if (--left < 0 || encoder.Length > maxLength)
                    {
                        throw new CrdtDecodingException("The update unfolds to far more than its size justifies.");
                    }
                }
            }
            WriteDeletes(ref columns.Rest, encoder);
        }
        finally
        {
            columns.Dispose();
        }
    }

    /// <summary>Writes a v1 update, of which the table of contents has been made, in format v2.</summary>
    public static byte[] ToV2(UpdateIndex index, ReadOnlySpan<byte> update)
    {
        var columns = UpdateColumns.Rent();
        var encoder = new UpdateEncoderV2(columns);
        columns.Rest.WriteVarUint((uint)index.Sections.Count);
        foreach (var (client, first, count) in index.Sections)
        {
            columns.Rest.WriteVarUint((uint)count);
            encoder.WriteClient(client);
            columns.Rest.WriteVarUint((uint)index[first].Clock);
            for (var i = first; i < first + count; i++)
            {
                WriteStruct(ref index[i], update, encoder);
            }
        }
        index.Deletes.Write(encoder);
        return columns.Finish();
    }

    private static void WriteStruct(ref UpdateDecoderV2 columns, LibEncoder encoder)
    {
        var info = columns.ReadInfo();
        var kind = (ContentKind)(info & 31);
        encoder.WriteByte(info);
        switch (kind)
        {
            case ContentKind.Gc:
                encoder.WriteVarUint(columns.ReadLength());
                return;
            case ContentKind.Skip:
                encoder.WriteVarUint(columns.Rest.ReadVarUint());
                return;
        }
        if ((info & 0x80) != 0)
        {
            WriteId(encoder, columns.ReadLeftId());
        }
        if ((info & 0x40) != 0)
        {
            WriteId(encoder, columns.ReadRightId());
        }
        if ((info & 0xc0) == 0)
        {
            var isRoot = columns.ReadParentInfo();
            encoder.WriteByte(isRoot ? (byte)1 : (byte)0);
            if (isRoot)
            {
                encoder.WriteVarString(columns.ReadString());
            }
            else
            {
                WriteId(encoder, columns.ReadLeftId());
            }
            if ((info & 0x20) != 0)
            {
                encoder.WriteVarString(columns.ReadString());
            }
        }
        WriteContent(ref columns, encoder, kind);
    }

    private static void WriteId(LibEncoder encoder, (ulong Client, ulong Clock) id)
    {
        encoder.WriteVarUint(id.Client);
        encoder.WriteVarUint(id.Clock);
    }

    private static void WriteContent(ref UpdateDecoderV2 columns, LibEncoder encoder, ContentKind kind)
    {
        switch (kind)
        {
            case ContentKind.Deleted:
                encoder.WriteVarUint(columns.ReadLength());
                break;
            case ContentKind.Json:
                var texts = columns.ReadLength();
                encoder.WriteVarUint(texts);
                for (; texts > 0; texts--)
                {
                    var text = columns.ReadString();
                    if (text.IsEmpty)
                    {
                        throw new CrdtDecodingException("An empty text is no JSON.");
                    }
                    encoder.WriteVarString(text);
                }
                break;
            case ContentKind.Binary:
                encoder.WriteVarBytes(columns.Rest.ReadVarBytes());
                break;
            case ContentKind.String:
                encoder.WriteVarString(columns.ReadString());
                break;
            case ContentKind.Embed:
                AnyJson.WriteJson(encoder, ref columns.Rest);
                break;
            case ContentKind.Format:
                encoder.WriteVarString(columns.ReadKey());
                AnyJson.WriteJson(encoder, ref columns.Rest);
                break;
            case ContentKind.Type:
                var type = columns.ReadTypeRef();
                encoder.WriteVarUint(type);
                if (type is (ulong)BranchKind.XmlElement or (ulong)BranchKind.XmlHook)
                {
                    encoder.WriteVarString(columns.ReadKey());
                }
                break;
            case ContentKind.Any:
                var values = columns.ReadLength();
                encoder.WriteVarUint(values);
                var start = columns.Rest.Position;
                for (; values > 0; values--)
                {
                    AnyCodec.Skip(ref columns.Rest);
                }
                encoder.WriteBytes(columns.Rest.Since(start));
                break;
            case ContentKind.Doc:
                encoder.WriteVarString(columns.ReadString());
                var options = columns.Rest.Position;
                AnyCodec.Skip(ref columns.Rest);
                encoder.WriteBytes(columns.Rest.Since(options));
                break;
            default:
                throw new CrdtDecodingException($"Unknown content {(int)kind}.");
        }
    }

    private static void WriteStruct(ref StructRef source, ReadOnlySpan<byte> update, UpdateEncoderV2 encoder)
    {
        switch (source.Kind)
        {
            case ContentKind.Gc:
                encoder.WriteInfo((byte)ContentKind.Gc);
                encoder.WriteLength(source.Length);
                return;
            case ContentKind.Skip:
                encoder.WriteInfo((byte)ContentKind.Skip);
                encoder.Rest.WriteVarUint((uint)source.Length);
                return;
        }
        encoder.WriteInfo((byte)(source.Info & (source.KeyLength >= 0 ? 0xff : 0xdf)));
        if (source.HasOrigin)
        {
            encoder.WriteLeftId(source.OriginClient, source.OriginClock);
        }
        if (source.HasRightOrigin)
        {
            encoder.WriteRightId(source.RightClient, source.RightClock);
        }
        switch (source.ParentKind)
        {
            case ParentReference.Root:
                encoder.WriteParentInfo(true);
                encoder.WriteUtf8(update.Slice(source.NameStart, source.NameLength));
                break;
            case ParentReference.Item:
                encoder.WriteParentInfo(false);
                encoder.WriteLeftId(source.ParentClient, source.ParentClock);
                break;
        }
        if (source.KeyLength >= 0)
        {
            encoder.WriteUtf8(update.Slice(source.KeyStart, source.KeyLength));
        }
        WriteContent(ref source, new LibDecoder(update[source.ContentStart..source.End]), encoder);
    }

    private static void WriteContent(ref StructRef source, LibDecoder content, UpdateEncoderV2 encoder)
    {
        switch (source.Kind)
        {
            case ContentKind.Deleted:
                encoder.WriteLength(source.Length);
                break;
            case ContentKind.Json:
                content.ReadVarUint();
                encoder.WriteLength(source.Length);
                while (!content.IsAtEnd)
                {
                    encoder.WriteUtf8(content.ReadVarBytes());
                }
                break;
            case ContentKind.Binary:
                encoder.Rest.WriteBytes(content.ReadBytes(content.Remaining));
                break;
            case ContentKind.String:
                encoder.WriteUtf8(content.ReadVarBytes());
                break;
            case ContentKind.Embed:
                AnyJson.WriteAny(encoder.Rest, content.ReadVarBytes());
                break;
            case ContentKind.Format:
                encoder.WriteUtf8Key(content.ReadVarBytes());
                AnyJson.WriteAny(encoder.Rest, content.ReadVarBytes());
                break;
            case ContentKind.Type:
                encoder.WriteTypeRef((byte)content.ReadVarUint());
                if (!content.IsAtEnd)
                {
                    encoder.WriteUtf8Key(content.ReadVarBytes());
                }
                break;
            case ContentKind.Any:
                content.ReadVarUint();
                encoder.WriteLength(source.Length);
                encoder.Rest.WriteBytes(content.ReadBytes(content.Remaining));
                break;
            case ContentKind.Doc:
                encoder.WriteUtf8(content.ReadVarBytes());
                encoder.Rest.WriteBytes(content.ReadBytes(content.Remaining));
                break;
        }
    }

    /// <summary>Ranges are differences and lengths less one in format v2.</summary>
    public static void WriteDeletes(ref LibDecoder rest, LibEncoder encoder)
    {
        var clients = rest.ReadVarUint();
        encoder.WriteVarUint(clients);
        for (; clients > 0; clients--)
        {
            encoder.WriteVarUint(rest.ReadVarUint());
            var ranges = rest.ReadVarUint();
            encoder.WriteVarUint(ranges);
            ulong clock = 0;
            for (; ranges > 0; ranges--)
            {
                clock += rest.ReadVarUint();
                var length = rest.ReadVarUint() + 1;
                if (clock + length > LibDecoder.MaxInteger)
                {
                    throw new CrdtDecodingException("A deletion reaches beyond the clocks there are.");
                }
                encoder.WriteVarUint(clock);
                encoder.WriteVarUint(length);
                clock += length;
            }
        }
    }
}
