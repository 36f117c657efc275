namespace Demiurge.Core.Crdt;

/// <summary>
/// Goes through an update as integration would, without changing anything: which structs have all that they need, and in which roots they and the
/// deletions would end up. A struct's root is that of what it hangs on. A struct made between neighbours of two roots touches both,
/// because implementations may choose either. Time grows with the update's size, times the logarithm of its number of clients.
/// </summary>
internal sealed class UpdateReviewer
{
    private const int Nowhere = -1;

    /// <summary>Structs of one client: those before <see cref="Next"/> can be integrated.</summary>
    private sealed class Section(ulong client, int first, int end)
    {
        public ulong Client { get; } = client;

        public int First { get; } = first;

        public int Next { get; set; } = first;

        public int End { get; } = end;

        /// <summary>The first clock that the document would not have after integration of the structs before <see cref="Next"/>.</summary>
        public int State { get; set; }

        /// <summary>The sender may write under this client id.</summary>
        public bool IsOpen { get; set; }

        /// <summary>Sections that need a clock of this one, with the lowest clock first.</summary>
        public PriorityQueue<Section, int> Waiting { get; } = new();
    }

    private readonly StructStore store;
    private readonly UpdateIndex index = new();
    private readonly Dictionary<ulong, Section> sections = [];
    private readonly HashSet<string> forbidden = new(StringComparer.Ordinal);
    private readonly List<MissingClock> missing = [];
    private readonly Dictionary<string, int> rootIndexes = new(StringComparer.Ordinal);
    private readonly List<(string Name, bool IsPermitted)> roots = [];
    private readonly Func<string, bool> mayWrite;
    private readonly Func<ulong, bool>? speaksFor;
    private readonly bool stopsAtForbidden;
    private readonly int[] rootOf;

    private UpdateReviewer(StructStore store, ReadOnlySpan<byte> update, Func<string, bool> mayWrite, Func<ulong, bool>? speaksFor, bool stopsAtForbidden)
    {
        this.store = store;
        this.mayWrite = mayWrite;
        this.speaksFor = speaksFor;
        this.stopsAtForbidden = stopsAtForbidden;
        index.Read(update);
        rootOf = new int[index.Count];
        // Of a client that occurs twice the later section counts.
        foreach (var (client, first, count) in index.Sections)
        {
            sections[client] = new(client, first, first + count) { State = store.State(client) };
        }
        GoThrough(update);
    }

    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public static UpdateReview Review(StructStore store, ReadOnlySpan<byte> update, Func<string, bool> mayWrite, Func<ulong, bool>? speaksFor)
    {
        var reviewer = new UpdateReviewer(store, update, mayWrite, speaksFor, stopsAtForbidden: false);
        reviewer.ReviewDeletes(null);
        return new() { Forbidden = reviewer.forbidden, Missing = reviewer.missing };
    }

    /// <summary>The structs and deletions of an update that wait for nothing and are permitted, as an update.</summary>
    /// <exception cref="CrdtDecodingException">The bytes are not an update.</exception>
    public static byte[] Permitted(StructStore store, ReadOnlySpan<byte> update, Func<string, bool> mayWrite, Func<ulong, bool>? speaksFor)
    {
        var reviewer = new UpdateReviewer(store, update, mayWrite, speaksFor, stopsAtForbidden: true);
        var deletes = new DeleteSet();
        reviewer.ReviewDeletes(deletes);
        using var encoder = new LibEncoder(update.Length + 16);
        var kept = reviewer.sections.Values.Where(static section => section.Next > section.First).OrderByDescending(static section => section.Client).ToList();
        encoder.WriteVarUint((uint)kept.Count);
        foreach (var section in kept)
        {
            encoder.WriteVarUint((uint)(section.Next - section.First));
            encoder.WriteVarUint(section.Client);
            encoder.WriteVarUint((uint)reviewer.index[section.First].Clock);
            for (var i = section.First; i < section.Next; i++)
            {
                ref var source = ref reviewer.index[i];
                StructCopier.Write(encoder, ref source, update, source.Clock, source.EndClock);
            }
        }
        deletes.Normalize();
        deletes.Write(new UpdateEncoderV1(encoder));
        return encoder.ToArray();
    }

    private void GoThrough(ReadOnlySpan<byte> update)
    {
        var open = new Stack<Section>(sections.Values);
        while (open.TryPop(out var section))
        {
            var before = section.State;
            Advance(section, update);
            while (section.State > before && section.Waiting.TryPeek(out var waiting, out var clock) && clock < section.State)
            {
                section.Waiting.Dequeue();
                open.Push(waiting);
            }
        }
        // What is left waits for a section that got stuck, or in a circle.
        foreach (var section in sections.Values)
        {
            if (section.Waiting.TryPeek(out _, out var clock))
            {
                missing.Add(new(section.Client, clock));
            }
        }
    }

