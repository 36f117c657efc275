namespace Demiurge.Core.Crdt;

/// <summary>
/// Takes decoded updates into the store, and keeps what has to wait: structs whose dependencies are missing, and deletions of what
/// is not here yet. Both are kept as encoded updates. Source: <c>integrateStructs</c> and <c>readUpdateV2</c> in <c>yjs/src/utils/encoding.js</c>.
/// </summary>
internal sealed class UpdateIntegrator(StructStore store)
{
    /// <summary>Structs that wait: for each client the lowest clock whose arrival is worth another try, and the structs.</summary>
    private sealed record PendingStructs(Dictionary<ulong, int> Missing, byte[] Update);

    private sealed class Queue(ulong client, int next, int end)
    {
        public ulong Client { get; } = client;

        public int Next { get; set; } = next;

        public int End { get; set; } = end;

        public bool IsRemoved { get; set; }

        public bool IsEmpty => Next == End;
    }

    private readonly List<UpdateIndex> spare = [];
    private PendingStructs? pending;
    private DeleteSet? pendingDeletes;

    public bool HasPending => pending is not null || pendingDeletes is not null;

    /// <summary>Bytes of the structs that wait, as an update; null when none do.</summary>
    public byte[]? PendingUpdate => pending?.Update;

    /// <summary>Deletions that wait, as an update; null when none do.</summary>
    public byte[]? PendingDeleteUpdate
    {
        get
        {
            if (pendingDeletes is null)
            {
                return null;
            }
            using var encoder = new LibEncoder();
            encoder.WriteVarUint(0);
            pendingDeletes.Write(new UpdateEncoderV1(encoder));
            return encoder.ToArray();
        }
    }

    /// <summary>Reads and checks an update; give it back with <see cref="Return"/>.</summary>
    public UpdateIndex Decode(ReadOnlySpan<byte> update)
    {
        var index = spare.Count > 0 ? spare[^1] : new UpdateIndex();
        if (spare.Count > 0)
        {
            spare.RemoveAt(spare.Count - 1);
        }
        index.Read(update);
        return index;
    }

    public void Return(UpdateIndex index)
    {
        if (index.Count < 4096)
        {
            spare.Add(index);
        }
    }

    /// <summary>Takes a decoded update in, then whatever had been waiting for it.</summary>
    public void Apply(Transaction transaction, UpdateIndex index, ReadOnlySpan<byte> update)
    {
        var rest = IntegrateStructs(transaction, index, update);
        var retry = false;
        if (pending is not null)
        {
            foreach (var (client, clock) in pending.Missing)
            {
                if (clock < store.State(client))
                {
                    retry = true;
                    break;
                }
            }
            if (rest is not null)
            {
                foreach (var (client, clock) in rest.Missing)
                {
                    NoteMissing(pending.Missing, client, clock);
                }
                pending = pending with { Update = UpdateMerger.Merge(pending.Update, rest.Update) };
            }
        }
        else
        {
            pending = rest;
        }
        var waiting = ApplyDeletes(transaction, index.Deletes);
        if (pendingDeletes is not null)
        {
            var stillWaiting = ApplyDeletes(transaction, pendingDeletes);
            if (waiting is not null && stillWaiting is not null)
            {
                waiting.AddAll(stillWaiting);
            }
            waiting ??= stillWaiting;
        }
        pendingDeletes = waiting;
        if (retry)
        {
            var again = pending!.Update;
            pending = null;
            var decoded = Decode(again);
            Apply(transaction, decoded, again);
            Return(decoded);
        }
    }

    private static void NoteMissing(Dictionary<ulong, int> missing, ulong client, int clock)
    {
        if (!missing.TryGetValue(client, out var known) || known > clock)
        {
            missing[client] = clock;
        }
    }

