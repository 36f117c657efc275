using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>
/// The changes that one transaction made to a text. On the way it deletes new formats that say nothing new, as yjs does.
/// Source: <c>YTextEvent.delta</c> in <c>yjs/src/types/YText.js</c>.
/// </summary>
internal sealed class TextDelta(Transaction observed, int branch)
{
    private enum Action
    {
        None,
        Insert,
        Retain,
        Delete,
    }

    private readonly StructStore store = observed.Doc.Store;
    private readonly List<DeltaOp> delta = [];
    private readonly StringBuilder text = new();
    private readonly FormatMap current = new();
    private readonly FormatMap old = new();
    private readonly FormatMap changed = new();
    private Action action;
    private int retained;
    private int deleted;

    public List<DeltaOp> Compute()
    {
        var transaction = observed.Doc.Begin(null, true, null, out var isOuter);
        try
        {
            for (var handle = store.Branches[branch].Start; handle != 0; handle = store.Items[handle].Right)
            {
                Visit(transaction, handle);
            }
            Flush();
        }
        finally
        {
            observed.Doc.End(transaction, isOuter);
        }
        while (delta.Count > 0 && delta[^1] is { Insert: null, Retain: > 0, Attributes: null })
        {
            delta.RemoveAt(delta.Count - 1);
        }
        return delta;
    }

    private void Visit(Transaction transaction, int handle)
    {
        ref var item = ref store.Items[handle];
        var isNew = observed.Adds(ref item);
        var isDeletedNow = item.IsDeleted && observed.DeletesItem(ref item);
        switch (item.Kind)
        {
            case ContentKind.Type or ContentKind.Embed or ContentKind.String:
                if (isNew)
                {
                    if (!isDeletedNow)
                    {
                        Insert(handle, ref item);
                    }
                }
                else if (isDeletedNow)
                {
                    Become(Action.Delete);
                    deleted += item.Length;
                }
                else if (!item.IsDeleted)
                {
                    Become(Action.Retain);
                    retained += item.Length;
                }
                break;
            case ContentKind.Format:
                VisitFormat(transaction, handle, ref item, isNew, isDeletedNow);
                break;
        }
    }

    private void Insert(int handle, ref Item item)
    {
        if (item.Kind == ContentKind.String)
        {
            Become(Action.Insert);
            text.Append(store.TextOf(handle));
            return;
        }
        Flush();
        delta.Add(DeltaOp.Inserted(ListReader.Value(observed.Doc, handle, 0) ?? "", current.ToAttributes(store, withNulls: false)));
    }

    private void VisitFormat(Transaction transaction, int handle, ref Item item, bool isNew, bool isDeletedNow)
    {
        var (key, value) = (item.A, item.B);
        if (isNew)
        {
            if (!isDeletedNow)
            {
                if (!TextEditor.AreEqual(store, current.GetOrNull(key), value))
                {
                    FlushRetain();
                    if (TextEditor.AreEqual(store, value, old.GetOrNull(key)))
                    {
                        changed.Remove(key);
                    }
                    else
                    {
                        changed.Set(key, value);
                    }
                }
                else if (value != FormatMap.Null)
                {
                    store.Delete(transaction, handle);
                }
            }
        }
        else if (isDeletedNow)
        {
            old.Set(key, value);
            var now = current.GetOrNull(key);
            if (!TextEditor.AreEqual(store, now, value))
            {
                FlushRetain();
                changed.Set(key, now);
            }
        }
        else if (!item.IsDeleted)
        {
            old.Set(key, value);
            var wanted = changed.Get(key);
            if (wanted != FormatMap.Undefined)
            {
                if (!TextEditor.AreEqual(store, wanted, value))
                {
                    FlushRetain();
                    if (value == FormatMap.Null)
                    {
                        changed.Remove(key);
                    }
                    else
                    {
                        changed.Set(key, value);
                    }
                }
                else if (wanted != FormatMap.Null)
                {
                    store.Delete(transaction, handle);
                }
            }
        }
        if (!item.IsDeleted)
        {
            if (action == Action.Insert)
            {
                Flush();
            }
            current.Apply(ref item);
        }
    }

    private void Become(Action next)
    {
        if (action != next)
        {
            Flush();
            action = next;
        }
    }

    private void FlushRetain()
    {
        if (action == Action.Retain)
        {
            Flush();
        }
    }

    private void Flush()
    {
        switch (action)
        {
            case Action.Delete when deleted > 0:
                delta.Add(DeltaOp.Deleted(deleted));
                break;
            case Action.Insert when text.Length > 0:
                delta.Add(DeltaOp.Inserted(text.ToString(), current.ToAttributes(store, withNulls: false)));
                break;
            case Action.Retain when retained > 0:
                delta.Add(DeltaOp.Retained(retained, changed.ToAttributes(store)));
                break;
        }
        text.Clear();
        retained = deleted = 0;
        action = Action.None;
    }
}
