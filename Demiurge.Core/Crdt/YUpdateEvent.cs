namespace Demiurge.Core.Crdt;

/// <summary>A transaction changed the document.</summary>
/// <param name="Update">What changed, in the format of the event: v1 for <see cref="YDoc.Updated"/>, v2 for <see cref="YDoc.UpdatedV2"/>.</param>
/// <param name="Origin">What <see cref="YDoc.Transact(Action{Transaction}, object, uint?)"/> or <see cref="YDoc.ApplyUpdate"/> was told.</param>
/// <param name="Transaction">The transaction, finished; not valid any more after the event.</param>
/// <param name="Local">False when the change came from <see cref="YDoc.ApplyUpdate"/>.</param>
public sealed record YUpdateEvent(byte[] Update, object? Origin, Transaction Transaction, bool Local);

/// <summary>Takes a change as it lies in the document's buffer.</summary>
/// <param name="update">What changed, in update format v1; valid until the handler returns.</param>
/// <param name="transaction">The transaction, finished; valid until the handler returns.</param>
public delegate void YUpdateHandler(ReadOnlySpan<byte> update, Transaction transaction);