    private PendingStructs? IntegrateStructs(Transaction transaction, UpdateIndex index, ReadOnlySpan<byte> update)
    {
        if (index.Count == 0)
        {
            return null;
        }
        var done = 0;
        if (index.Sections.Count == 1)
        {
            // What one client has sent: nearly every update is that, and nearly none waits for anything.
            done = IntegrateInOrder(transaction, index, update);
            if (done == index.Count)
            {
                return null;
            }
        }
        // Highest client last, as queues are taken from the end. Of a client that occurs twice the later section counts.
        var queues = new List<Queue>(index.Sections.Count);
        var byClient = new Dictionary<ulong, Queue>(index.Sections.Count);
        foreach (var (client, first, count) in index.Sections)
        {
            byClient[client] = new(client, first + done, first + count);
        }
        queues.AddRange(byClient.Values);
        queues.Sort(static (a, b) => a.Client.CompareTo(b.Client));

        var missing = new Dictionary<ulong, int>();
        var rest = new SortedDictionary<ulong, (int First, int End)>();
        var stack = new Stack<int>();
        var current = NextQueue();
        var head = current!.Next++;
        while (true)
        {
            ref var source = ref index[head];
            if (source.Kind != ContentKind.Skip)
            {
                var known = store.State(source.Client);
                var offset = known - source.Clock;
                if (offset < 0)
                {
                    stack.Push(head);
                    NoteMissing(missing, source.Client, source.Clock - 1);
                    SetAside();
                }
                else if (store.MissingFor(ref source) is { } client)
                {
                    stack.Push(head);
                    if (byClient.TryGetValue(client, out var queue) && !queue.IsEmpty)
                    {
                        head = queue.Next++;
                        continue;
                    }
                    // It depends on an update that has not come yet.
                    NoteMissing(missing, client, store.State(client));
                    SetAside();
                }
                else
                {
                    store.Integrate(transaction, ref source, update, offset);
                }
            }
            if (stack.Count > 0)
            {
                head = stack.Pop();
                continue;
            }
            if (current is null || current.IsEmpty)
            {
                current = NextQueue();
            }
            if (current is null)
            {
                break;
            }
            head = current.Next++;
        }
        return rest.Count == 0 ? null : new(missing, Encode(index, update, rest));

        Queue? NextQueue()
        {
            while (queues.Count > 0 && (queues[^1].IsRemoved || queues[^1].IsEmpty))
            {
                queues.RemoveAt(queues.Count - 1);
            }
            return queues.Count == 0 ? null : queues[^1];
        }

        // The stack is a chain of structs that each wait for the next; none of their clients can go on.
        void SetAside()
        {
            foreach (var waiting in stack.Reverse())
            {
                var client = index[waiting].Client;
                if (byClient.Remove(client, out var queue))
                {
                    queue.Next--;
                    rest[client] = (queue.Next, queue.End);
                    queue.Next = queue.End;
                    queue.IsRemoved = true;
                }
                else if (!rest.TryGetValue(client, out var range) || waiting < range.First || waiting >= range.End)
                {
                    rest[client] = (waiting, waiting + 1);
                }
            }
            stack.Clear();
        }
    }

    /// <summary>Integrates structs until one waits for something; returns how many it were.</summary>
    private int IntegrateInOrder(Transaction transaction, UpdateIndex index, ReadOnlySpan<byte> update)
    {
        for (var next = 0; next < index.Count; next++)
        {
            ref var source = ref index[next];
            if (source.Kind == ContentKind.Skip)
            {
                continue;
            }
            var offset = store.State(source.Client) - source.Clock;
            if (offset < 0 || store.MissingFor(ref source) is not null)
            {
                return next;
            }
            store.Integrate(transaction, ref source, update, offset);
        }
        return index.Count;
    }

    private static byte[] Encode(UpdateIndex index, ReadOnlySpan<byte> update, SortedDictionary<ulong, (int First, int End)> ranges)
    {
        using var encoder = new LibEncoder();
        encoder.WriteVarUint((uint)ranges.Count);
        foreach (var (client, (first, end)) in ranges.Reverse())
        {
            encoder.WriteVarUint((uint)(end - first));
            encoder.WriteVarUint(client);
            encoder.WriteVarUint((uint)index[first].Clock);
            for (var i = first; i < end; i++)
            {
                StructCopier.Write(encoder, ref index[i], update, index[i].Clock, index[i].EndClock);
            }
        }
        encoder.WriteVarUint(0);
        return encoder.ToArray();
    }

    /// <summary>Deletes what is here; returns what is not.</summary>
    private DeleteSet? ApplyDeletes(Transaction transaction, DeleteSet deletes)
    {
        DeleteSet? unknown = null;
        for (var i = 0; i < deletes.Count; i++)
        {
            var range = deletes[i];
            var client = store.FindClient(range.Client);
            var state = client?.State ?? 0;
            if (range.End > state)
            {
                var from = Math.Max(range.Clock, state);
                (unknown ??= new()).Add(range.Client, from, range.End - from);
            }
            if (client is not null && range.Clock < state)
            {
                DeleteRange(transaction, client, range.Clock, Math.Min(range.End, state));
            }
        }
        return unknown;
    }

    private void DeleteRange(Transaction transaction, ClientBlocks client, int start, int end)
    {
        var position = client.Find(start);
        if (client.ClockAt(position) < start && !store.Items[client[position]].IsDeleted)
        {
            store.Split(transaction, client, position, start - client.ClockAt(position));
            position++;
        }
        for (; position < client.Count && client.ClockAt(position) < end; position++)
        {
            var item = client[position];
            if (!store.Items[item].IsDeleted)
            {
                if (end < client.EndAt(position))
                {
                    store.Split(transaction, client, position, end - client.ClockAt(position));
                }
                store.Delete(transaction, item);
                store.Branches[store.Items[item].Parent].Markers?.Clear();
            }
        }
    }
}
