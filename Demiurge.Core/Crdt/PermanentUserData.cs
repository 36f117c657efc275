namespace Demiurge.Core.Crdt;

/// <summary>
/// Who wrote and who deleted what, kept in the document itself: a map of users, each with the client ids they have written under and what they have deleted. Thread rules are those of the document.
/// What Yjs does "a moment later" (in a task of its own) is done at the end of the transaction here, in a transaction of its own; the content is the same.
/// Source: <c>yjs/src/utils/PermanentUserData.js</c>.
/// </summary>
public sealed class PermanentUserData : IDisposable
{
    private const string Ids = "ids";
    private const string Deletes = "ds";

    private readonly YMap users;
    private readonly Dictionary<ulong, string> clients = [];
    private readonly Dictionary<string, DeleteSet> deletes = [];
    private readonly List<IDisposable> subscriptions = [];

    /// <summary>Reads what is known so far, and follows what comes.</summary>
    /// <param name="doc">The document.</param>
    /// <param name="storeType">The map of users; the root "users" when null.</param>
    public PermanentUserData(YDoc doc, YMap? storeType = null)
    {
        ArgumentNullException.ThrowIfNull(doc);
        users = storeType ?? doc.GetMap("users");
        subscriptions.Add(users.Observe(change =>
        {
            foreach (var user in change.KeysChanged)
            {
                Follow(user);
            }
        }));
        foreach (var user in users.Keys.ToList())
        {
            Follow(user);
        }
    }

    /// <summary>Client ids and whose they are.</summary>
    public IReadOnlyDictionary<ulong, string> Clients => clients;

    /// <summary>Notes that a user writes under a client id, and from now on what local transactions of a document delete as deleted by them.</summary>
    /// <param name="doc">The document in which the user works; usually the one that holds the map.</param>
    /// <param name="clientId">Their client id.</param>
    /// <param name="userDescription">Who it is: a name, or an id of the application.</param>
    /// <param name="filter">Of the transactions that deleted something, those that count; all when null. A document that several people write in names whose a transaction is.</param>
    public void SetUserMapping(YDoc doc, uint clientId, string userDescription, Func<Transaction, bool>? filter = null)
    {
        ArgumentNullException.ThrowIfNull(doc);
        ArgumentNullException.ThrowIfNull(userDescription);
        var user = users.Get<YMap>(userDescription);
        if (user is null)
        {
            user = new YMap([new(Ids, new YArray()), new(Deletes, new YArray())]);
            users.Set(userDescription, user);
        }
        user.Get<YArray>(Ids)?.Add((double)clientId);
        subscriptions.Add(users.Observe(_ =>
        {
            // Somebody else made an entry of that name at the same time, and theirs has won: it gets what ours held.
            if (users.Get<YMap>(userDescription) is { } other && other != user)
            {
                user = other;
                foreach (var client in clients.Where(entry => entry.Value == userDescription).Select(static entry => entry.Key).ToList())
                {
                    user.Get<YArray>(Ids)?.Add((double)client);
                }
                if (deletes.TryGetValue(userDescription, out var deleted))
                {
                    Store(user, deleted);
                }
            }
        }));
        doc.AfterTransaction += OnTransaction;
        subscriptions.Add(new Ending(() => doc.AfterTransaction -= OnTransaction));

        void OnTransaction(Transaction transaction)
        {
            if (transaction.Local && transaction.Deletes.Count > 0 && filter?.Invoke(transaction) != false)
            {
                Store(user, transaction.Deletes);
            }
        }
    }

    /// <summary>Who writes under a client id; null when nobody has said.</summary>
    public string? GetUserByClientId(ulong clientId) => clients.GetValueOrDefault(clientId);

    /// <summary>Who deleted a clock of a client; null when it is not deleted or nobody has said.</summary>
    public string? GetUserByDeletedId(StructId id)
    {
        foreach (var (user, deleted) in deletes)
        {
            if (deleted.Contains(id.Client, id.Clock))
            {
                return user;
            }
        }
        return null;
    }

    /// <summary>Follows and notes nothing any more.</summary>
    public void Dispose()
    {
        subscriptions.ForEach(static subscription => subscription.Dispose());
        subscriptions.Clear();
    }

    private static void Store(YMap user, DeleteSet deleted)
    {
        if (user.IsDeleted || user.Get<YArray>(Deletes) is not { } list)
        {
            return;
        }
        using var encoder = new LibEncoder();
        deleted.Write(new UpdateEncoderV1(encoder));
        list.Add(encoder.ToArray());
    }

    private void Follow(string user)
    {
        // Anybody may write into the map: what isn't a user's entry is none.
        if (users.Get<YMap>(user) is not { } entry || entry.Get<YArray>(Ids) is not { } ids || entry.Get<YArray>(Deletes) is not { } sets)
        {
            return;
        }
        deletes[user] = new();
        AddDeletes(user, sets.ToList());
        AddClients(user, ids.ToList());
        subscriptions.Add(sets.Observe(change => AddDeletes(user, Inserted(change))));
        subscriptions.Add(ids.Observe(change => AddClients(user, Inserted(change))));
    }

    private static IEnumerable<object?> Inserted(YEvent change) => change.Delta.SelectMany(static part => part.Insert as IEnumerable<object?> ?? []);

    private void AddClients(string user, IEnumerable<object?> ids)
    {
        foreach (var id in ids)
        {
            if (id is double number and >= 0 and <= LibDecoder.MaxInteger)
            {
                clients[(ulong)number] = user;
            }
        }
    }

    private void AddDeletes(string user, IEnumerable<object?> encoded)
    {
        foreach (var bytes in encoded.OfType<byte[]>())
        {
            try
            {
                var decoder = new LibDecoder(bytes);
                var read = new DeleteSet();
                read.Read(ref decoder);
                deletes[user].AddAll(read);
                deletes[user].Normalize();
            }
            catch (CrdtDecodingException)
            {
                // Written by somebody else, and nonsense: says nothing about anybody.
            }
        }
    }

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
