namespace Demiurge.Core.Crdt;

/// <summary>
/// Undo and redo of what tracked origins did to the types in scope, and to nothing else: what others have done since stays. Its own
/// transactions have it as their origin. Belongs to the thread of its document. Source: <c>yjs/src/utils/UndoManager.js</c>.
/// </summary>
public sealed class UndoManager : IDisposable
{
    private readonly YDoc doc;
    private readonly UndoManagerOptions options;
    private readonly List<YType> scope;
    private readonly HashSet<object?> origins;
    private readonly bool wholeDocument;
    private readonly List<StackItem> undoSteps = [];
    private readonly List<StackItem> redoSteps = [];
    private IReadOnlySet<YType> poppedTypes = new HashSet<YType>();
    private long? lastChange;

    /// <param name="doc">The document.</param>
    /// <param name="scope">Types whose content, however deep, is undone. At least one.</param>
    /// <param name="options">How to capture.</param>
    /// <exception cref="ArgumentException">The scope is empty or reaches beyond the document.</exception>
    public UndoManager(YDoc doc, IReadOnlyList<YType> scope, UndoManagerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(doc);
        ArgumentNullException.ThrowIfNull(scope);
        if (scope.Count == 0 || scope.Any(type => type.Doc != doc))
        {
            throw new ArgumentException("The scope must name at least one type, and only types of the document.", nameof(scope));
        }
        this.doc = doc;
        this.scope = [.. scope];
        this.options = options ?? new();
        origins = [.. this.options.TrackedOrigins, this];
        Start();
    }

    /// <param name="doc">The document; everything in it is undone.</param>
    /// <param name="options">How to capture.</param>
    public UndoManager(YDoc doc, UndoManagerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(doc);
        this.doc = doc;
        scope = [];
        wholeDocument = true;
        this.options = options ?? new();
        origins = [.. this.options.TrackedOrigins, this];
        Start();
    }

    /// <summary>Raised when a transaction, or undo or redo, has put a step on a stack.</summary>
    public event Action<StackItemEvent>? StackItemAdded;

    /// <summary>Raised when a transaction has joined the last step.</summary>
    public event Action<StackItemEvent>? StackItemUpdated;

    /// <summary>Raised when undo or redo has done a step, after its transaction.</summary>
    public event Action<StackItemEvent>? StackItemPopped;

    /// <summary>Raised when steps have been forgotten, also because a new change made redo impossible.</summary>
    public event Action<StackClearedEvent>? StackCleared;

    /// <summary>Raised when <see cref="CanUndo"/> or <see cref="CanRedo"/> may have changed.</summary>
    public event Action? StackChanged;

    /// <summary>Whether there is a step to undo. It may turn out to have no effect any more.</summary>
    public bool CanUndo => undoSteps.Count > 0;

    /// <summary>Whether there is a step to redo.</summary>
    public bool CanRedo => redoSteps.Count > 0;

    /// <summary>Steps that can be undone, the next one last.</summary>
    public IReadOnlyList<StackItem> UndoStack => undoSteps;

    /// <summary>Steps that can be redone, the next one last.</summary>
    public IReadOnlyList<StackItem> RedoStack => redoSteps;

    /// <summary>Whether <see cref="Undo"/> is at work: observers may want to know.</summary>
    public bool Undoing { get; private set; }

    /// <summary>Whether <see cref="Redo"/> is at work.</summary>
    public bool Redoing { get; private set; }

    /// <summary>The step that has been taken from its stack and done, until <see cref="StackItemPopped"/> has been raised; otherwise null.</summary>
    public StackItem? CurrStackItem { get; private set; }

    /// <summary>Undoes the last step that still has an effect; false when there is none.</summary>
    public bool Undo()
    {
        Undoing = true;
        try
        {
            return Pop(undoSteps, StackKind.Undo);
        }
        finally
        {
            Undoing = false;
            StackChanged?.Invoke();
        }
    }

