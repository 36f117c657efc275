using Demiurge.Core.Crdt;

namespace Demiurge.Core.Rooms;

/// <summary>Writes the messages of <see cref="RoomProtocol"/>. A frame is written once and shared by everyone it goes to.</summary>
public static class RoomFrames
{
    public static byte[] Step1(ReadOnlySpan<byte> stateVector) => Sync(RoomProtocol.SyncStep1, stateVector);

    public static byte[] Step2(ReadOnlySpan<byte> update) => Sync(RoomProtocol.SyncStep2, update);

    public static byte[] Update(ReadOnlySpan<byte> update) => Sync(RoomProtocol.SyncUpdate, update);

    /// <param name="update">An encoded awareness update.</param>
    public static byte[] Awareness(ReadOnlySpan<byte> update)
    {
        using var encoder = new LibEncoder(update.Length + 12);
        encoder.WriteVarUint(RoomProtocol.Awareness);
        encoder.WriteVarBytes(update);
        return encoder.ToArray();
    }

    public static byte[] Denied(string reason)
    {
        using var encoder = new LibEncoder();
        encoder.WriteVarUint(RoomProtocol.Auth);
        encoder.WriteVarUint(0);
        encoder.WriteVarString(reason);
        return encoder.ToArray();
    }

    public static byte[] Acknowledgement(long updates)
    {
        using var encoder = new LibEncoder(16);
        encoder.WriteVarUint(RoomProtocol.Acknowledgement);
        encoder.WriteVarUint((ulong)updates);
        return encoder.ToArray();
    }

    private static byte[] Sync(uint kind, ReadOnlySpan<byte> payload)
    {
        using var encoder = new LibEncoder(payload.Length + 12);
        encoder.WriteVarUint(RoomProtocol.Sync);
        encoder.WriteVarUint(kind);
        encoder.WriteVarBytes(payload);
        return encoder.ToArray();
    }
}
