namespace Demiurge.Core.Crdt;

/// <summary>Changes the list of a branch by index. Source: <c>typeListInsertGenerics</c> and its neighbours in <c>yjs/src/types/AbstractType.js</c>.</summary>
internal static class ListEditor
{
    /// <summary>Search markers of a branch; none for those that have no use for them.</summary>
    public static ListMarkers? Markers(StructStore store, int branch)
    {
        ref var owner = ref store.Branches[branch];
        if (owner.Markers is { } markers)
        {
            return markers;
        }
        if (owner.HasFormatting || owner.Kind is not (BranchKind.Array or BranchKind.Text or BranchKind.XmlText))
        {
            return null;
        }
        return owner.Markers = owner.HasFormats ? new YjsMarkers(store) : new SearchMarkers(store);
    }

    public static void Insert(Transaction transaction, int branch, int index, List<Content> content)
    {
        if (content.Count == 0)
        {
            return;
        }
        var store = transaction.Doc.Store;
        var markers = Markers(store, branch);
        var length = content.Sum(static piece => piece.Length);
        if (index == 0)
        {
            markers?.Inserted(0, length, beforeDeleted: true);
            InsertAfter(transaction, branch, 0, content);
            return;
        }
        var start = index;
        var (item, itemIndex) = markers?.Find(branch, index) ?? default;
        if (item == 0)
        {
            item = store.Branches[branch].Start;
        }
        else
        {
            index -= itemIndex;
            if (index == 0)
            {
                // What is needed is the item before the index.
                do
                {
                    item = store.Items[item].Left;
                }
                while (item != 0 && store.Items[item].IsDeleted);
                index = item != 0 && store.Items[item].IsVisible ? store.Items[item].Length : 0;
            }
        }
        for (; item != 0; item = store.Items[item].Right)
        {
            ref var candidate = ref store.Items[item];
            if (candidate.IsVisible)
            {
                if (index <= candidate.Length)
                {
                    if (index < candidate.Length)
                    {
                        store.CleanStart(transaction, new(candidate.Client, candidate.Clock + index));
                    }
                    break;
                }
                index -= candidate.Length;
            }
        }
        markers?.Inserted(start, length, beforeDeleted: true);
        InsertAfter(transaction, branch, item, content);
    }

    public static void Append(Transaction transaction, int branch, List<Content> content)
    {
        var store = transaction.Doc.Store;
        var last = Markers(store, branch)?.Last() ?? 0;
        if (last == 0)
        {
            last = store.Branches[branch].Start;
        }
        while (last != 0 && store.Items[last].Right is > 0 and var right)
        {
            last = right;
        }
        InsertAfter(transaction, branch, last, content);
    }

    public static void Delete(Transaction transaction, int branch, int index, int length)
    {
        var store = transaction.Doc.Store;
        var markers = Markers(store, branch);
        var (start, startLength) = (index, length);
        var (item, itemIndex) = markers?.Find(branch, index) ?? default;
        if (item == 0)
        {
            item = store.Branches[branch].Start;
        }
        else
        {
            index -= itemIndex;
        }
        for (; item != 0 && index > 0; item = store.Items[item].Right)
        {
            ref var candidate = ref store.Items[item];
            if (candidate.IsVisible)
            {
                if (index < candidate.Length)
                {
                    store.CleanStart(transaction, new(candidate.Client, candidate.Clock + index));
                }
                index -= candidate.Length;
            }
        }
        for (; length > 0 && item != 0; item = store.Items[item].Right)
        {
            ref var candidate = ref store.Items[item];
            if (!candidate.IsDeleted)
            {
                if (length < candidate.Length)
                {
                    store.CleanStart(transaction, new(candidate.Client, candidate.Clock + length));
                }
                store.Delete(transaction, item);
                length -= candidate.Length;
            }
        }
        markers?.Deleted(start, startLength - length);
    }

    /// <summary>Inserts behind an item, or at the beginning when it is 0.</summary>
    public static void InsertAfter(Transaction transaction, int branch, int left, List<Content> content)
    {
        var store = transaction.Doc.Store;
        var right = left == 0 ? store.Branches[branch].Start : store.Items[left].Right;
        foreach (var piece in content)
        {
            left = piece.Insert(transaction, left, right, branch, -1);
        }
    }
}
