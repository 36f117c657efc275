namespace Demiurge.Core.Crdt;

/// <summary>
/// A group of changes that observers, updates and undo see as one. Valid inside its body and its observers, and not to be kept: the document
/// uses the object again, so that a typed character allocates none.
/// </summary>
public sealed class Transaction
{
    private readonly List<(int Branch, int Key)> changed = [];
    private Dictionary<object, object?>? meta;
    private HashSet<(int, int)>? changedSet;
    private Dictionary<int, int>? touchedSet;

    internal Transaction(YDoc doc) => Doc = doc;

    /// <summary>The document that changes.</summary>
    public YDoc Doc { get; }

    /// <summary>Whoever caused the transaction, as told to <see cref="YDoc.Transact(Action{Transaction}, object, uint?)"/>.</summary>
    public object? Origin { get; private set; }

    /// <summary>False when the transaction applies an update from elsewhere.</summary>
    public bool Local { get; internal set; }

    /// <summary>The client id under which new structs are created.</summary>
    internal ulong WriteClient { get; set; }

    internal DeleteSet Deletes { get; } = new();

    /// <summary>Clients that got new structs, and what their next clock was before.</summary>
    internal List<TouchedClient> Touched { get; } = [];

    /// <summary>Structs that may merge with their neighbours at the end.</summary>
    internal List<ItemId> MergeCandidates { get; } = [];

    /// <summary>What existed before and was changed: a branch and a key of it, or -1 for its list. In order of first change.</summary>
    internal IReadOnlyList<(int Branch, int Key)> Changed => changed;

    internal bool NeedsFormattingCleanup { get; set; }

    /// <summary>Whether observers are still to be called, or being called.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>Differs each time the object is used.</summary>
    internal long Number { get; private set; }

    /// <summary>False when it has grown so much that it is better forgotten than used again.</summary>
    internal bool IsReusable => changed.Capacity + Touched.Capacity + MergeCandidates.Capacity + Deletes.Capacity < 4096 && changedSet is null && touchedSet is null;

    /// <summary>Notes of whoever takes part in the transaction, by any key: those who see its events find them here. Not replicated.</summary>
    public IDictionary<object, object?> Meta => meta ??= [];

    /// <summary>Subdocuments that came, went, or are to be loaded; null when none did.</summary>
    internal SubdocChanges? Subdocs { get; set; }

    internal bool HasChanges => Deletes.Count > 0 || Touched.Count > 0;

    internal void Open(object? origin, bool local, ulong writeClient)
    {
        Origin = origin;
        Local = local;
        WriteClient = writeClient;
        IsOpen = true;
        Number++;
    }

    /// <summary>Forgets everything, so that it can be opened again.</summary>
    internal void Reset()
    {
        Origin = null;
        Subdocs = null;
        meta = null;
        NeedsFormattingCleanup = false;
        changed.Clear();
        Touched.Clear();
        MergeCandidates.Clear();
        Deletes.Clear();
    }

    /// <summary>Notes that a client is about to get a struct.</summary>
    internal void Touch(ClientBlocks client)
    {
        if (Touched.Count > 0 && Touched[^1].Client == client.Index)
        {
            return;
        }
        if (FindTouched(client.Index) < 0)
        {
            touchedSet?.Add(client.Index, Touched.Count);
            Touched.Add(new(client.Index, client.State, client.State));
            if (Touched.Count == 16)
            {
                touchedSet = [];
                for (var i = 0; i < Touched.Count; i++)
                {
                    touchedSet.Add(Touched[i].Client, i);
                }
            }
        }
    }

    /// <summary>The body is done: what comes next belongs to other transactions.</summary>
    internal void Close()
    {
        Deletes.Normalize();
        for (var i = 0; i < Touched.Count; i++)
        {
            Touched[i] = Touched[i] with { After = Doc.Store.Clients[Touched[i].Client].State };
        }
    }

    /// <summary>The next clock that a client had when the transaction began.</summary>
    internal int StateBefore(int client)
    {
        var index = FindTouched(client);
        return index < 0 ? Doc.Store.Clients[client].State : Touched[index].Before;
    }

    /// <summary>Whether an item was made by this transaction.</summary>
    internal bool Adds(ref Item item) => item.Clock >= StateBefore(item.Client);

    /// <summary>Whether an item was deleted by this transaction.</summary>
    internal bool DeletesItem(ref Item item) => Deletes.Contains(Doc.Store.Clients[item.Client].Id, item.Clock);

    internal void AddChanged(int branch, int key)
    {
        var store = Doc.Store;
        var holder = store.Branches[branch].Item;
        if (holder != 0)
        {
            ref var item = ref store.Items[holder];
            if (item.IsDeleted || item.Clock >= StateBefore(item.Client))
            {
                return;
            }
        }
        if (changed.Count > 0 && changed[^1] == (branch, key))
        {
            return;
        }
        if (changed.Count < 16)
        {
            if (!changed.Contains((branch, key)))
            {
                changed.Add((branch, key));
            }
            return;
        }
        changedSet ??= [.. changed];
        if (changedSet.Add((branch, key)))
        {
            changed.Add((branch, key));
        }
    }

    /// <summary>Types that have changed and are still there, and all that hold them. While observers are being called.</summary>
    internal HashSet<YType> ChangedTypes()
    {
        var types = new HashSet<YType>();
        foreach (var (changedBranch, _) in changed)
        {
            for (var branch = Doc.Store.IsBranchDeleted(changedBranch) ? 0 : changedBranch; branch != 0 && types.Add(Doc.TypeOf(branch)); branch = Doc.Store.ParentOf(branch))
            {
            }
        }
        return types;
    }

    /// <summary>Whether a branch, or one below it, has changed and is still there.</summary>
    internal bool HasChangedInside(int ancestor)
    {
        var store = Doc.Store;
        foreach (var (changedBranch, _) in changed)
        {
            if (store.IsBranchDeleted(changedBranch))
            {
                continue;
            }
            for (var branch = changedBranch; branch != 0; branch = store.ParentOf(branch))
            {
                if (branch == ancestor)
                {
                    return true;
                }
            }
        }
        return false;
    }

    private int FindTouched(int client)
    {
        if (touchedSet is not null)
        {
            return touchedSet.TryGetValue(client, out var index) ? index : -1;
        }
        for (var i = 0; i < Touched.Count; i++)
        {
            if (Touched[i].Client == client)
            {
                return i;
            }
        }
        return -1;
    }
}

/// <summary>A client that got new structs in a transaction, its next clock before that, and after the transaction's body.</summary>
internal readonly record struct TouchedClient(int Client, int Before, int After);
