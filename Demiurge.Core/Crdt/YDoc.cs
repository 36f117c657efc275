using System.Runtime.ExceptionServices;

namespace Demiurge.Core.Crdt;

/// <summary>
/// A replicated document, compatible with <c>yjs</c> 13: what it encodes, Yjs reads, and the other way round. One writer at a time: the
/// document and everything obtained from it belong to one thread at a time; a change while another thread is in a transaction throws
/// <see cref="InvalidOperationException"/>. What another thread may read meanwhile is a <see cref="FrozenDoc"/>, which <see cref="Freeze"/> gives.
/// </summary>
public sealed partial class YDoc : IDisposable
{
    private readonly Dictionary<int, YType> types = [];
    private readonly List<Transaction> unfinished = [];
    private readonly UpdateIntegrator integrator;
    private readonly Predicate<int>? gcFilter;
    /// <summary>For updates that are being handed out, so that whoever gets one may encode the document meanwhile.</summary>
    private readonly LibEncoder updateBuffer = new();
    private readonly Stack<Transaction> spare = [];
    private Transaction? current;
    private int writerThread;
    private int observed;

    /// <summary>An empty document.</summary>
    public YDoc(YDocOptions? options = null)
    {
        options ??= new();
        ClientId = options.ClientId ?? RandomClientId();
        Gc = options.Gc;
        if (options.GcFilter is { } filter)
        {
            gcFilter = item => filter(DeletionCandidate.Of(this, item));
        }
        Guid = options.Guid ?? System.Guid.NewGuid().ToString();
        Meta = options.Meta;
        AutoLoad = options.AutoLoad;
        ShouldLoad = options.ShouldLoad;
        CollectionId = options.CollectionId;
        Store.DocIntegrated = SubdocIntegrated;
        Store.DocDeleted = SubdocDeleted;
        integrator = new(Store);
        Store.TypeIntegrated = (transaction, branch) => types.GetValueOrDefault(branch)?.Integrated(transaction);
        Store.TypeCollected = branch =>
        {
            if (types.Remove(branch, out var type))
            {
                type.Detach();
            }
        };
    }

    /// <summary>Raised after each transaction that changed something, with the change as an update.</summary>
    public event Action<YUpdateEvent>? Updated;

    /// <summary>As <see cref="Updated"/>, with the change in update format v2. An update is only made in a format that somebody subscribes to.</summary>
    public event Action<YUpdateEvent>? UpdatedV2;

    /// <summary>As <see cref="Updated"/>, for those who copy the bytes to somewhere of their own and want none allocated.</summary>
    public event YUpdateHandler? UpdateEncoded;

    /// <summary>As <see cref="UpdateEncoded"/>, in update format v2.</summary>
    public event YUpdateHandler? UpdateEncodedV2;

    /// <summary>Raised after the observers of each transaction, before deleted content is dropped.</summary>
    public event Action<Transaction>? AfterTransaction;

    /// <summary>Identity of the document, by which a holder refers to it.</summary>
    public string Guid { get; }

    /// <summary>
    /// The Yjs client id under which this replica writes, unless a transaction names another one. Becomes a new random one when an
    /// update from elsewhere turns out to use it too.
    /// </summary>
    public uint ClientId { get; set; }

    /// <summary>Whether the content of what is deleted is dropped.</summary>
    public bool Gc { get; set; }

    /// <summary>Whether something received still waits for what it depends on.</summary>
    public bool HasPending => integrator.HasPending;

    internal StructStore Store { get; } = new();

    /// <inheritdoc cref="GetText"/>
    public YMap GetMap(string name) => (YMap)GetRoot(name, BranchKind.Map);

    /// <inheritdoc cref="GetText"/>
    public YArray GetArray(string name) => (YArray)GetRoot(name, BranchKind.Array);

