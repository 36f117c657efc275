namespace Demiurge.Core.Crdt;

/// <summary>What one undo or redo takes back: ids that were created, and ids that were deleted.</summary>
internal sealed class UndoStep(DeleteSet insertions, DeleteSet deletions)
{
    public DeleteSet Insertions { get; } = insertions;

    public DeleteSet Deletions { get; } = deletions;
}
