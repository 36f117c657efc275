using Demiurge.Core.Crdt;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// Hocuspocus' messages: a document's name as a string, a varuint type, and a body. Sync, awareness and query awareness have the bodies and numbers of
/// <see cref="Core.Rooms.RoomProtocol"/>. Ping and pong are one byte without a name. Facts: <c>@hocuspocus/provider</c> 4.8.
/// </summary>
internal static class HocuspocusProtocol
{
    public const byte Sync = 0, Awareness = 1, Auth = 2, QueryAwareness = 3, Stateless = 5, BroadcastStateless = 6, Close = 7, SyncStatus = 8, Ping = 9, Pong = 10;

    private const byte Token = 0, Denied = 1, Granted = 2;

    private const int LongestName = 200;

    /// <exception cref="CrdtDecodingException">It is no message.</exception>
    public static (string Name, ulong Type, ReadOnlyMemory<byte> Body) Read(ReadOnlyMemory<byte> message)
    {
        var decoder = new LibDecoder(message.Span);
        var name = decoder.ReadVarString();
        if (name.Length > LongestName)
            throw new CrdtDecodingException($"A document's name has at most {LongestName} characters.");
        var type = decoder.ReadVarUint();
        return (name, type, message[decoder.Position..]);
    }

    /// <exception cref="CrdtDecodingException">It is no auth message.</exception>
    public static string ReadToken(ReadOnlyMemory<byte> body)
    {
        var decoder = new LibDecoder(body.Span);
        if (decoder.ReadVarUint() != Token)
            throw new CrdtDecodingException("Only a token can be shown.");
        return decoder.ReadVarString();
    }

    /// <summary>A message of the room's own protocol (which is at least one byte), under a document's name.</summary>
    public static byte[] Named(string name, ReadOnlySpan<byte> frame)
    {
        using var encoder = new LibEncoder(frame.Length + name.Length + 4);
        encoder.WriteVarString(name);
        encoder.WriteBytes(frame);
        return encoder.ToArray();
    }

    public static byte[] PermissionDenied(string name, string reason) => WithText(name, Denied, reason);

    public static byte[] Authenticated(string name, bool canWrite) => WithText(name, Granted, canWrite ? "read-write" : "readonly");

    /// <summary>The document is closed here; the socket stays.</summary>
    public static byte[] Closed(string name, string reason)
    {
        using var encoder = new LibEncoder();
        encoder.WriteVarString(name);
        encoder.WriteVarUint(Close);
        encoder.WriteVarString(reason);
        return encoder.ToArray();
    }

    /// <summary>One update message was taken, or not. The number is a signed one: 1 or 0, in six bits.</summary>
    public static byte[] Status(string name, bool taken) => Named(name, [SyncStatus, taken ? (byte)1 : (byte)0]);

    private static byte[] WithText(string name, byte kind, string text)
    {
        using var encoder = new LibEncoder();
        encoder.WriteVarString(name);
        encoder.WriteVarUint(Auth);
        encoder.WriteVarUint(kind);
        encoder.WriteVarString(text);
        return encoder.ToArray();
    }
}
