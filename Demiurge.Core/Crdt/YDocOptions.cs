namespace Demiurge.Core.Crdt;

/// <summary>How a document is created.</summary>
public sealed record YDocOptions
{
    /// <summary>The Yjs client id of this replica; random when null. It must be unique among live replicas of a document.</summary>
    public uint? ClientId { get; init; }

    /// <summary>Whether the content of what is deleted is dropped at the end of a transaction. Off is for documents whose history is read.</summary>
    public bool Gc { get; init; } = true;

    /// <summary>
    /// Of what is deleted, what may be dropped at the end of the transaction; everything when null. Asked once for each deleted item, when observers have been called. What a
    /// collected shared type holds goes with it, unasked. It must not change the document.
    /// </summary>
    public Func<DeletionCandidate, bool>? GcFilter { get; init; }

    /// <summary>Identity of the document; random when null.</summary>
    public string? Guid { get; init; }

    /// <summary>Of a subdocument: what the application wants to say about it. Travels with its holder. A value that a <see cref="YMap"/> takes.</summary>
    public object? Meta { get; init; }

    /// <summary>Of a subdocument: whether every replica that gets it should load it without being asked. Travels with its holder.</summary>
    public bool AutoLoad { get; init; }

    /// <summary>Whether a provider should synchronize the content now; false for a subdocument that is to be loaded on demand, see <see cref="YDoc.Load"/>.</summary>
    public bool ShouldLoad { get; init; } = true;

    /// <summary>Groups documents for providers that know collections; subdocuments take that of their holder. Not replicated.</summary>
    public string? CollectionId { get; init; }
}