    /// <summary>Goes on with a section until one of its structs has to wait.</summary>
    private void Advance(Section section, ReadOnlySpan<byte> update)
    {
        for (; section.Next < section.End; section.Next++)
        {
            ref var source = ref index[section.Next];
            if (source.Kind == ContentKind.Skip)
            {
                continue;
            }
            if (source.Clock > section.State)
            {
                missing.Add(new(section.Client, source.Clock - 1));
                return;
            }
            if (source.EndClock > section.State && !section.IsOpen && !(section.IsOpen = speaksFor?.Invoke(section.Client) ?? true))
            {
                missing.Add(new(section.Client, source.EndClock - 1));
                return;
            }
            if (MissingFor(ref source) is { } needed)
            {
                if (sections.TryGetValue(needed.Client, out var other) && other.Next < other.End)
                {
                    other.Waiting.Enqueue(section, needed.Clock);
                }
                else
                {
                    missing.Add(needed);
                }
                return;
            }
            var root = Place(ref source, update, out var isPermitted);
            if (!isPermitted && stopsAtForbidden)
            {
                return;
            }
            rootOf[section.Next] = root;
            section.State = Math.Max(section.State, source.EndClock);
        }
    }

    private MissingClock? MissingFor(ref StructRef source)
    {
        if (source.HasOrigin && !Has(source.OriginClient, source.OriginClock))
        {
            return new(source.OriginClient, source.OriginClock);
        }
        if (source.HasRightOrigin && !Has(source.RightClient, source.RightClock))
        {
            return new(source.RightClient, source.RightClock);
        }
        return source.ParentKind == ParentReference.Item && !Has(source.ParentClient, source.ParentClock) ? new(source.ParentClient, source.ParentClock) : null;
    }

    private bool Has(ulong client, int clock) => clock < (sections.TryGetValue(client, out var section) ? section.State : store.State(client));

    /// <summary>The index of the root in which a struct that waits for nothing ends up.</summary>
    private int Place(ref StructRef source, ReadOnlySpan<byte> update, out bool isPermitted)
    {
        var known = store.State(source.Client);
        isPermitted = true;
        if (source.Kind == ContentKind.Gc || known >= source.EndClock)
        {
            return Nowhere;
        }
        if (known > source.Clock)
        {
            // What is known stays where it is, whatever the update says of it; the rest goes on from there.
            return Touch(RootAt(source.Client, known - 1), ref isPermitted);
        }
        if (source.ParentKind == ParentReference.Root)
        {
            return Touch(IndexOf(System.Text.Encoding.UTF8.GetString(update.Slice(source.NameStart, source.NameLength))), ref isPermitted);
        }
        if (source.ParentKind == ParentReference.Item)
        {
            return Touch(RootAt(source.ParentClient, source.ParentClock), ref isPermitted);
        }
        var left = source.HasOrigin ? Touch(RootAt(source.OriginClient, source.OriginClock), ref isPermitted) : Nowhere;
        var right = source.HasRightOrigin ? Touch(RootAt(source.RightClient, source.RightClock), ref isPermitted) : Nowhere;
        return source.HasOrigin ? left : right;
    }

    private int Touch(int root, ref bool isPermitted)
    {
        if (root != Nowhere && !roots[root].IsPermitted)
        {
            forbidden.Add(roots[root].Name);
            isPermitted = false;
        }
        return root;
    }

    /// <summary>The root of an id that the document has, or that the update has brought so far. Nowhere when it is collected.</summary>
    private int RootAt(ulong client, int clock)
    {
        if (UpdateInspector.RootName(store, client, clock) is { } name)
        {
            return IndexOf(name);
        }
        return clock < store.State(client) || UpdateInspector.Find(index, client, clock) is not (>= 0 and var found) ? Nowhere : rootOf[found];
    }

    private int IndexOf(string name)
    {
        if (!rootIndexes.TryGetValue(name, out var root))
        {
            root = roots.Count;
            roots.Add((name, mayWrite(name)));
            rootIndexes.Add(name, root);
        }
        return root;
    }

    /// <summary>What is deleted in the document counts where it is; what the update itself brings was looked at already.</summary>
    private void ReviewDeletes(DeleteSet? permitted)
    {
        for (var i = 0; i < index.Deletes.Count; i++)
        {
            var range = index.Deletes[i];
            var state = sections.TryGetValue(range.Client, out var section) ? section.State : store.State(range.Client);
            if (range.End > state)
            {
                missing.Add(new(range.Client, range.End - 1));
            }
            var known = 0;
            if (store.FindClient(range.Client) is { } client)
            {
                known = client.State;
                ReviewKnown(client, range.Clock, Math.Min(range.End, known), permitted);
            }
            var from = Math.Max(range.Clock, known);
            if (Math.Min(range.End, state) - from is > 0 and var length)
            {
                permitted?.Add(range.Client, from, length);
            }
        }
    }

    private void ReviewKnown(ClientBlocks client, int clock, int end, DeleteSet? permitted)
    {
        for (var position = clock < end ? client.Find(clock) : 0; clock < end; position++)
        {
            ref var item = ref store.Items[client[position]];
            var next = Math.Min(end, client.EndAt(position));
            var isPermitted = true;
            if (!item.IsDeleted)
            {
                Touch(UpdateInspector.NameOf(store, item.Parent) is { } name ? IndexOf(name) : Nowhere, ref isPermitted);
                if (isPermitted)
                {
                    permitted?.Add(client.Id, clock, next - clock);
                }
            }
            clock = next;
        }
    }
}
