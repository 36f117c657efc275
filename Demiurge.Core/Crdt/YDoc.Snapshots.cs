namespace Demiurge.Core.Crdt;

/// <summary>The part of a document that looks back.</summary>
public sealed partial class YDoc
{
    /// <summary>This moment. What it holds can be read later if <see cref="Gc"/> is off until then.</summary>
    public Snapshot Snapshot()
    {
        var clocks = new StateVector();
        foreach (var client in Store.ClientsHighestFirst())
        {
            clocks[client.Id] = client.State;
        }
        return new(Store.AllDeletes(), clocks);
    }

    /// <summary>A document that holds what this one held at a snapshot.</summary>
    /// <param name="snapshot">A moment of this document.</param>
    /// <param name="newDoc">The document that is given the content, with "snapshot" as origin; a new one when null.</param>
    /// <exception cref="InvalidOperationException"><see cref="Gc"/> is on: content may be gone.</exception>
    /// <exception cref="ArgumentException">The snapshot knows more than this document.</exception>
    public YDoc CreateDocFromSnapshot(Snapshot snapshot, YDoc? newDoc = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (Gc)
        {
            throw new InvalidOperationException("Collection must be off in a document whose history is read: create it with Gc = false.");
        }
        if (snapshot.Clocks.Any(entry => entry.Value > Store.State(entry.Key)))
        {
            throw new ArgumentException("The snapshot was taken of another document, or of a later state of this one.", nameof(snapshot));
        }
        var update = Transact(transaction =>
        {
            using var encoder = new LibEncoder();
            var v1 = new UpdateEncoderV1(encoder);
            var clocks = snapshot.Clocks.Where(static entry => entry.Value > 0).OrderByDescending(static entry => entry.Key).ToList();
            encoder.WriteVarUint((uint)clocks.Count);
            foreach (var (id, clock) in clocks)
            {
                var client = Store.FindClient(id)!;
                if (clock < client.State)
                {
                    Store.CleanStart(transaction, new(client.Index, clock));
                }
                UpdateWriter.WriteClient(v1, Store, client, 0, client.Find(clock - 1) + 1);
            }
            snapshot.Deletes.Write(v1);
            return encoder.ToArray();
        });
        newDoc ??= new();
        newDoc.ApplyUpdate(update, "snapshot");
        return newDoc;
    }
}
