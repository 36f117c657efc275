using System.Runtime.CompilerServices;

namespace Demiurge.Core.Crdt;

/// <summary>Reads lists and values of a branch.</summary>
internal static class ListReader
{
    /// <summary>One value of an item; a shared type comes as its object.</summary>
    public static object? Value(YDoc doc, int handle, int index)
    {
        ref var item = ref doc.Store.Items[handle];
        return item.Kind switch
        {
            ContentKind.Type => doc.TypeOf(item.A),
            ContentKind.Doc => doc.SubdocOf(handle),
            _ => doc.Store.ReadValue(ref item, index),
        };
    }

    public static void AddValues(YDoc doc, int handle, List<object?> values)
    {
        ref var item = ref doc.Store.Items[handle];
        if (item.Kind is ContentKind.Type or ContentKind.Doc)
        {
            values.Add(Value(doc, handle, 0));
        }
        else
        {
            doc.Store.ReadValues(ref item, values);
        }
    }

    public static List<object?> ToList(YType type)
    {
        var store = type.Store;
        var values = new List<object?>(store.Branches[type.Branch].Length);
        for (var item = store.Branches[type.Branch].Start; item != 0; item = store.Items[item].Right)
        {
            if (store.Items[item].IsVisible)
            {
                AddValues(type.Doc!, item, values);
            }
        }
        return values;
    }

    public static List<object?> ToList(YType type, Snapshot snapshot) => type.Doc!.Transact(
        transaction =>
        {
            snapshot.Split(transaction);
            var store = type.Store;
            var values = new List<object?>();
            for (var item = store.Branches[type.Branch].Start; item != 0; item = store.Items[item].Right)
            {
                if (store.Items[item].IsCountable && snapshot.Sees(store, ref store.Items[item]) && store.Items[item].Kind != ContentKind.Deleted)
                {
                    AddValues(type.Doc, item, values);
                }
            }
            return values;
        },
        origin: "cleanup");

    public static List<object?> ToJson(YType type)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var values = ToList(type);
        for (var i = 0; i < values.Count; i++)
        {
            values[i] = values[i] is YType child ? child.ToJson() : values[i];
        }
        return values;
    }
}