    /// <summary>A root type of this kind; created when nobody has named it before. The same object each time.</summary>
    /// <exception cref="InvalidOperationException">The root is in use as another type.</exception>
    public YText GetText(string name) => (YText)GetRoot(name, BranchKind.Text);

    /// <inheritdoc cref="GetText"/>
    public YXmlFragment GetXmlFragment(string name) => (YXmlFragment)GetRoot(name, BranchKind.XmlFragment);

    /// <inheritdoc cref="GetText"/>
    public YXmlElement GetXmlElement(string name) => (YXmlElement)GetRoot(name, BranchKind.XmlElement);

    /// <inheritdoc cref="GetText"/>
    public YXmlText GetXmlText(string name) => (YXmlText)GetRoot(name, BranchKind.XmlText);

    /// <summary>Runs a body as one transaction; within another one it becomes part of that.</summary>
    /// <param name="body">What to do. What it has done before it throws stays done.</param>
    /// <param name="origin">Whoever causes the change: given to events and used by undo. Of a nested call it is ignored.</param>
    /// <param name="clientId">
    /// The Yjs client id under which the body writes, <see cref="ClientId"/> when null. A server that writes for several people gives each an id of their own; no other replica may write under it meanwhile.
    /// </param>
    public void Transact(Action<Transaction> body, object? origin = null, uint? clientId = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        Transact(
            transaction =>
            {
                body(transaction);
                return true;
            },
            origin,
            clientId);
    }

    /// <inheritdoc cref="Transact(Action{Transaction}, object, uint?)"/>
    public T Transact<T>(Func<Transaction, T> body, object? origin = null, uint? clientId = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var transaction = Begin(origin, true, clientId, out var isOuter);
        var writer = transaction.WriteClient;
        try
        {
            transaction.WriteClient = clientId ?? writer;
            return body(transaction);
        }
        finally
        {
            transaction.WriteClient = writer;
            End(transaction, isOuter);
        }
    }

    /// <summary>Takes in an update (format v1). Applying one twice, or in any order, does no harm.</summary>
    /// <param name="update">The update's bytes.</param>
    /// <param name="origin">Given to events; who sent it, for example.</param>
    /// <exception cref="CrdtDecodingException">The bytes are not an update; the document is unchanged.</exception>
    /// <remarks>What an observer throws is thrown here too, after the update has been taken in and all observers have been called.</remarks>
    public void ApplyUpdate(ReadOnlySpan<byte> update, object? origin = null)
    {
        var decoded = integrator.Decode(update);
        var transaction = Begin(origin, false, null, out var isOuter);
        try
        {
            transaction.Local = false;
            integrator.Apply(transaction, decoded, update);
            integrator.Return(decoded);
        }
        finally
        {
            End(transaction, isOuter);
        }
    }

    /// <summary>As <see cref="ApplyUpdate"/>, for update format v2.</summary>
    /// <param name="update">The update's bytes.</param>
    /// <param name="origin">Given to events; who sent it, for example.</param>
    /// <exception cref="CrdtDecodingException">
    /// The bytes are not an update, or one that unfolds to more than any honest one (see <see cref="YUpdates.ConvertUpdateFormatV2ToV1"/>); the document is unchanged.
    /// </exception>
    public void ApplyUpdateV2(ReadOnlySpan<byte> update, object? origin = null)
    {
        using var encoder = new LibEncoder(update.Length + 256);
        UpdateTranscoder.ToV1(update, encoder);
        ApplyUpdate(encoder.Written, origin);
    }

    /// <summary>Everything beyond a state vector, and all deletions, as an update (format v1). Includes what still waits.</summary>
    /// <exception cref="CrdtDecodingException">The state vector is malformed.</exception>
    public byte[] EncodeStateAsUpdate(ReadOnlySpan<byte> targetStateVector = default) =>
        new StateEncoder(Store, integrator.PendingUpdate, integrator.PendingDeleteUpdate).Encode(targetStateVector);

