using System.Diagnostics.CodeAnalysis;

namespace Demiurge.Core.Crdt;

/// <summary>
/// A shared type. Created by the document that holds it, or by a constructor and then inserted somewhere: until then it only
/// collects what is put into it. Like its document it belongs to one thread at a time. Once it has been deleted it reads as empty and
/// refuses changes with <see cref="InvalidOperationException"/>.
/// </summary>
public abstract class YType
{
    private Action<YEvent>? observers;
    private Action<IReadOnlyList<YEvent>>? deepObservers;
    private int subscriptions;

    private protected YType() { }

    /// <summary>The document; null as long as the type has not been inserted.</summary>
    public YDoc? Doc { get; private set; }

    /// <summary>The type that holds this one; null for a root.</summary>
    public YType? Parent => IsAlive && Store.ParentOf(Branch) is > 0 and var parent ? Doc.TypeOf(parent) : null;

    /// <summary>The key under which the parent map holds this type; null in an array or text, and for a root.</summary>
    public string? ParentKey => IsAlive && Store.Branches[Branch].Item is > 0 and var item && Store.Items[item].Key is >= 0 and var key ? Store.Names[key] : null;

    /// <summary>Whether the type was in a document and has been deleted there.</summary>
    public bool IsDeleted => Doc is not null && (Branch == 0 || Store.IsBranchDeleted(Branch));

    /// <summary>Handle of the branch; 0 before insertion and after collection.</summary>
    internal int Branch { get; private set; }

    /// <summary>Whether there is a branch to read from.</summary>
    [MemberNotNullWhen(true, nameof(Doc))]
    internal bool IsAlive => Branch != 0 && Doc is not null;

    internal StructStore Store => Doc!.Store;

    internal abstract BranchKind Kind { get; }

    /// <summary>Name that is written with the type: of an XML element or hook.</summary>
    internal virtual string? BranchName => null;

    internal bool HasObservers => observers is not null;

    internal bool HasDeepObservers => deepObservers is not null;

    /// <summary>Calls <paramref name="handler"/> after each transaction that changed this type itself. Dispose to stop.</summary>
    public IDisposable Observe(Action<YEvent> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        observers += handler;
        CountObservers(1);
        return new Subscription(() =>
        {
            observers -= handler;
            CountObservers(-1);
        });
    }

    /// <summary>Calls <paramref name="handler"/> after each transaction that changed this type or anything below it. Dispose to stop.</summary>
    public IDisposable ObserveDeep(Action<IReadOnlyList<YEvent>> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        deepObservers += handler;
        CountObservers(1);
        return new Subscription(() =>
        {
            deepObservers -= handler;
            CountObservers(-1);
        });
    }

    /// <summary>A copy that is in no document, with copies of the shared types it holds. What other replicas do to the one isn't done to the other.</summary>
    public abstract YType Clone();

    /// <summary>A copy as plain values: dictionary, list, string, double, bool, long, byte array or null.</summary>
    public abstract object? ToJson();

    internal void Attach(YDoc doc, int branch)
    {
        Doc = doc;
        Branch = branch;
        doc.Register(this);
        doc.CountObservers(subscriptions);
    }

    /// <summary>The type has been collected: its handle may mean another one from now on.</summary>
    internal void Detach()
    {
        Doc!.CountObservers(-subscriptions);
        Branch = 0;
    }

    private void CountObservers(int difference)
    {
        subscriptions += difference;
        if (IsAlive)
        {
            Doc.CountObservers(difference);
        }
    }

    /// <summary>Writes what was put in before the type had a document.</summary>
    private protected virtual void WritePreliminary(Transaction transaction) { }

    internal void Integrated(Transaction transaction) => WritePreliminary(transaction);

    internal void CallObservers(YEvent change) => observers?.Invoke(change);

    internal void CallDeepObservers(IReadOnlyList<YEvent> changes) => deepObservers?.Invoke(changes);

    /// <summary>Begins a change, inside the transaction that is open or in one of its own; end it with <see cref="YDoc.End"/>.</summary>
    private protected Transaction Begin(out bool isOuter)
    {
        if (IsDeleted)
        {
            throw new InvalidOperationException("The shared type has been deleted. Look it up again in the document.");
        }
        return Doc!.Begin(null, true, null, out isOuter);
    }

    private protected void SetKey(string key, object? value)
    {
        var content = Content.Of(value);
        var transaction = Begin(out var isOuter);
        try
        {
            MapEditor.Set(transaction, Branch, key, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    private protected void RemoveKey(string key)
    {
        if (!HasKey(key))
        {
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            Store.Delete(transaction, MapEditor.FindVisible(Store, Branch, key));
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    private protected object? GetKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return IsAlive && MapEditor.FindVisible(Store, Branch, key) is > 0 and var item ? MapEditor.Last(Doc, item) : null;
    }

    private protected bool HasKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return IsAlive && MapEditor.FindVisible(Store, Branch, key) != 0;
    }

    private protected Dictionary<string, object?> GetKeys(Snapshot? snapshot)
    {
        var keys = new Dictionary<string, object?>();
        if (IsAlive)
        {
            foreach (var (key, value) in snapshot is null
                ? MapEditor.Visible(Store, Branch).Select(entry => (entry.Key, Value: MapEditor.Last(Doc, entry.Item)))
                : MapEditor.At(Doc, Branch, snapshot))
            {
                keys[Store.Names[key]] = value;
            }
        }
        return keys;
    }

    /// <summary>The nearest neighbour in the parent's list that is there and a shared type.</summary>
    private protected YType? Sibling(bool next)
    {
        if (!IsAlive || Store.Branches[Branch].Item is var item && item == 0)
        {
            return null;
        }
        do
        {
            item = next ? Store.Items[item].Right : Store.Items[item].Left;
        }
        while (item != 0 && Store.Items[item].IsDeleted);
        return item != 0 ? ListReader.Value(Doc, item, 0) as YType : null;
    }

    private sealed class Subscription(Action stop) : IDisposable
    {
        private Action? stop = stop;

        public void Dispose()
        {
            stop?.Invoke();
            stop = null;
        }
    }
}
