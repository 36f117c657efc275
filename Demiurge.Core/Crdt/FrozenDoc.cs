namespace Demiurge.Core.Crdt;

/// <summary>
/// A document as it was at one moment (<see cref="YDoc.Freeze"/>), for a thread of its own to encode while the document's writer goes on. It shares
/// memory with the document; what the writer changes meanwhile it copies first, so the sooner this is disposed of, the less is copied.
/// One thread at a time, any thread. Calls after <see cref="Dispose"/> throw <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class FrozenDoc : IDisposable
{
    private readonly StructStore store;
    private readonly StructStore view;
    private readonly StateEncoder encoder;
    private int disposed;

    internal FrozenDoc(StructStore store, byte[]? pendingStructs, byte[]? pendingDeletes)
    {
        this.store = store;
        view = store.Freeze();
        encoder = new(view, pendingStructs, pendingDeletes);
    }

    /// <summary>As <see cref="YDoc.EncodeStateAsUpdate"/> would have returned then.</summary>
    /// <exception cref="CrdtDecodingException">The state vector is malformed.</exception>
    public byte[] EncodeStateAsUpdate(ReadOnlySpan<byte> targetStateVector = default)
    {
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        return encoder.Encode(targetStateVector);
    }

    /// <summary>As <see cref="YDoc.EncodeStateAsUpdateV2"/> would have returned then.</summary>
    /// <exception cref="CrdtDecodingException">The state vector is malformed.</exception>
    public byte[] EncodeStateAsUpdateV2(ReadOnlySpan<byte> targetStateVector = default)
    {
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        return encoder.EncodeV2(targetStateVector);
    }

    /// <summary>As <see cref="YDoc.EncodeStateVector"/> would have returned then.</summary>
    public byte[] EncodeStateVector()
    {
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        return StateEncoder.EncodeStateVector(view);
    }

    /// <summary>Lets the document have its memory back.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            store.Release();
        }
    }
}
