using System.Buffers.Binary;
using System.Numerics;

namespace Demiurge.Core.Rooms;

/// <summary>
/// CRC-32C of a log record. Project and number are part of it, so a record that ended up in another place fails as
/// surely as a torn one.
/// </summary>
public static class RoomChecksum
{
    public static long Of(Guid projectId, long seq, ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = stackalloc byte[24];
        projectId.TryWriteBytes(place);
        BinaryPrimitives.WriteInt64LittleEndian(place[16..], seq);
        return Append(Append(uint.MaxValue, place), bytes) ^ uint.MaxValue;
    }

    private static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }
}
