namespace Demiurge.Core.Crdt.Sync;

/// <summary>What one client says about itself: its clock, its state as JSON (null when it left), and when it was last heard of.</summary>
public readonly record struct AwarenessState(uint Clock, string? Json, DateTimeOffset LastUpdated);

/// <summary>Which clients came, changed and left; <see cref="Origin"/> is what the causing call was told.</summary>
public sealed record AwarenessChange(IReadOnlyList<uint> Added, IReadOnlyList<uint> Updated, IReadOnlyList<uint> Removed, object? Origin)
{
    /// <summary>All clients concerned.</summary>
    public IEnumerable<uint> Clients => [.. Added, .. Updated, .. Removed];
}

/// <summary>
/// Who is here and what they do: one JSON state per client, the highest clock wins, forgotten after 30 s of silence. What this process has set
/// itself is renewed every 15 s, and nobody else can change or remove it. Thread-safe, and independent of the document's writer; events are raised
/// on the calling thread or a timer's. An update is a varuint number of entries, each a client, a clock and a JSON string ("null" for who left).
/// Source: <c>y-protocols/awareness.js</c>.
/// </summary>
public sealed class Awareness : IDisposable
{
    /// <summary>A client not heard of for this long is gone.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>How many clients that have left are remembered, so that late messages don't bring them back.</summary>
    private const int MaxRemembered = 4096;

    private readonly Lock sync = new();
    private readonly TimeProvider timeProvider;
    private readonly ITimer timer;
    private readonly Dictionary<uint, AwarenessState> known = [];
    private readonly HashSet<uint> own = [];

    /// <param name="doc">Gives <see cref="ClientId"/>; nothing else of it is used.</param>
    /// <param name="timeProvider">The system's clock when null.</param>
    public Awareness(YDoc doc, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(doc);
        ClientId = doc.ClientId;
        this.timeProvider = timeProvider ?? TimeProvider.System;
        timer = this.timeProvider.CreateTimer(_ => CheckTimeouts(), null, Timeout / 10, Timeout / 10);
    }

    /// <summary>Raised when a state has changed.</summary>
    public event Action<AwarenessChange>? Changed;

    /// <summary>Raised whenever a clock has changed, whether or not the state has: what peers have to be told.</summary>
    public event Action<AwarenessChange>? Updated;

    /// <summary>The client id of <see cref="LocalState"/>: the document's, as it was when this was created.</summary>
    public uint ClientId { get; }

    /// <summary>This replica's own state as JSON; null when it has none, as at first.</summary>
    public string? LocalState
    {
        get
        {
            lock (sync)
            {
                return known.GetValueOrDefault(ClientId).Json;
            }
        }
    }

    /// <summary>Clients that are here, as of now.</summary>
    public IReadOnlyDictionary<uint, AwarenessState> States
    {
        get
        {
            lock (sync)
            {
                return known.Where(static entry => entry.Value.Json is not null).ToDictionary();
            }
        }
    }

    /// <exception cref="ArgumentException">The text is not JSON.</exception>
    public void SetLocalState(string? json) => SetState(ClientId, json);

    /// <summary>Sets the state of a client that this process speaks for; null removes it.</summary>
    /// <exception cref="ArgumentException">The text is not JSON.</exception>
    public void SetState(uint clientId, string? json)
    {
        var state = json is null ? null : Normalize(json);
        var change = new ChangeBuilder("local");
        lock (sync)
        {
            var before = known.GetValueOrDefault(clientId);
            if (state is null)
            {
                own.Remove(clientId);
                if (before.Json is null)
                {
                    return;
                }
            }
            else
            {
                own.Add(clientId);
            }
            // The first clock is 1: Yjs takes 0 for "nothing heard yet" and ignores it.
            Put(clientId, before.Clock + 1, before, state, change);
        }
        Raise(change);
    }

    /// <summary>The update that tells peers about clients; those never heard of are left out.</summary>
    public byte[] Encode(IEnumerable<uint> clients)
    {
        using var encoder = new LibEncoder();
        lock (sync)
        {
            var entries = clients.Where(known.ContainsKey).ToList();
            encoder.WriteVarUint((uint)entries.Count);
            foreach (var client in entries)
            {
                encoder.WriteVarUint(client);
                encoder.WriteVarUint(known[client].Clock);
                encoder.WriteVarString(known[client].Json ?? "null");
            }
        }
        return encoder.ToArray();
    }

    /// <summary>Takes in what a peer says. What is older than known is ignored.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are malformed; nothing has changed.</exception>
    public void Apply(ReadOnlySpan<byte> update, object? origin)
    {
        var entries = Decode(update);
        var change = new ChangeBuilder(origin);
        lock (sync)
        {
            foreach (var (client, clock, json) in entries)
            {
                Apply(client, clock, json, change);
            }
            Forget();
        }
        Raise(change);
    }

