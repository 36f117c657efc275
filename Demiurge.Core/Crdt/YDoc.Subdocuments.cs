using System.Runtime.ExceptionServices;

namespace Demiurge.Core.Crdt;

/// <summary>Subdocuments that a transaction brought, took away, or wants loaded. The lists stay as they are; the transaction is valid in the handler.</summary>
public sealed record SubdocsEvent(IReadOnlyList<YDoc> Added, IReadOnlyList<YDoc> Removed, IReadOnlyList<YDoc> Loaded, Transaction Transaction);

/// <summary>What a transaction does to subdocuments; lists without duplicates, in order.</summary>
internal sealed class SubdocChanges
{
    public List<YDoc> Added { get; } = [];

    public List<YDoc> Removed { get; } = [];

    public List<YDoc> Loaded { get; } = [];

    public static void Add(List<YDoc> list, YDoc doc)
    {
        if (!list.Contains(doc))
        {
            list.Add(doc);
        }
    }
}

/// <summary>
/// The part of a document that holds others. A subdocument travels by guid and options; its content is synchronized apart from its holder's, by whoever
/// hears of it through <see cref="SubdocsChanged"/>. Source: <c>yjs/src/structs/ContentDoc.js</c> and <c>yjs/src/utils/Doc.js</c>.
/// </summary>
public sealed partial class YDoc
{
    /// <summary>Objects of subdocuments, by their items.</summary>
    private readonly Dictionary<int, YDoc> subdocsByItem = [];
    private readonly List<YDoc> subdocs = [];
    private YDoc? holder;
    private ItemId place;

    /// <summary>Raised after a transaction that brought or removed subdocuments, or asked for them to be loaded.</summary>
    public event Action<SubdocsEvent>? SubdocsChanged;

    /// <summary>Raised once, when the document is disposed; of a subdocument also because it was deleted in its holder.</summary>
    public event Action<YDoc>? Destroyed;

    /// <summary>What the application said about the document, see <see cref="YDocOptions.Meta"/>.</summary>
    public object? Meta { get; }

    /// <summary>See <see cref="YDocOptions.AutoLoad"/>.</summary>
    public bool AutoLoad { get; }

    /// <summary>Whether a provider should synchronize the content now.</summary>
    public bool ShouldLoad { get; private set; }

    /// <summary>See <see cref="YDocOptions.CollectionId"/>.</summary>
    public string? CollectionId { get; private set; }

    /// <summary>Whether the document has been disposed.</summary>
    public bool IsDestroyed { get; private set; }

    /// <summary>The document that holds this one; null when none does.</summary>
    public YDoc? ParentDoc => holder;

    /// <summary>Documents that this one holds now, in the order in which they came.</summary>
    public IReadOnlyList<YDoc> Subdocs => subdocs;

    /// <summary>Guids of the documents that this one holds now.</summary>
    public IReadOnlySet<string> SubdocGuids => subdocs.Select(static doc => doc.Guid).ToHashSet();

    /// <summary>Asks the holder's providers (<see cref="SubdocsChanged"/>) to synchronize this subdocument. Does nothing the second time, or for a document that nobody holds.</summary>
    public void Load()
    {
        if (holder is not null && !ShouldLoad)
        {
            var transaction = holder.Begin(null, true, null, out var isOuter);
            try
            {
                SubdocChanges.Add((transaction.Subdocs ??= new()).Loaded, this);
            }
            finally
            {
                ShouldLoad = true;
                holder.End(transaction, isOuter);
            }
        }
        ShouldLoad = true;
    }

    /// <summary>The document as the content of an item: guid, then those options that aren't the default.</summary>
    /// <exception cref="ArgumentException">It is held by a document already.</exception>
    internal byte[] EncodeAsSubdocument()
    {
        if (holder is not null || IsDestroyed)
        {
            throw new ArgumentException("The document is part of another one already, or disposed. Insert a new one with the same guid.");
        }
        var options = new List<KeyValuePair<string, object?>>();
        if (!Gc)
        {
            options.Add(new("gc", false));
        }
        if (AutoLoad)
        {
            options.Add(new("autoLoad", true));
        }
        if (Meta is not null)
        {
            options.Add(new("meta", Meta));
        }
        using var encoder = new LibEncoder();
        encoder.WriteVarString(Guid);
        AnyCodec.Write(encoder, options);
        return encoder.ToArray();
    }

