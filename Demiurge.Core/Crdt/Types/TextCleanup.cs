namespace Demiurge.Core.Crdt;

/// <summary>
/// Removes formats that have no effect: concurrent formatting and deletion of text leave some behind, and every replica tidies up after a remote
/// transaction. Source: <c>cleanupYTextAfterTransaction</c> and its neighbours in <c>yjs/src/types/YText.js</c>.
/// </summary>
internal static class TextCleanup
{
    /// <summary>Looks at the texts that a remote transaction has changed, in a transaction of its own.</summary>
    public static void AfterTransaction(Transaction finished)
    {
        var doc = finished.Doc;
        var store = doc.Store;
        var whole = new HashSet<int>();
        foreach (var (index, before, after) in finished.Touched)
        {
            var client = store.Clients[index];
            store.ForEach(finished, client, before, after, handle =>
            {
                ref var item = ref store.Items[handle];
                if (!item.IsDeleted && item.Kind == ContentKind.Format)
                {
                    whole.Add(item.Parent);
                }
            });
        }
        var transaction = doc.Begin(null, true, null, out var isOuter);
        try
        {
            store.ForEach(finished, finished.Deletes, handle =>
            {
                ref var item = ref store.Items[handle];
                if (item.IsGc || !IsFormattedText(store, item.Parent) || whole.Contains(item.Parent))
                {
                    return;
                }
                if (item.Kind == ContentKind.Format)
                {
                    whole.Add(item.Parent);
                }
                else
                {
                    CleanGapWithoutContext(transaction, handle);
                }
            });
            foreach (var branch in whole)
            {
                CleanText(transaction, branch);
            }
        }
        finally
        {
            doc.End(transaction, isOuter);
        }
    }

    public static bool IsFormattedText(StructStore store, int branch) =>
        store.Branches[branch].HasFormatting && store.Branches[branch].Kind is BranchKind.Text or BranchKind.XmlText;

    /// <summary>
    /// Removes formats between two places with no visible content in between that are overridden there or say what is in force anyway.
    /// <paramref name="current"/> are the formats at <paramref name="at"/>, corrected for what goes.
    /// </summary>
    public static void CleanGap(Transaction transaction, int start, int at, FormatMap startFormats, FormatMap current)
    {
        var store = transaction.Doc.Store;
        var end = start;
        var last = new Dictionary<int, int>();
        for (; end != 0 && !store.Items[end].IsVisible; end = store.Items[end].Right)
        {
            ref var item = ref store.Items[end];
            if (!item.IsDeleted && item.Kind == ContentKind.Format)
            {
                last[item.A] = end;
            }
        }
        var reached = false;
        for (; start != end; start = store.Items[start].Right)
        {
            reached |= start == at;
            ref var item = ref store.Items[start];
            if (item.IsDeleted || item.Kind != ContentKind.Format)
            {
                continue;
            }
            var before = startFormats.GetOrNull(item.A);
            if (last[item.A] != start || before == item.B)
            {
                store.Delete(transaction, start);
                if (!reached && current.GetOrNull(item.A) == item.B && before != item.B)
                {
                    if (before == FormatMap.Null)
                    {
                        current.Remove(item.A);
                    }
                    else
                    {
                        current.Set(item.A, before);
                    }
                }
            }
            else if (!reached)
            {
                current.Apply(ref item);
            }
        }
    }

    private static void CleanText(Transaction transaction, int branch)
    {
        var store = transaction.Doc.Store;
        var start = store.Branches[branch].Start;
        var startFormats = new FormatMap();
        var current = new FormatMap();
        for (var end = start; end != 0; end = store.Items[end].Right)
        {
            ref var item = ref store.Items[end];
            if (item.IsDeleted)
            {
                continue;
            }
            if (item.Kind == ContentKind.Format)
            {
                current.Apply(ref item);
            }
            else
            {
                CleanGap(transaction, start, end, startFormats, current);
                startFormats = current.Copy();
                start = end;
            }
        }
    }

    /// <summary>Where only content was deleted: of the formats that have become neighbours, the last of each key stays.</summary>
    private static void CleanGapWithoutContext(Transaction transaction, int handle)
    {
        var store = transaction.Doc.Store;
        while (store.Items[handle].Right is > 0 and var right && !store.Items[right].IsVisible)
        {
            handle = right;
        }
        HashSet<int>? keys = null;
        for (; handle != 0 && !store.Items[handle].IsVisible; handle = store.Items[handle].Left)
        {
            ref var item = ref store.Items[handle];
            if (!item.IsDeleted && item.Kind == ContentKind.Format && !(keys ??= []).Add(item.A))
            {
                store.Delete(transaction, handle);
            }
        }
    }
}