    /// <summary>As <see cref="EncodeStateAsUpdate"/>, in update format v2: smaller, above all for long documents.</summary>
    /// <exception cref="CrdtDecodingException">The state vector is malformed.</exception>
    public byte[] EncodeStateAsUpdateV2(ReadOnlySpan<byte> targetStateVector = default) =>
        new StateEncoder(Store, integrator.PendingUpdate, integrator.PendingDeleteUpdate).EncodeV2(targetStateVector);

    /// <summary>The next clock of each client. Under a client id of <see cref="Transact(Action{Transaction}, object, uint?)"/> as under any other.</summary>
    public byte[] EncodeStateVector() => StateEncoder.EncodeStateVector(Store);

    /// <summary>
    /// The document as it is now, for another thread to encode while this one goes on. Takes microseconds, whatever the document's size; afterwards changes
    /// cost a little more until it is disposed of. To be called by the document's writer.
    /// </summary>
    /// <exception cref="InvalidOperationException">A transaction is open: what it does belongs together.</exception>
    public FrozenDoc Freeze() => current is null
        ? new(Store, integrator.PendingUpdate, integrator.PendingDeleteUpdate)
        : throw new InvalidOperationException("A document can't be frozen inside a transaction. Do it before or after.");

    /// <summary>What an update (format v1) would change here: as <see cref="YUpdates.Inspect"/>, with what this document knows about the structs it refers to.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public UpdateInfo Inspect(ReadOnlySpan<byte> update) => UpdateInspector.Inspect(update, Store);

    /// <summary>
    /// Decides about an update (format v1) before it is applied: whether it stays within the roots that its sender may write, and whether anything in it would
    /// have to wait. Nothing is changed.
    /// </summary>
    /// <param name="update">The update's bytes.</param>
    /// <param name="mayWrite">Whether a root of this name may be written; asked once for each.</param>
    /// <param name="speaksFor">
    /// Whether the sender may write under a client id that it has something new of. If not, that counts as missing, until somebody else has brought it. Null: under any.
    /// </param>
    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public UpdateReview Review(ReadOnlySpan<byte> update, Func<string, bool> mayWrite, Func<ulong, bool>? speaksFor = null) =>
        UpdateReviewer.Review(Store, update, mayWrite, speaksFor);

    /// <summary>The part of an update (format v1) that <see cref="Review"/> has nothing against: of each client what comes before the first struct that is forbidden or waits.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public byte[] Permitted(ReadOnlySpan<byte> update, Func<string, bool> mayWrite, Func<ulong, bool>? speaksFor = null) =>
        UpdateReviewer.Permitted(Store, update, mayWrite, speaksFor);

    /// <summary>Whether the document has this clock of a client by now.</summary>
    public bool Has(MissingClock missing) => missing.Clock < Store.State(missing.Client);

    /// <summary>
    /// Releases buffers, subscribers and subdocuments, and says so (<see cref="Destroyed"/>). The document is not to be used afterwards. If it is a subdocument, its place in the holder is
    /// taken by a new one with the same guid, which is not loaded.
    /// </summary>
    public void Dispose()
    {
        if (IsDestroyed)
        {
            return;
        }
        IsDestroyed = true;
        LeaveHolder();
        Destroyed?.Invoke(this);
        Destroyed = null;
        SubdocsChanged = null;
        CancelWaiting();
        Updated = null;
        UpdatedV2 = null;
        UpdateEncoded = null;
        UpdateEncodedV2 = null;
        AfterTransaction = null;
        updateBuffer.Dispose();
    }

    internal static uint RandomClientId() => (uint)Random.Shared.NextInt64(1, uint.MaxValue);

    internal void Register(YType type) => types.Add(type.Branch, type);

    /// <summary>Keeps count of subscriptions to types, so that no events are made when there are none.</summary>
    internal void CountObservers(int difference) => observed += difference;

