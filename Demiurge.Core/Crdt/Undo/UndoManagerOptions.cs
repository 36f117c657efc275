namespace Demiurge.Core.Crdt;

/// <summary>How an <see cref="UndoManager"/> captures.</summary>
public sealed record UndoManagerOptions
{
    /// <summary>
    /// Origins whose transactions can be undone; a <see cref="Type"/> stands for all origins of exactly that type, null for a transaction without
    /// origin. Default: only null.
    /// </summary>
    public IReadOnlyCollection<object?> TrackedOrigins { get; init; } = [null];

    /// <summary>A change that comes sooner than this after the last one joins its step. Zero makes every transaction a step.</summary>
    public TimeSpan CaptureTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The clock of <see cref="CaptureTimeout"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The Yjs client id under which undo and redo write; the document's own when null.</summary>
    public uint? ClientId { get; init; }

    /// <summary>Transactions for which this is false are not captured. Asked while their observers are called; <see cref="Transaction.Meta"/> may say why.</summary>
    public Func<Transaction, bool>? CaptureTransaction { get; init; }

    /// <summary>What undo and redo would delete stays when this is false for it.</summary>
    public Func<DeletionCandidate, bool>? DeleteFilter { get; init; }

    /// <summary>Whether undo overwrites map keys that others have changed since. Default: it doesn't.</summary>
    public bool IgnoreRemoteMapChanges { get; init; }
}
