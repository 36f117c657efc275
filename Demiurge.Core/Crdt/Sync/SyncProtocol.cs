namespace Demiurge.Core.Crdt.Sync;

/// <summary>Kind of a sync message, as written on the wire.</summary>
public enum SyncMessageKind
{
    /// <summary>The sender's state vector; to be answered with step 2.</summary>
    Step1 = 0,

    /// <summary>What the receiver lacked according to its state vector.</summary>
    Step2 = 1,

    /// <summary>A change as it happens.</summary>
    Update = 2,
}

/// <summary>A sync message; <see cref="Payload"/> is a state vector or an update and points into the bytes that were read.</summary>
public readonly ref struct SyncMessage(SyncMessageKind kind, ReadOnlySpan<byte> payload)
{
    /// <summary>What it is.</summary>
    public SyncMessageKind Kind { get; } = kind;

    /// <summary>A state vector for step 1, an update (format v1) otherwise.</summary>
    public ReadOnlySpan<byte> Payload { get; } = payload;
}

/// <summary>
/// The sync messages of y-protocols: a varuint kind, then one length-prefixed buffer. y-websocket's envelope (varuint 0) is
/// not part of them. A peer opens with step 1, answers step 1 with step 2, and sends updates. Source: <c>y-protocols/sync.js</c>.
/// </summary>
public static class SyncProtocol
{
    /// <summary>What a peer opens with.</summary>
    public static byte[] WriteStep1(YDoc doc) => Write(SyncMessageKind.Step1, doc.EncodeStateVector());

    /// <param name="doc">The document to send from.</param>
    /// <param name="stateVector">Payload of the peer's step 1.</param>
    /// <exception cref="CrdtDecodingException">The state vector is malformed.</exception>
    public static byte[] WriteStep2(YDoc doc, ReadOnlySpan<byte> stateVector) => Write(SyncMessageKind.Step2, doc.EncodeStateAsUpdate(stateVector));

    /// <summary>A change as it happens, in format v1.</summary>
    public static byte[] WriteUpdate(ReadOnlySpan<byte> update) => Write(SyncMessageKind.Update, update);

    /// <exception cref="CrdtDecodingException">The message is malformed or of unknown kind.</exception>
    public static SyncMessage Read(ref LibDecoder decoder)
    {
        var kind = decoder.ReadVarUint();
        if (kind > (ulong)SyncMessageKind.Update)
        {
            throw new CrdtDecodingException($"Unknown sync message {kind}.");
        }
        return new((SyncMessageKind)kind, decoder.ReadVarBytes());
    }

    private static byte[] Write(SyncMessageKind kind, ReadOnlySpan<byte> payload)
    {
        using var encoder = new LibEncoder(payload.Length + 8);
        encoder.WriteVarUint((ulong)kind);
        encoder.WriteVarBytes(payload);
        return encoder.ToArray();
    }
}