    /// <summary>The object for a branch; made on first demand.</summary>
    internal YType TypeOf(int branch)
    {
        if (types.TryGetValue(branch, out var type))
        {
            return type;
        }
        return Store.Branches[branch].Kind switch
        {
            BranchKind.Array => new YArray(this, branch),
            BranchKind.Map => new YMap(this, branch),
            BranchKind.Text => new YText(this, branch),
            BranchKind.XmlElement => new YXmlElement(this, branch),
            BranchKind.XmlFragment => new YXmlFragment(this, branch),
            BranchKind.XmlHook => new YXmlHook(this, branch),
            BranchKind.XmlText => new YXmlText(this, branch),
            _ => new YUntyped(this, branch),
        };
    }

    /// <summary>Opens a transaction, or joins the open one. To be ended with <see cref="End"/> in a finally block.</summary>
    internal Transaction Begin(object? origin, bool local, uint? clientId, out bool isOuter)
    {
        var thread = Environment.CurrentManagedThreadId;
        if (writerThread != thread && Interlocked.CompareExchange(ref writerThread, thread, 0) != 0)
        {
            throw new InvalidOperationException("Another thread is changing the document. It has one writer at a time.");
        }
        isOuter = current is null;
        if (current is null)
        {
            current = spare.TryPop(out var transaction) ? transaction : new(this);
            current.Open(origin, local, clientId ?? ClientId);
            unfinished.Add(current);
        }
        return current;
    }

    internal void End(Transaction transaction, bool isOuter)
    {
        if (!isOuter)
        {
            return;
        }
        current = null;
        // Transactions that observers open are finished after the one that is being observed, in order.
        if (transaction != unfinished[0])
        {
            return;
        }
        ExceptionDispatchInfo? failure = null;
        for (var i = 0; i < unfinished.Count; i++)
        {
            Finish(unfinished[i], ref failure);
        }
        foreach (var finished in unfinished)
        {
            if (finished.IsReusable)
            {
                finished.Reset();
                spare.Push(finished);
            }
        }
        unfinished.Clear();
        writerThread = 0;
        failure?.Throw();
    }

    private YType GetRoot(string name, BranchKind kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        var branch = Store.Root(Store.Names.Add(name));
        ref var root = ref Store.Branches[branch];
        if (root.Kind == BranchKind.Undefined)
        {
            root.Kind = kind;
            // Yjs forgets at this moment that a format has been here. Kept, as it decides how positions are found.
            root.HasFormatting = false;
            types.Remove(branch);
        }
        if (root.Kind != kind)
        {
            throw new InvalidOperationException($"The root '{name}' is in use as {root.Kind}, not {kind}.");
        }
        return TypeOf(branch);
    }

    private void Finish(Transaction transaction, ref ExceptionDispatchInfo? failure)
    {
        transaction.Close();
        CallObservers(transaction, ref failure);
        if (Gc)
        {
            Store.Collect(transaction.Deletes, gcFilter);
        }
        Store.Merge(transaction);
        Store.CompactHeaps();
        transaction.IsOpen = false;
        if (!transaction.Local && HasStructsOf(transaction, ClientId))
        {
            ClientId = RandomClientId();
        }
        if (transaction.HasChanges && (Updated is not null || UpdateEncoded is not null))
        {
            updateBuffer.Clear();
            var encoder = new UpdateEncoderV1(updateBuffer);
            UpdateWriter.WriteStructs(encoder, transaction);
            transaction.Deletes.Write(encoder);
            HandOut(UpdateEncoded, Updated, transaction, ref failure);
        }
        if (transaction.HasChanges && (UpdatedV2 is not null || UpdateEncodedV2 is not null))
        {
            updateBuffer.Clear();
            var columns = UpdateColumns.Rent();
            var encoder = new UpdateEncoderV2(columns);
            UpdateWriter.WriteStructs(encoder, transaction);
            transaction.Deletes.Write(encoder);
            columns.Finish(updateBuffer);
            HandOut(UpdateEncodedV2, UpdatedV2, transaction, ref failure);
        }
        if (transaction.Subdocs is { } subdocs)
        {
            FinishSubdocs(transaction, subdocs, ref failure);
        }
    }