    /// <summary>Redoes the last undone step that still has an effect; false when there is none.</summary>
    public bool Redo()
    {
        Redoing = true;
        try
        {
            return Pop(redoSteps, StackKind.Redo);
        }
        finally
        {
            Redoing = false;
            StackChanged?.Invoke();
        }
    }

    /// <summary>The next change starts a new step, however soon it comes.</summary>
    public void StopCapturing() => lastChange = null;

    /// <summary>Forgets steps: what they deleted may be collected.</summary>
    public void Clear(bool clearUndoStack = true, bool clearRedoStack = true)
    {
        Forget(clearUndoStack, clearRedoStack);
        StackChanged?.Invoke();
    }

    /// <summary>Adds types to what is undone. Has no effect on steps that have been captured.</summary>
    /// <exception cref="ArgumentException">One of the types is not of the document.</exception>
    public void AddToScope(params IEnumerable<YType> types)
    {
        foreach (var type in types)
        {
            if (type.Doc != doc)
            {
                throw new ArgumentException("The scope must name only types of the document.", nameof(types));
            }
            if (!scope.Contains(type))
            {
                scope.Add(type);
            }
        }
    }

    /// <summary>Captures transactions of one more origin, see <see cref="UndoManagerOptions.TrackedOrigins"/>.</summary>
    public void AddTrackedOrigin(object? origin) => origins.Add(origin);

    /// <summary>No longer captures transactions of an origin. Steps captured so far stay.</summary>
    public void RemoveTrackedOrigin(object? origin) => origins.Remove(origin);

    /// <summary>Stops capturing for good. Happens by itself when the document is disposed.</summary>
    public void Dispose()
    {
        doc.AfterTransaction -= Capture;
        doc.Destroyed -= DisposeWith;
        StackItemAdded = StackItemUpdated = StackItemPopped = null;
        StackCleared = null;
        StackChanged = null;
    }

    private void Start()
    {
        doc.AfterTransaction += Capture;
        doc.Destroyed += DisposeWith;
    }

    private void DisposeWith(YDoc _) => Dispose();

    private void Forget(bool undo, bool redo)
    {
        if (!(undo && undoSteps.Count > 0) && !(redo && redoSteps.Count > 0))
        {
            return;
        }
        doc.Transact(transaction =>
        {
            foreach (var steps in new[] { undo ? undoSteps : [], redo ? redoSteps : [] })
            {
                foreach (var step in steps)
                {
                    Keep(transaction, step.DeletedSet, false);
                }
                steps.Clear();
            }
            StackCleared?.Invoke(new(undo, redo));
        });
    }

    private void Capture(Transaction transaction)
    {
        var origin = transaction.Origin;
        if ((Undoing || Redoing) && origin == this && StackItemPopped is not null)
        {
            poppedTypes = transaction.ChangedTypes();
        }
        if (options.CaptureTransaction?.Invoke(transaction) == false
            || !(origins.Contains(origin) || (origin is not null && origins.Contains(origin.GetType())))
            || !(wholeDocument ? transaction.HasChanges : scope.Exists(type => transaction.HasChangedInside(type.Branch))))
        {
            return;
        }
        var steps = Undoing ? redoSteps : undoSteps;
        if (Undoing)
        {
            StopCapturing();
        }
        else if (!Redoing)
        {
            Forget(undo: false, redo: true);
        }
        var insertions = new DeleteSet();
        foreach (var (client, before, after) in transaction.Touched)
        {
            insertions.Add(doc.Store.Clients[client].Id, before, after - before);
        }
        var capturesChange = !Undoing && !Redoing;
        var isSoon = lastChange is { } last && options.TimeProvider.GetElapsedTime(last) < options.CaptureTimeout;
        var joins = capturesChange && isSoon && steps.Count > 0;
        if (joins)
        {
            var open = steps[^1];
            open.DeletedSet.AddAll(transaction.Deletes);
            open.DeletedSet.Normalize();
            open.InsertedSet.AddAll(insertions);
            open.InsertedSet.Normalize();
        }
        else
        {
            insertions.Normalize();
            steps.Add(new(insertions, transaction.Deletes.Copy()));
        }
        if (capturesChange)
        {
            lastChange = options.TimeProvider.GetTimestamp();
        }
        Keep(transaction, transaction.Deletes, true);
        if ((joins ? StackItemUpdated : StackItemAdded) is { } changed)
        {
            changed(new(steps[^1], Undoing ? StackKind.Redo : StackKind.Undo, origin, transaction.ChangedTypes()));
        }
        if (capturesChange)
        {
            StackChanged?.Invoke();
        }
    }