    /// <summary>Removes clients, because their connection is gone for example.</summary>
    public void Remove(IEnumerable<uint> clients, object? origin)
    {
        var change = new ChangeBuilder(origin);
        lock (sync)
        {
            foreach (var client in clients.ToList())
            {
                var before = known.GetValueOrDefault(client);
                if (before.Json is not null)
                {
                    Put(client, own.Remove(client) ? before.Clock + 1 : before.Clock, before, null, change);
                }
            }
        }
        Raise(change);
    }

    /// <summary>Renews what this process speaks for and removes clients that have been silent for too long. The timer does so every 3 s.</summary>
    public void CheckTimeouts()
    {
        var renewed = new ChangeBuilder("local");
        var removed = new ChangeBuilder("timeout");
        lock (sync)
        {
            var now = timeProvider.GetUtcNow();
            foreach (var (client, state) in known.ToList())
            {
                var silence = now - state.LastUpdated;
                if (state.Json is null)
                {
                    continue;
                }
                if (own.Contains(client))
                {
                    if (silence >= Timeout / 2)
                    {
                        Put(client, state.Clock + 1, state, state.Json, renewed);
                    }
                }
                else if (silence >= Timeout)
                {
                    Put(client, state.Clock, state, null, removed);
                }
            }
        }
        Raise(renewed);
        Raise(removed);
    }

    /// <summary>Stops the timer. Peers are not told: remove the own states first if they should be.</summary>
    public void Dispose()
    {
        timer.Dispose();
        Changed = null;
        Updated = null;
    }

    private static List<(uint Client, uint Clock, string? Json)> Decode(ReadOnlySpan<byte> update)
    {
        var entries = new List<(uint, uint, string?)>();
        var decoder = new LibDecoder(update);
        for (var count = decoder.ReadVarUint(); count > 0; count--)
        {
            var client = decoder.ReadVarUint();
            var clock = decoder.ReadVarUint();
            if (client > uint.MaxValue || clock >= uint.MaxValue)
            {
                throw new CrdtDecodingException("Client or clock out of range.");
            }
            var json = decoder.ReadVarStringBytes();
            JsonCodec.Validate(json);
            var text = System.Text.Encoding.UTF8.GetString(json).Trim(' ', '\t', '\r', '\n');
            entries.Add(((uint)client, (uint)clock, text == "null" ? null : text));
        }
        return entries;
    }

    private static string? Normalize(string json)
    {
        try
        {
            JsonCodec.Validate(System.Text.Encoding.UTF8.GetBytes(json));
        }
        catch (CrdtDecodingException exception)
        {
            throw new ArgumentException(exception.Message, nameof(json), exception);
        }
        return json == "null" ? null : json;
    }

    private static bool AreEqual(string? a, string? b) =>
        a == b || (a is not null && b is not null && JsonCodec.AreEqual(JsonCodec.Read(a), JsonCodec.Read(b)));

    private void Apply(uint client, uint clock, string? json, ChangeBuilder change)
    {
        var before = known.GetValueOrDefault(client);
        if (own.Contains(client))
        {
            if (clock > before.Clock || (clock == before.Clock && json is null))
            {
                // Say it again, louder: the peer must not win over what is ours.
                Put(client, clock + 1, before, before.Json, change);
            }
            return;
        }
        if (before.Clock < clock || (before.Clock == clock && json is null && before.Json is not null))
        {
            Put(client, clock, before, json, change);
        }
    }

    private void Put(uint client, uint clock, AwarenessState before, string? json, ChangeBuilder change)
    {
        known[client] = new(clock, json, timeProvider.GetUtcNow());
        if (json is null)
        {
            if (before.Json is not null)
            {
                change.Removed.Add(client);
            }
        }
        else if (before.Json is null)
        {
            change.Added.Add(client);
        }
        else
        {
            change.Updated.Add(client);
            if (!AreEqual(before.Json, json))
            {
                change.Different.Add(client);
            }
        }
    }

    /// <summary>Of those who have left, the ones that left first are forgotten when there are too many.</summary>
    private void Forget()
    {
        var gone = known.Count <= MaxRemembered ? [] : known.Where(static entry => entry.Value.Json is null).ToList();
        foreach (var (client, _) in gone.OrderBy(static entry => entry.Value.LastUpdated).Take(gone.Count - (MaxRemembered / 2)))
        {
            known.Remove(client);
        }
    }

    private void Raise(ChangeBuilder change)
    {
        if (change.Added.Count + change.Different.Count + change.Removed.Count > 0)
        {
            Changed?.Invoke(new(change.Added, change.Different, change.Removed, change.Origin));
        }
        if (change.Added.Count + change.Updated.Count + change.Removed.Count > 0)
        {
            Updated?.Invoke(new(change.Added, change.Updated, change.Removed, change.Origin));
        }
    }

    private sealed class ChangeBuilder(object? origin)
    {
        public object? Origin { get; } = origin;

        public List<uint> Added { get; } = [];

        /// <summary>Heard of again, with the same state or another.</summary>
        public List<uint> Updated { get; } = [];

        /// <summary>Those of <see cref="Updated"/> whose state is another.</summary>
        public List<uint> Different { get; } = [];

        public List<uint> Removed { get; } = [];
    }
}
