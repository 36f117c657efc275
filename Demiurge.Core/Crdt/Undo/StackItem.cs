namespace Demiurge.Core.Crdt;

/// <summary>One step of undo or redo: what it created and what it deleted, and notes of the application. Thread rules as for <see cref="UndoManager"/>.</summary>
public sealed class StackItem
{
    private Dictionary<object, object?>? meta;

    internal StackItem(DeleteSet insertions, DeleteSet deletions)
    {
        InsertedSet = insertions;
        DeletedSet = deletions;
    }

    /// <summary>Notes by any key, for what should come back with the step: a selection for example. Write them in <see cref="UndoManager.StackItemAdded"/>, read them in <see cref="UndoManager.StackItemPopped"/>.</summary>
    public IDictionary<object, object?> Meta => meta ??= [];

    /// <summary>Clocks that the step created.</summary>
    public IReadOnlyList<ClockRange> Insertions => InsertedSet.ToRanges();

    /// <summary>Clocks that the step deleted.</summary>
    public IReadOnlyList<ClockRange> Deletions => DeletedSet.ToRanges();

    internal DeleteSet InsertedSet { get; }

    internal DeleteSet DeletedSet { get; }
}

/// <summary>On which of the two stacks something happened.</summary>
public enum StackKind
{
    Undo,
    Redo,
}

/// <summary>A step was added to a stack, grew, or was taken from it and done.</summary>
/// <param name="StackItem">The step.</param>
/// <param name="Type">The stack; of a step that was taken: what was done with it.</param>
/// <param name="Origin">Origin of the transaction that caused it; the <see cref="UndoManager"/> itself when a step was taken.</param>
/// <param name="ChangedTypes">Types that the transaction changed, and all that hold them.</param>
public sealed record StackItemEvent(StackItem StackItem, StackKind Type, object? Origin, IReadOnlySet<YType> ChangedTypes);

/// <summary>Steps were forgotten without being done.</summary>
public sealed record StackClearedEvent(bool UndoStackCleared, bool RedoStackCleared);