    private bool HasStructsOf(Transaction transaction, uint clientId)
    {
        foreach (var (client, _, _) in transaction.Touched)
        {
            if (Store.Clients[client].Id == clientId)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Gives the update in the buffer to those who take it from there, then to those who want bytes of their own.</summary>
    private void HandOut(YUpdateHandler? encoded, Action<YUpdateEvent>? updated, Transaction transaction, ref ExceptionDispatchInfo? failure)
    {
        if (encoded is not null)
        {
            Guarded(static call => call.encoded(call.updateBuffer.Written, call.transaction), (encoded, updateBuffer, transaction), ref failure);
        }
        if (updated is not null)
        {
            var change = new YUpdateEvent(updateBuffer.ToArray(), transaction.Origin, transaction, transaction.Local);
            Guarded(static call => call.updated(call.change), (updated, change), ref failure);
        }
    }

    /// <summary>Observers of the changed types, then deep observers, then those of the document; one that throws doesn't keep the others from being called.</summary>
    private void CallObservers(Transaction transaction, ref ExceptionDispatchInfo? failure)
    {
        List<(YType Type, List<YEvent> Events)>? deep = null;
        var seen = transaction.Changed.Count > 1 ? new HashSet<int>() : null;
        // What observers change meanwhile belongs to transactions of their own: this list doesn't grow.
        for (var i = 0; i < transaction.Changed.Count; i++)
        {
            var branch = transaction.Changed[i].Branch;
            if (seen?.Add(branch) == false || Store.IsBranchDeleted(branch))
            {
                continue;
            }
            if (!transaction.Local)
            {
                transaction.NeedsFormattingCleanup |= TextCleanup.IsFormattedText(Store, branch);
            }
            if (observed == 0)
            {
                continue;
            }
            YEvent? change = null;
            for (var ancestor = branch; ancestor != 0; ancestor = Store.ParentOf(ancestor))
            {
                if (types.TryGetValue(ancestor, out var type) && type.HasDeepObservers)
                {
                    deep ??= [];
                    change ??= new(TypeOf(branch), transaction);
                    var index = deep.FindIndex(entry => entry.Type == type);
                    if (index < 0)
                    {
                        deep.Add((type, [change]));
                    }
                    else
                    {
                        deep[index].Events.Add(change);
                    }
                }
            }
            if (types.TryGetValue(branch, out var target) && target.HasObservers)
            {
                change ??= new(target, transaction);
                Guarded(static call => call.target.CallObservers(call.change), (target, change), ref failure);
            }
        }
        for (var i = 0; i < deep?.Count; i++)
        {
            if (!deep[i].Type.IsDeleted)
            {
                Guarded(static call => CallDeepObservers(call.Type, call.Events), deep[i], ref failure);
            }
        }
        if (AfterTransaction is { } after)
        {
            Guarded(static call => call.after(call.transaction), (after, transaction), ref failure);
        }
        if (transaction.NeedsFormattingCleanup)
        {
            Guarded(TextCleanup.AfterTransaction, transaction, ref failure);
        }
    }

    private static void CallDeepObservers(YType type, List<YEvent> events)
    {
        var alive = events.FindAll(static change => !change.Target.IsDeleted);
        alive.ForEach(change => change.SetCurrentTarget(type));
        type.CallDeepObservers([.. alive.OrderBy(static change => change.Path.Count)]);
    }

    private static void Guarded<T>(Action<T> call, T argument, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            call(argument);
        }
        catch (Exception exception)
        {
            failure ??= ExceptionDispatchInfo.Capture(exception);
        }
    }
}