    /// <summary>Makes a document the object of an item that is about to be integrated.</summary>
    internal void AttachSubdoc(int item, YDoc doc) => subdocsByItem[item] = doc;

    /// <summary>The document that an item holds; made when there is none yet.</summary>
    internal YDoc SubdocOf(int item)
    {
        if (!subdocsByItem.TryGetValue(item, out var doc))
        {
            doc = CreateSubdoc(item);
            doc.ShouldLoad = false;
            if (!Store.Items[item].IsDeleted)
            {
                subdocsByItem.Add(item, doc);
            }
        }
        return doc;
    }

    private YDoc CreateSubdoc(int item)
    {
        var (guid, options) = Store.ReadDoc(item);
        var members = options as IReadOnlyDictionary<string, object?> ?? new Dictionary<string, object?>();
        var autoLoad = IsTrue("autoLoad");
        return new(new()
        {
            Guid = guid,
            Gc = members.GetValueOrDefault("gc") is not false,
            Meta = members.GetValueOrDefault("meta"),
            AutoLoad = autoLoad,
            ShouldLoad = autoLoad || IsTrue("shouldLoad"),
        })
        {
            holder = this,
            place = Store.IdOf(item),
        };

        bool IsTrue(string name) => members.GetValueOrDefault(name) is true;
    }

    private void SubdocIntegrated(Transaction transaction, int item)
    {
        if (!subdocsByItem.TryGetValue(item, out var doc))
        {
            doc = CreateSubdoc(item);
            subdocsByItem.Add(item, doc);
        }
        doc.holder = this;
        doc.place = Store.IdOf(item);
        var changes = transaction.Subdocs ??= new();
        SubdocChanges.Add(changes.Added, doc);
        if (doc.ShouldLoad)
        {
            SubdocChanges.Add(changes.Loaded, doc);
        }
    }

    private void SubdocDeleted(Transaction transaction, int item)
    {
        // By item only as long as the item is there: its handle may mean another one afterwards.
        if (subdocsByItem.Remove(item, out var doc))
        {
            var changes = transaction.Subdocs ??= new();
            if (!changes.Added.Remove(doc))
            {
                SubdocChanges.Add(changes.Removed, doc);
            }
        }
    }

    /// <summary>Tells of the subdocuments, after the update. Those that were removed are disposed, which their holder hears of in a transaction of its own.</summary>
    private void FinishSubdocs(Transaction transaction, SubdocChanges changes, ref ExceptionDispatchInfo? failure)
    {
        foreach (var doc in changes.Added)
        {
            doc.ClientId = ClientId;
            doc.CollectionId ??= CollectionId;
            if (!subdocs.Contains(doc))
            {
                subdocs.Add(doc);
            }
        }
        foreach (var doc in changes.Removed)
        {
            subdocs.Remove(doc);
        }
        if (changes.Added.Count + changes.Removed.Count + changes.Loaded.Count == 0)
        {
            return;
        }
        if (SubdocsChanged is { } changed)
        {
            Guarded(static call => call.changed(call.Item2), (changed, new SubdocsEvent(changes.Added, changes.Removed, changes.Loaded, transaction)), ref failure);
        }
        foreach (var doc in changes.Removed)
        {
            Guarded(static removed => removed.Dispose(), doc, ref failure);
        }
    }

    /// <summary>Disposes the subdocuments and gives this document's place in its holder to a new one.</summary>
    private void LeaveHolder()
    {
        foreach (var subdoc in subdocs.ToArray())
        {
            subdoc.Dispose();
        }
        if (holder is not { IsDestroyed: false } from)
        {
            holder = null;
            return;
        }
        holder = null;
        var transaction = from.Begin(null, true, null, out var isOuter);
        try
        {
            var changes = transaction.Subdocs ??= new();
            var item = from.Store.Find(place);
            if (!from.Store.Items[item].IsDeleted && from.Store.Items[item].Kind == ContentKind.Doc)
            {
                from.subdocsByItem.Remove(item);
                SubdocChanges.Add(changes.Added, from.SubdocOf(item));
            }
            SubdocChanges.Add(changes.Removed, this);
        }
        finally
        {
            from.End(transaction, isOuter);
        }
    }
}
