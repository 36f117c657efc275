namespace Demiurge.Core.Crdt;

/// <summary>How a document is created.</summary>
public sealed record YDocOptions
{
    /// <summary>The Yjs client id of this replica; random when null. It must be unique among live replicas of a document.</summary>
    public uint? ClientId { get; init; }

    /// <summary>Whether the content of what is deleted is dropped at the end of a transaction. Off is for documents whose history is read.</summary>
    public bool Gc { get; init; } = true;

    /// <summary>Identity of the document; random when null.</summary>
    public string? Guid { get; init; }
}
