namespace Demiurge.Core.Crdt;

/// <summary>Encodes all of a store, or what is beyond a state vector, with what still waits for its dependencies.</summary>
/// <param name="store">The store; only read.</param>
/// <param name="pendingStructs">Structs that wait, as an update; null when none do.</param>
/// <param name="pendingDeletes">Deletions that wait, as an update; null when none do.</param>
internal readonly struct StateEncoder(StructStore store, byte[]? pendingStructs, byte[]? pendingDeletes)
{
    public byte[] Encode(ReadOnlySpan<byte> targetStateVector)
    {
        var from = StateVector.Decode(targetStateVector);
        using var bytes = new LibEncoder();
        var encoder = new UpdateEncoderV1(bytes);
        UpdateWriter.WriteStructs(encoder, store, from);
        store.AllDeletes().Write(encoder);
        var state = bytes.ToArray();
        var parts = new List<byte[]> { state };
        if (pendingDeletes is not null)
        {
            parts.Add(pendingDeletes);
        }
        if (pendingStructs is not null)
        {
            parts.Add(UpdateMerger.Diff(pendingStructs, from));
        }
        return parts.Count == 1 ? state : UpdateMerger.Merge([.. parts]);
    }

    public byte[] EncodeV2(ReadOnlySpan<byte> targetStateVector)
    {
        if (pendingStructs is not null || pendingDeletes is not null)
        {
            return YUpdates.ConvertUpdateFormatV1ToV2(Encode(targetStateVector));
        }
        var from = StateVector.Decode(targetStateVector);
        var columns = UpdateColumns.Rent();
        var encoder = new UpdateEncoderV2(columns);
        UpdateWriter.WriteStructs(encoder, store, from);
        store.AllDeletes().Write(encoder);
        return columns.Finish();
    }

    public static byte[] EncodeStateVector(StructStore store)
    {
        using var bytes = new LibEncoder();
        var clients = store.ClientsHighestFirst();
        bytes.WriteVarUint((uint)clients.Count);
        foreach (var client in clients)
        {
            bytes.WriteVarUint(client.Id);
            bytes.WriteVarUint((uint)client.State);
        }
        return bytes.ToArray();
    }
}
