namespace Demiurge.Core.Crdt;

/// <summary>
/// Where the parts of a struct go: format v1 writes them one after the other, v2 into one column a kind. Implemented by structs, so that the writer is
/// compiled once for each format, without virtual calls. Source: <c>yjs/src/utils/UpdateEncoder.js</c>.
/// </summary>
internal interface IUpdateEncoder
{
    /// <summary>Whether values of embeds and formats are written as "any" (v2) or as JSON text (v1).</summary>
    static abstract bool WritesAny { get; }

    /// <summary>For what has no column of its own: counts, first clocks, values, buffers.</summary>
    LibEncoder Rest { get; }

    void WriteClient(ulong client);

    void WriteInfo(byte info);

    void WriteLeftId(ulong client, int clock);

    void WriteRightId(ulong client, int clock);

    void WriteParentInfo(bool isRoot);

    void WriteString(ReadOnlySpan<char> value);

    void WriteUtf8(ReadOnlySpan<byte> value);

    /// <summary>Key of a format, name of an XML element or hook.</summary>
    void WriteKey(ReadOnlySpan<char> key);

    void WriteUtf8Key(ReadOnlySpan<byte> key);

    void WriteTypeRef(byte type);

    void WriteLength(int length);

    /// <summary>The ranges of another client follow.</summary>
    void BeginDeletes(ulong client, int ranges);

    void WriteDelete(int clock, int length);
}

/// <summary>Format v1: everything in one stream.</summary>
internal readonly struct UpdateEncoderV1(LibEncoder encoder) : IUpdateEncoder
{
    public static bool WritesAny => false;

    public LibEncoder Rest => encoder;

    public void WriteClient(ulong client) => encoder.WriteVarUint(client);

    public void WriteInfo(byte info) => encoder.WriteByte(info);

    public void WriteLeftId(ulong client, int clock)
    {
        encoder.WriteVarUint(client);
        encoder.WriteVarUint((uint)clock);
    }

    public void WriteRightId(ulong client, int clock) => WriteLeftId(client, clock);

    public void WriteParentInfo(bool isRoot) => encoder.WriteByte(isRoot ? (byte)1 : (byte)0);

    public void WriteString(ReadOnlySpan<char> value) => encoder.WriteVarString(value);

    public void WriteUtf8(ReadOnlySpan<byte> value) => encoder.WriteVarBytes(value);

    public void WriteKey(ReadOnlySpan<char> key) => encoder.WriteVarString(key);

    public void WriteUtf8Key(ReadOnlySpan<byte> key) => encoder.WriteVarBytes(key);

    public void WriteTypeRef(byte type) => encoder.WriteByte(type);

    public void WriteLength(int length) => encoder.WriteVarUint((uint)length);

    public void BeginDeletes(ulong client, int ranges)
    {
        encoder.WriteVarUint(client);
        encoder.WriteVarUint((uint)ranges);
    }

    public void WriteDelete(int clock, int length)
    {
        encoder.WriteVarUint((uint)clock);
        encoder.WriteVarUint((uint)length);
    }
}

/// <summary>Format v2, see <see cref="UpdateColumns"/>.</summary>
internal readonly struct UpdateEncoderV2(UpdateColumns columns) : IUpdateEncoder
{
    public static bool WritesAny => true;

    public LibEncoder Rest => columns.Rest;

    public void WriteClient(ulong client) => columns.Clients.Write(client);

    public void WriteInfo(byte info) => columns.Infos.Write(info);

    public void WriteLeftId(ulong client, int clock)
    {
        columns.Clients.Write(client);
        columns.LeftClocks.Write(clock);
    }

    public void WriteRightId(ulong client, int clock)
    {
        columns.Clients.Write(client);
        columns.RightClocks.Write(clock);
    }

    public void WriteParentInfo(bool isRoot) => columns.ParentInfos.Write(isRoot ? (byte)1 : (byte)0);

    public void WriteString(ReadOnlySpan<char> value) => columns.Strings.Write(value);

    public void WriteUtf8(ReadOnlySpan<byte> value) => columns.Strings.WriteUtf8(value);

    public void WriteKey(ReadOnlySpan<char> key)
    {
        columns.NextKey();
        columns.Strings.Write(key);
    }

    public void WriteUtf8Key(ReadOnlySpan<byte> key)
    {
        columns.NextKey();
        columns.Strings.WriteUtf8(key);
    }

    public void WriteTypeRef(byte type) => columns.TypeRefs.Write(type);

    public void WriteLength(int length) => columns.Lengths.Write((uint)length);

    public void BeginDeletes(ulong client, int ranges)
    {
        columns.DeleteClock = 0;
        Rest.WriteVarUint(client);
        Rest.WriteVarUint((uint)ranges);
    }

    public void WriteDelete(int clock, int length)
    {
        Rest.WriteVarUint((uint)(clock - columns.DeleteClock));
        Rest.WriteVarUint((uint)(length - 1));
        columns.DeleteClock = clock + length;
    }
}