    /// <summary>Says of deleted items in scope, and of what holds them, whether their content may be needed again.</summary>
    private void Keep(Transaction transaction, DeleteSet deletions, bool keep)
    {
        var store = doc.Store;
        store.ForEach(transaction, deletions, item =>
        {
            if (!store.Items[item].IsGc && IsInScope(item))
            {
                Keep(store, item, keep);
            }
        });
    }

    private static void Keep(StructStore store, int item, bool keep)
    {
        while (item != 0 && store.Items[item].IsKept != keep)
        {
            store.Items[item].Flags ^= ItemFlags.Keep;
            item = store.Branches[store.Items[item].Parent].Item;
        }
    }

    private bool IsInScope(int item)
    {
        if (wholeDocument)
        {
            return true;
        }
        foreach (var type in scope)
        {
            if (type.Branch != 0 && doc.Store.IsInside(type.Branch, item))
            {
                return true;
            }
        }
        return false;
    }

    private bool Pop(List<StackItem> steps, StackKind kind)
    {
        poppedTypes = new HashSet<YType>();
        doc.Transact(
            transaction =>
            {
                while (CurrStackItem is null && steps.Count > 0)
                {
                    var step = steps[^1];
                    steps.RemoveAt(steps.Count - 1);
                    CurrStackItem = Revert(transaction, step) ? step : null;
                }
                foreach (var (branch, key) in transaction.Changed)
                {
                    if (key < 0 && doc.Store.Branches[branch].Markers is { } markers)
                    {
                        markers.Clear();
                    }
                }
            },
            origin: this,
            options.ClientId);
        if (CurrStackItem is not { } done)
        {
            return false;
        }
        try
        {
            StackItemPopped?.Invoke(new(done, kind, this, poppedTypes));
        }
        finally
        {
            CurrStackItem = null;
        }
        return true;
    }

    private bool Revert(Transaction transaction, StackItem step)
    {
        var store = doc.Store;
        var toDelete = new List<int>();
        var toRestore = new HashSet<int>();
        store.ForEach(transaction, step.InsertedSet, handle =>
        {
            if (store.Items[handle].IsGc)
            {
                return;
            }
            var item = FollowRedone(transaction, handle);
            if (!store.Items[item].IsDeleted && IsInScope(item))
            {
                toDelete.Add(item);
            }
        });
        store.ForEach(transaction, step.DeletedSet, handle =>
        {
            ref var item = ref store.Items[handle];
            // What was made and deleted within the step stays gone.
            if (!item.IsGc && IsInScope(handle) && !step.InsertedSet.Contains(store.Clients[item.Client].Id, item.Clock))
            {
                toRestore.Add(handle);
            }
        });
        var done = false;
        foreach (var item in toRestore)
        {
            done |= Restore(transaction, item, toRestore, step.InsertedSet) != 0;
        }
        // Children before their parents.
        for (var i = toDelete.Count - 1; i >= 0; i--)
        {
            if (options.DeleteFilter is null || options.DeleteFilter(DeletionCandidate.Of(doc, toDelete[i])))
            {
                store.Delete(transaction, toDelete[i]);
                done = true;
            }
        }
        return done;
    }

    /// <summary>The item that stands for this one now, after undo and redo have put it elsewhere.</summary>
    private int FollowRedone(Transaction transaction, int handle)
    {
        var store = doc.Store;
        var id = store.IdOf(handle);
        var item = handle;
        while (store.Redone.TryGetValue(item, out var copy))
        {
            id = copy with { Clock = copy.Clock + id.Clock - store.Items[item].Clock };
            item = store.Find(id);
        }
        return id.Clock > store.Items[item].Clock ? store.CleanStart(transaction, id) : item;
    }

