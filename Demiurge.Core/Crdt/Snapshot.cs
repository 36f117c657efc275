namespace Demiurge.Core.Crdt;

/// <summary>
/// A moment in a document's history: how far each client was and what had been deleted. Holds no content; the document it was taken of must be kept
/// without collection (<see cref="YDoc.Gc"/> off) for its content to be read later. Immutable and thread-safe. Source: <c>yjs/src/utils/Snapshot.js</c>.
/// </summary>
public sealed class Snapshot : IEquatable<Snapshot>
{
    private readonly StateVector clocks;
    private readonly DeleteSet deletes;

    internal Snapshot(DeleteSet deletes, StateVector clocks)
    {
        deletes.Normalize();
        this.deletes = deletes;
        this.clocks = clocks;
    }

    /// <summary>The moment before anything was written.</summary>
    public static Snapshot Empty { get; } = new(new(), []);

    internal StateVector Clocks => clocks;

    internal DeleteSet Deletes => deletes;

    /// <summary>Whether two snapshots name the same moment.</summary>
    public static bool EqualSnapshots(Snapshot a, Snapshot b)
    {
        ArgumentNullException.ThrowIfNull(a);
        return a.Equals(b);
    }

    /// <exception cref="CrdtDecodingException">The bytes are malformed.</exception>
    public static Snapshot DecodeSnapshot(ReadOnlySpan<byte> bytes)
    {
        var decoder = new LibDecoder(bytes);
        var deletes = new DeleteSet();
        deletes.Read(ref decoder);
        return new(deletes, StateVector.Decode(decoder.ReadBytes(decoder.Remaining)));
    }

    /// <inheritdoc cref="DecodeSnapshot"/>
    public static Snapshot DecodeSnapshotV2(ReadOnlySpan<byte> bytes)
    {
        var decoder = new LibDecoder(bytes);
        using var unfolded = new LibEncoder(bytes.Length + 64);
        UpdateTranscoder.WriteDeletes(ref decoder, unfolded);
        var deletes = new DeleteSet();
        var first = new LibDecoder(unfolded.Written);
        deletes.Read(ref first);
        return new(deletes, StateVector.Decode(decoder.ReadBytes(decoder.Remaining)));
    }

    /// <summary>The snapshot's bytes, with deletions as in update format v1.</summary>
    public byte[] EncodeSnapshot()
    {
        using var encoder = new LibEncoder();
        deletes.Write(new UpdateEncoderV1(encoder));
        clocks.Write(encoder);
        return encoder.ToArray();
    }

    /// <summary>The snapshot's bytes, with deletions as in update format v2.</summary>
    public byte[] EncodeSnapshotV2()
    {
        var columns = UpdateColumns.Rent();
        deletes.Write(new UpdateEncoderV2(columns));
        clocks.Write(columns.Rest);
        var bytes = columns.Rest.ToArray();
        columns.Return();
        return bytes;
    }

    /// <summary>Whether everything that an update (format v1) says was known at this moment.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public bool SnapshotContainsUpdate(ReadOnlySpan<byte> update)
    {
        var index = new UpdateIndex();
        index.Read(update);
        for (var i = 0; i < index.Count; i++)
        {
            if (clocks.GetValueOrDefault(index[i].Client) < index[i].EndClock)
            {
                return false;
            }
        }
        for (var i = 0; i < index.Deletes.Count; i++)
        {
            if (!deletes.Covers(index.Deletes[i]))
            {
                return false;
            }
        }
        return true;
    }

    /// <inheritdoc cref="SnapshotContainsUpdate"/>
    public bool SnapshotContainsUpdateV2(ReadOnlySpan<byte> update)
    {
        using var unfolded = new LibEncoder(update.Length + 256);
        UpdateTranscoder.ToV1(update, unfolded);
        return SnapshotContainsUpdate(unfolded.Written);
    }

    /// <inheritdoc/>
    public bool Equals(Snapshot? other) =>
        other is not null
        && clocks.Count == other.clocks.Count
        && clocks.All(entry => other.clocks.TryGetValue(entry.Key, out var clock) && clock == entry.Value)
        && deletes.Count == other.deletes.Count
        && Enumerable.Range(0, deletes.Count).All(i => other.deletes.Covers(deletes[i]))
        && Enumerable.Range(0, deletes.Count).All(i => deletes.Covers(other.deletes[i]));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Snapshot);

    /// <inheritdoc/>
    public override int GetHashCode() => clocks.Aggregate(deletes.Count, static (hash, entry) => hash ^ HashCode.Combine(entry.Key, entry.Value));

    /// <summary>Whether an item had been written.</summary>
    internal bool Knows(StructStore store, ref Item item) => clocks.TryGetValue(store.Clients[item.Client].Id, out var clock) && clock > item.Clock;

    /// <summary>Whether an item had been written and not yet deleted.</summary>
    internal bool Sees(StructStore store, ref Item item) => Knows(store, ref item) && !deletes.Contains(store.Clients[item.Client].Id, item.Clock);

    /// <summary>Which of an item's clocks was the last one that had been written, if it had not been deleted; -1 otherwise.</summary>
    internal int LastSeen(StructStore store, ref Item item)
    {
        var client = store.Clients[item.Client].Id;
        var last = Math.Min(clocks.GetValueOrDefault(client), item.End) - 1;
        return last >= item.Clock && !deletes.Contains(client, last) ? last - item.Clock : -1;
    }

    /// <summary>Cuts items where the snapshot does, so that each was there as a whole or not at all.</summary>
    internal void Split(Transaction transaction)
    {
        var store = transaction.Doc.Store;
        foreach (var (id, clock) in clocks)
        {
            if (store.FindClient(id) is { } client && clock < client.State)
            {
                store.CleanStart(transaction, new(client.Index, clock));
            }
        }
        store.ForEach(transaction, deletes, static _ => { });
    }
}
