using System.Buffers.Binary;

namespace Demiurge.Core.Rooms;

/// <summary>A record of a room's log with its place in it.</summary>
/// <param name="IsSnapshot">True for a snapshot that stands for all records up to <paramref name="Seq"/>.</param>
public readonly record struct RoomRecord(long Seq, bool IsSnapshot, ReadOnlyMemory<byte> Bytes);

/// <summary>One update of one room on its way into the log.</summary>
public readonly record struct RoomAppend(Guid ProjectId, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// How room data travels between a gateway and Web (little-endian).
/// <list type="bullet">
/// <item>Pull answer: u32 magic "DRL1", u32 count, then per record i64 seq, u8 snapshot (0/1), u32 length, u32 CRC-32C
/// (<see cref="RoomChecksum"/>), bytes.</item>
/// <item>Append body: u32 magic "DRB1", i64 batch number, u32 count, then per update 16 bytes project id (.NET order), u32 length,
/// u32 CRC-32C (number 0), bytes.</item>
/// </list>
/// Readers throw <see cref="InvalidDataException"/> on anything else, and never allocate more than the input holds. Writers throw
/// it for more than one message can hold, 2 GiB.
/// </summary>
public static class RoomLogWire
{
    private const uint PullMagic = 0x314C5244, AppendMagic = 0x31425244;

    private const int PullHeader = 8, PullRecord = 17, AppendHeader = 16, AppendRecord = 24;

    public static byte[] WritePull(Guid projectId, IReadOnlyList<RoomRecord> records)
    {
        var bytes = new byte[MessageLength(PullHeader, PullRecord, records.Select(record => record.Bytes))];
        var rest = bytes.AsSpan();
        BinaryPrimitives.WriteUInt32LittleEndian(rest, PullMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], (uint)records.Count);
        rest = rest[PullHeader..];
        foreach (var record in records)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, record.Seq);
            rest[8] = record.IsSnapshot ? (byte)1 : (byte)0;
            WriteBody(rest[9..], projectId, record.Seq, record.Bytes.Span);
            rest = rest[(PullRecord + record.Bytes.Length)..];
        }

        return bytes;
    }

    public static RoomRecord[] ReadPull(Guid projectId, ReadOnlyMemory<byte> bytes)
    {
        var count = ReadHeader(bytes.Span, PullMagic, 4, PullHeader, PullRecord);
        var records = new RoomRecord[count];
        var rest = bytes[PullHeader..];
        for (var i = 0; i < count; i++)
        {
            Require(rest.Length >= PullRecord);
            var seq = BinaryPrimitives.ReadInt64LittleEndian(rest.Span);
            var isSnapshot = rest.Span[8] == 1;
            var body = ReadBody(rest[9..], projectId, seq);
            records[i] = new RoomRecord(seq, isSnapshot, body);
            rest = rest[(PullRecord + body.Length)..];
        }

        Require(rest.IsEmpty);
        return records;
    }

    public static byte[] WriteAppend(long batch, IReadOnlyList<RoomAppend> updates)
    {
        var bytes = new byte[MessageLength(AppendHeader, AppendRecord, updates.Select(update => update.Bytes))];
        var rest = bytes.AsSpan();
        BinaryPrimitives.WriteUInt32LittleEndian(rest, AppendMagic);
        BinaryPrimitives.WriteInt64LittleEndian(rest[4..], batch);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[12..], (uint)updates.Count);
        rest = rest[AppendHeader..];
        foreach (var update in updates)
        {
            update.ProjectId.TryWriteBytes(rest);
            WriteBody(rest[16..], update.ProjectId, 0, update.Bytes.Span);
            rest = rest[(AppendRecord + update.Bytes.Length)..];
        }

        return bytes;
    }

    public static (long Batch, IReadOnlyList<RoomAppend> Updates) ReadAppend(ReadOnlyMemory<byte> bytes)
    {
        var count = ReadHeader(bytes.Span, AppendMagic, 12, AppendHeader, AppendRecord);
        var batch = BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[4..]);
        Require(batch > 0);
        var updates = new List<RoomAppend>(count);
        var rest = bytes[AppendHeader..];
        for (var i = 0; i < count; i++)
        {
            Require(rest.Length >= AppendRecord);
            var projectId = new Guid(rest.Span[..16]);
            var body = ReadBody(rest[16..], projectId, 0);
            updates.Add(new RoomAppend(projectId, body));
            rest = rest[(AppendRecord + body.Length)..];
        }

        Require(rest.IsEmpty);
        return (batch, updates);
    }

    private static int MessageLength(int header, int record, IEnumerable<ReadOnlyMemory<byte>> bodies)
    {
        var length = header + bodies.Sum(body => (long)record + body.Length);
        return length <= Array.MaxLength ? (int)length : throw new InvalidDataException($"The room data has {length} bytes, more than one message holds.");
    }

    private static int ReadHeader(ReadOnlySpan<byte> bytes, uint magic, int countAt, int header, int record)
    {
        Require(bytes.Length >= header && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == magic);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[countAt..]);
        Require(count <= (bytes.Length - header) / record);
        return (int)count;
    }

    private static void WriteBody(Span<byte> to, Guid projectId, long seq, ReadOnlySpan<byte> body)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, (uint)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], (uint)RoomChecksum.Of(projectId, seq, body));
        body.CopyTo(to[8..]);
    }

    private static ReadOnlyMemory<byte> ReadBody(ReadOnlyMemory<byte> from, Guid projectId, long seq)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(from.Span);
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(from.Span[4..]);
        Require(length <= from.Length - 8);
        var body = from.Slice(8, (int)length);
        Require(checksum == (uint)RoomChecksum.Of(projectId, seq, body.Span));
        return body;
    }

    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new InvalidDataException("The room data is torn or was altered on its way.");
        }
    }
}
