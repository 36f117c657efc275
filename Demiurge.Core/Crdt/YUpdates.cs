namespace Demiurge.Core.Crdt;

/// <summary>
/// What can be done with updates and without a document: merge, cut, convert, look inside. An update is what <see cref="YDoc.EncodeStateAsUpdate"/>,
/// <see cref="YDoc.Updated"/> and any Yjs client produce; methods without V2 in their name mean format v1. Results are the bytes that Yjs would produce.
/// All methods are thread-safe and throw <see cref="CrdtDecodingException"/> when what they are given is malformed. Sources: <c>yjs/src/utils/updates.js</c>.
/// </summary>
/// <remarks>
/// Where Yjs' result depends on how its JavaScript engine sorts (updates that hold the same clocks once collected and once not) ours does as V8 does with up to 63 updates at a time;
/// where it depends on values that JSON has no word for (bytes in an embed of format v2), they become what <c>JSON.stringify</c> makes of them.
/// </remarks>
public static class YUpdates
{
    /// <summary>One update that says all that the given ones say. What is missing between them stays missing, and is marked as such.</summary>
    /// <param name="updates">Updates in any order; they may overlap. A single one is returned as it is, unread.</param>
    public static byte[] MergeUpdates(params ReadOnlySpan<byte[]> updates) => UpdateMerger.Merge(updates);

    /// <inheritdoc cref="MergeUpdates"/>
    public static byte[] MergeUpdatesV2(params ReadOnlySpan<byte[]> updates)
    {
        if (updates.Length == 1)
        {
            return updates[0];
        }
        var unfolded = new byte[updates.Length][];
        for (var i = 0; i < updates.Length; i++)
        {
            unfolded[i] = ConvertUpdateFormatV2ToV1(updates[i]);
        }
        return ConvertUpdateFormatV1ToV2(UpdateMerger.Merge(unfolded));
    }

    /// <summary>What an update holds beyond a state vector. Deletions are kept whole.</summary>
    /// <param name="update">The update.</param>
    /// <param name="stateVector">As <see cref="YDoc.EncodeStateVector"/> makes it; empty for nothing known.</param>
    public static byte[] DiffUpdate(ReadOnlySpan<byte> update, ReadOnlySpan<byte> stateVector) =>
        UpdateMerger.Diff(update.ToArray(), StateVector.Decode(stateVector));

    /// <inheritdoc cref="DiffUpdate"/>
    public static byte[] DiffUpdateV2(ReadOnlySpan<byte> update, ReadOnlySpan<byte> stateVector) =>
        ConvertUpdateFormatV1ToV2(UpdateMerger.Diff(ConvertUpdateFormatV2ToV1(update), StateVector.Decode(stateVector)));

    /// <summary>The state vector of a document that has taken in this update and nothing else: clients whose structs begin at 0, up to the first gap.</summary>
    public static byte[] EncodeStateVectorFromUpdate(ReadOnlySpan<byte> update)
    {
        var index = new UpdateIndex();
        index.Read(update);
        var clients = new List<(ulong Id, int Clock)>();
        for (var i = 0; i < index.Count; i++)
        {
            ref var part = ref index[i];
            var isNext = part.Kind != ContentKind.Skip && (clients.Count > 0 && clients[^1].Id == part.Client ? clients[^1].Clock == part.Clock : part.Clock == 0);
            if (clients.Count == 0 || clients[^1].Id != part.Client)
            {
                clients.Add((part.Client, 0));
            }
            if (isNext)
            {
                clients[^1] = (part.Client, part.EndClock);
            }
        }
        clients.RemoveAll(static client => client.Clock == 0);
        using var encoder = new LibEncoder();
        encoder.WriteVarUint((uint)clients.Count);
        foreach (var (id, clock) in clients)
        {
            encoder.WriteVarUint(id);
            encoder.WriteVarUint((uint)clock);
        }
        return encoder.ToArray();
    }

    /// <inheritdoc cref="EncodeStateVectorFromUpdate"/>
    public static byte[] EncodeStateVectorFromUpdateV2(ReadOnlySpan<byte> update)
    {
        using var unfolded = new LibEncoder(update.Length + 256);
        UpdateTranscoder.ToV1(update, unfolded);
        return EncodeStateVectorFromUpdate(unfolded.Written);
    }

    /// <summary>The next clock of each client that a state vector names. Clocks beyond 2^31 read as 2^31 - 1.</summary>
    public static IReadOnlyDictionary<ulong, int> DecodeStateVector(ReadOnlySpan<byte> stateVector) => StateVector.Decode(stateVector);

    /// <summary>The same update in format v2.</summary>
    public static byte[] ConvertUpdateFormatV1ToV2(ReadOnlySpan<byte> update)
    {
        var index = new UpdateIndex();
        index.Read(update);
        return UpdateTranscoder.ToV2(index, update);
    }

    /// <summary>The same update in format v1.</summary>
    /// <remarks>
    /// In format v2 a struct may take no byte, so a few bytes can stand for billions of structs. An update is refused when it holds more than 262,144 of them and
    /// four more for each of its bytes, or unfolds to more than 16 MiB and 128 bytes for each of its own.
    /// </remarks>
    public static byte[] ConvertUpdateFormatV2ToV1(ReadOnlySpan<byte> update)
    {
        using var unfolded = new LibEncoder(update.Length + 256);
        UpdateTranscoder.ToV1(update, unfolded);
        new UpdateIndex().Read(unfolded.Written);
        return unfolded.ToArray();
    }

    /// <summary>
    /// The update with its content made unreadable and its structure kept, for showing a faulty document to others. Who wrote how much, where and in which order can still be seen, and so can
    /// the names of roots.
    /// </summary>
    public static byte[] ObfuscateUpdate(ReadOnlySpan<byte> update, ObfuscatorOptions? options = null) => new UpdateObfuscator(options ?? new()).Obfuscate(update);

    /// <inheritdoc cref="ObfuscateUpdate"/>
    public static byte[] ObfuscateUpdateV2(ReadOnlySpan<byte> update, ObfuscatorOptions? options = null) =>
        ConvertUpdateFormatV1ToV2(ObfuscateUpdate(ConvertUpdateFormatV2ToV1(update), options));

    /// <summary>What an update (format v1) holds.</summary>
    public static UpdateInfo Inspect(ReadOnlySpan<byte> update) => UpdateInspector.Inspect(update, null);

    /// <summary>What an update of format v2 holds.</summary>
    public static UpdateInfo InspectV2(ReadOnlySpan<byte> update)
    {
        using var unfolded = new LibEncoder(update.Length + 256);
        UpdateTranscoder.ToV1(update, unfolded);
        return UpdateInspector.Inspect(unfolded.Written, null);
    }
}
