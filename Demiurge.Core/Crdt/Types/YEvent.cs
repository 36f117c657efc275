namespace Demiurge.Core.Crdt;

/// <summary>What happened to a key of a map.</summary>
public enum KeyChangeAction
{
    Add,
    Update,
    Delete,
}

/// <summary>One changed key. <see cref="OldValue"/> is the value before the transaction; null for an added key.</summary>
public readonly record struct KeyChange(KeyChangeAction Action, object? OldValue);

/// <summary>
/// What one transaction did to one shared type. Read it inside the observer: the changes are computed from the document as
/// it is when they are first asked for, and asking after the observers have run throws <see cref="InvalidOperationException"/>.
/// Source: <c>yjs/src/utils/YEvent.js</c>.
/// </summary>
public sealed class YEvent
{
    private readonly int branch;
    private readonly long transactionNumber;
    private IReadOnlyList<object>? path;
    private Dictionary<string, KeyChange>? keys;
    private IReadOnlyList<DeltaOp>? delta;

    internal YEvent(YType target, Transaction transaction)
    {
        Target = CurrentTarget = target;
        branch = target.Branch;
        Transaction = transaction;
        transactionNumber = transaction.Number;
    }

    /// <summary>The type that changed.</summary>
    public YType Target { get; }

    /// <summary>The type whose observer is being called.</summary>
    public YType CurrentTarget { get; private set; }

    /// <summary>The transaction that changed it.</summary>
    public Transaction Transaction { get; }

    /// <summary>Keys (string) and indexes (int) from <see cref="CurrentTarget"/> to <see cref="Target"/>.</summary>
    public IReadOnlyList<object> Path => path ??= FindPath();

    /// <summary>Whether the list of an array, a text or an XML node has changed.</summary>
    public bool ChildListChanged => Transaction.Changed.Any(change => change.Branch == branch && change.Key < 0);

    /// <summary>Keys or attributes that have been written or deleted, whether or not they are different now.</summary>
    public IReadOnlySet<string> KeysChanged => Transaction.Changed.Where(change => change.Branch == branch && change.Key >= 0).Select(change => Doc.Store.Names[change.Key]).ToHashSet();

    /// <summary>Changed keys of a map, or attributes of an element.</summary>
    public IReadOnlyDictionary<string, KeyChange> Keys => keys ??= FindKeys();

    /// <summary>Changes of an array or a text, from its start; empty when only keys have changed.</summary>
    public IReadOnlyList<DeltaOp> Delta => delta ??= FindDelta();

    private YDoc Doc => Transaction.Doc;

    internal void SetCurrentTarget(YType target)
    {
        CurrentTarget = target;
        path = null;
    }

    private List<object> FindPath()
    {
        var store = Doc.Store;
        var steps = new List<object>();
        for (var child = branch; child != CurrentTarget.Branch && store.Branches[child].Item is > 0 and var holder;)
        {
            ref var item = ref store.Items[holder];
            steps.Add(item.Key >= 0 ? store.Names[item.Key] : IndexOf(store, holder));
            child = item.Parent;
        }
        steps.Reverse();
        return steps;
    }

    private static int IndexOf(StructStore store, int handle)
    {
        var index = 0;
        for (var item = store.Branches[store.Items[handle].Parent].Start; item != 0 && item != handle; item = store.Items[item].Right)
        {
            index += store.Items[item].IsVisible ? store.Items[item].Length : 0;
        }
        return index;
    }

    private void CheckOpen()
    {
        if (!Transaction.IsOpen || Transaction.Number != transactionNumber)
        {
            throw new InvalidOperationException("Changes must be read while observers are being called, not later.");
        }
    }

    private Dictionary<string, KeyChange> FindKeys()
    {
        CheckOpen();
        var store = Doc.Store;
        var changes = new Dictionary<string, KeyChange>();
        foreach (var (changed, key) in Transaction.Changed)
        {
            if (changed != branch || key < 0 || store.Maps.Find(branch, key) is var handle && handle == 0)
            {
                continue;
            }
            ref var item = ref store.Items[handle];
            if (Transaction.Adds(ref item))
            {
                var previous = item.Left;
                while (previous != 0 && Transaction.Adds(ref store.Items[previous]))
                {
                    previous = store.Items[previous].Left;
                }
                var hadValue = previous != 0 && Transaction.DeletesItem(ref store.Items[previous]);
                if (Transaction.DeletesItem(ref item))
                {
                    if (hadValue)
                    {
                        changes[store.Names[key]] = new(KeyChangeAction.Delete, Last(previous));
                    }
                }
                else
                {
                    changes[store.Names[key]] = hadValue ? new(KeyChangeAction.Update, Last(previous)) : new(KeyChangeAction.Add, null);
                }
            }
            else if (Transaction.DeletesItem(ref item))
            {
                changes[store.Names[key]] = new(KeyChangeAction.Delete, Last(handle));
            }
        }
        return changes;
    }

    private object? Last(int handle) => ListReader.Value(Doc, handle, Doc.Store.Items[handle].Length - 1);

    private List<DeltaOp> FindDelta()
    {
        CheckOpen();
        var store = Doc.Store;
        if (!Transaction.Changed.Any(change => change.Branch == branch && change.Key < 0))
        {
            return [];
        }
        return store.Branches[branch].Kind is BranchKind.Text or BranchKind.XmlText
            ? new TextDelta(Transaction, branch).Compute()
            : FindListDelta(store);
    }

    private List<DeltaOp> FindListDelta(StructStore store)
    {
        var changes = new List<DeltaOp>();
        var (retained, deleted) = (0, 0);
        List<object?>? inserted = null;
        for (var handle = store.Branches[branch].Start; handle != 0; handle = store.Items[handle].Right)
        {
            ref var item = ref store.Items[handle];
            var isNew = Transaction.Adds(ref item);
            if (item.IsDeleted)
            {
                if (!isNew && Transaction.DeletesItem(ref item))
                {
                    Flush(deleted > 0);
                    deleted += item.Length;
                }
            }
            else if (isNew)
            {
                Flush(inserted is not null);
                inserted ??= [];
                ListReader.AddValues(Doc, handle, inserted);
            }
            else
            {
                Flush(retained > 0);
                retained += item.Length;
            }
        }
        retained = 0;
        Flush(false);
        return changes;

        void Flush(bool continues)
        {
            if (continues)
            {
                return;
            }
            if (retained > 0)
            {
                changes.Add(DeltaOp.Retained(retained));
            }
            if (deleted > 0)
            {
                changes.Add(DeltaOp.Deleted(deleted));
            }
            if (inserted is not null)
            {
                changes.Add(DeltaOp.Inserted(inserted));
            }
            (retained, deleted, inserted) = (0, 0, null);
        }
    }
}
