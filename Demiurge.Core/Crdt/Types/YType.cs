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
