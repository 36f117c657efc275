namespace Demiurge.Core.Crdt;

/// <summary>Reads and changes the keys of a branch: entries of a map, attributes of a text or an element. Source: <c>typeMapSet</c> and its neighbours in <c>yjs/src/types/AbstractType.js</c>.</summary>
internal static class MapEditor
{
    public static void Set(Transaction transaction, int branch, string key, Content content)
    {
        var store = transaction.Doc.Store;
        var name = store.Names.Add(key);
        content.Insert(transaction, store.Maps.Find(branch, name), 0, branch, name);
    }

    /// <summary>The item of a key; 0 if it has none, or none any more.</summary>
    public static int FindVisible(StructStore store, int branch, string key)
    {
        if (store.Names.IndexOf(key) is var name && name < 0)
        {
            return 0;
        }
        var item = store.Maps.Find(branch, name);
        return item != 0 && !store.Items[item].IsDeleted ? item : 0;
    }

    /// <summary>Keys that have a value, in the order in which they were first set, with their items.</summary>
    public static IEnumerable<(int Key, int Item)> Visible(StructStore store, int branch)
    {
        for (var entry = store.Branches[branch].FirstEntry; entry != 0; entry = store.Maps[entry].NextInBranch)
        {
            var item = store.Maps[entry].Item;
            if (!store.Items[item].IsDeleted)
            {
                yield return (store.Maps[entry].Key, item);
            }
        }
    }

    /// <summary>Keys and values as they were at a snapshot.</summary>
    public static IEnumerable<(int Key, object? Value)> At(YDoc doc, int branch, Snapshot snapshot)
    {
        var store = doc.Store;
        for (var entry = store.Branches[branch].FirstEntry; entry != 0; entry = store.Maps[entry].NextInBranch)
        {
            var item = store.Maps[entry].Item;
            while (item != 0 && !snapshot.Knows(store, ref store.Items[item]))
            {
                item = store.Items[item].Left;
            }
            // Deleted values of one key may have merged: the one in force then is the last that was known.
            if (item != 0 && store.Items[item].Kind != ContentKind.Deleted && snapshot.LastSeen(store, ref store.Items[item]) is >= 0 and var index)
            {
                yield return (store.Maps[entry].Key, ListReader.Value(doc, item, index));
            }
        }
    }

    /// <summary>The value of an item. Items of one key may have merged; the last value is the current one.</summary>
    public static object? Last(YDoc doc, int item) => ListReader.Value(doc, item, doc.Store.Items[item].Length - 1);
}