    /// <summary>
    /// Puts a copy of a deleted item where the item was; returns it, or 0 if its place is gone or taken by someone else.
    /// </summary>
    private int Restore(Transaction transaction, int handle, HashSet<int> toRestore, DeleteSet toDelete)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        var store = doc.Store;
        if (store.Redone.TryGetValue(handle, out var redone))
        {
            return store.CleanStart(transaction, redone);
        }
        var holder = store.Branches[store.Items[handle].Parent].Item;
        if (holder != 0 && store.Items[holder].IsDeleted)
        {
            if (!store.Redone.ContainsKey(holder) && (!toRestore.Contains(holder) || Restore(transaction, holder, toRestore, toDelete) == 0))
            {
                return 0;
            }
            while (store.Redone.TryGetValue(holder, out var copy))
            {
                holder = store.CleanStart(transaction, copy);
            }
        }
        if (holder != 0 && store.Items[holder].Kind != ContentKind.Type)
        {
            return 0;
        }
        var parent = holder == 0 ? store.Items[handle].Parent : store.Items[holder].A;
        var key = store.Items[handle].Key;
        int left, right;
        if (key < 0)
        {
            left = NearestIn(transaction, store.Items[handle].Left, holder, toLeft: true);
            right = NearestIn(transaction, handle, holder, toLeft: false);
        }
        else
        {
            right = 0;
            if (store.Items[handle].Right != 0 && !options.IgnoreRemoteMapChanges)
            {
                left = LastReplaceable(transaction, handle, toDelete);
                if (store.Items[left].Right != 0)
                {
                    return 0;
                }
            }
            else
            {
                left = store.Maps.Find(parent, key);
            }
            if (left != 0 && store.Branches[store.Items[left].Parent].Item != holder)
            {
                left = store.Maps.Find(parent, key);
            }
        }
        var restored = store.Create(transaction, left, right, parent, key, store.Items[handle].Kind, store.Items[handle].Length);
        store.CopyContent(ref store.Items[handle], ref store.Items[restored]);
        store.Redone[handle] = store.IdOf(restored);
        store.Items[handle].Flags |= ItemFlags.Redone;
        Keep(store, restored, true);
        store.Integrate(transaction, restored);
        return restored;
    }

    /// <summary>The nearest neighbour, in one direction, that is in the type that <paramref name="holder"/> holds, itself or by a copy.</summary>
    private int NearestIn(Transaction transaction, int item, int holder, bool toLeft)
    {
        var store = doc.Store;
        for (; item != 0; item = toLeft ? store.Items[item].Left : store.Items[item].Right)
        {
            var trace = item;
            while (trace != 0 && (store.Items[trace].IsGc || store.Branches[store.Items[trace].Parent].Item != holder))
            {
                trace = store.Redone.TryGetValue(trace, out var copy) ? store.CleanStart(transaction, copy) : 0;
            }
            if (trace != 0)
            {
                return trace;
            }
        }
        return 0;
    }

    /// <summary>The last value of a key after this one of which each next one is undone as well.</summary>
    private int LastReplaceable(Transaction transaction, int item, DeleteSet toDelete)
    {
        var store = doc.Store;
        while (store.Items[item].Right is > 0 and var next && (store.Redone.ContainsKey(next) || IsUndone(next, toDelete)))
        {
            item = next;
            while (store.Redone.TryGetValue(item, out var copy))
            {
                item = store.CleanStart(transaction, copy);
            }
        }
        return item;
    }

    private bool IsUndone(int handle, DeleteSet toDelete)
    {
        ref var item = ref doc.Store.Items[handle];
        var (client, clock) = (doc.Store.Clients[item.Client].Id, item.Clock);
        return toDelete.Contains(client, clock)
            || undoSteps.Any(step => step.DeletedSet.Contains(client, clock))
            || redoSteps.Any(step => step.DeletedSet.Contains(client, clock));
    }
}
