namespace Demiurge.Core.Crdt;

/// <summary>Remembered positions in the list of one branch, so that a search for an index need not begin at its start.</summary>
internal abstract class ListMarkers
{
    public abstract void Clear();

    /// <summary>
    /// An item at or before an index, and the index at which it starts; no item when there is nothing to go by. With
    /// <paramref name="skipDeleted"/> the item may be the next that is visible instead of a deleted one.
    /// </summary>
    public abstract (int Item, int Index) Find(int branch, int index, bool skipDeleted = false);

    /// <summary>Something of a length is about to be inserted at an index, before what is deleted there or after it.</summary>
    public abstract void Inserted(int index, int length, bool beforeDeleted);

    /// <summary>So many units have been deleted from an index on.</summary>
    public abstract void Deleted(int index, int length);

    /// <summary>The item with the highest index that is remembered; 0 when none is.</summary>
    public abstract int Last();

    /// <summary>An item is about to become part of the one to its left, whose visible length is given.</summary>
    public abstract void Merged(int item, int left, int visibleLength);

    /// <summary>Whether the invariant holds. Slow: for tests.</summary>
    public abstract bool AreRight(int branch);
}
