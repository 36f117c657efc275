namespace Demiurge.Core.Crdt;

/// <summary>
/// What providers say about a document and others wait for: its content has come from storage, it is in step with a server. Nothing in the engine depends on it.
/// Source: <c>yjs/src/utils/Doc.js</c>.
/// </summary>
public sealed partial class YDoc
{
    private TaskCompletionSource? loaded;
    private TaskCompletionSource? synced;

    /// <summary>Raised each time a provider says that it has loaded the document.</summary>
    public event Action<YDoc>? Loaded;

    /// <summary>Raised each time a provider says whether the document is in step (<see cref="IsSynced"/>) or the connection is lost.</summary>
    public event Action<YDoc>? SyncedChanged;

    /// <summary>Whether a provider has said that the content is here, from storage or from a peer.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Whether a provider has said that the document is in step with its peer, and not lost the connection since.</summary>
    public bool IsSynced { get; private set; }

    /// <summary>Ends when <see cref="IsLoaded"/> becomes true; cancelled when the document is disposed before that. May be awaited on any thread.</summary>
    public Task WhenLoaded => Wait(ref loaded, IsLoaded);

    /// <summary>Ends when <see cref="IsSynced"/> becomes true; after a lost connection a new task. Cancelled when the document is disposed before that. May be awaited on any thread.</summary>
    public Task WhenSynced => Wait(ref synced, IsSynced);

    /// <summary>For providers (Yjs' <c>emit('load')</c>): the content has come from storage.</summary>
    public void SetLoaded()
    {
        IsLoaded = true;
        loaded?.TrySetResult();
        Loaded?.Invoke(this);
    }

    /// <summary>For providers (Yjs' <c>emit('sync')</c>): the document is in step with a peer, which also means loaded, or it may not be any more.</summary>
    public void SetSynced(bool isSynced)
    {
        if (!isSynced && IsSynced)
        {
            synced = null;
        }
        IsSynced = isSynced;
        if (isSynced)
        {
            synced?.TrySetResult();
            if (!IsLoaded)
            {
                SetLoaded();
            }
        }
        SyncedChanged?.Invoke(this);
    }

    private Task Wait(ref TaskCompletionSource? waiting, bool isDone)
    {
        if (waiting is null)
        {
            waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (isDone)
            {
                waiting.SetResult();
            }
            else if (IsDestroyed)
            {
                waiting.SetCanceled();
            }
        }
        return waiting.Task;
    }

    private void CancelWaiting()
    {
        Loaded = null;
        SyncedChanged = null;
        loaded?.TrySetCanceled();
        synced?.TrySetCanceled();
    }
}
