namespace Demiurge.Core.Crdt;

/// <summary>
/// Tells what an update is about. The root of a struct is the root of whatever it hangs on: a parent or a neighbour, in the update or in a document.
/// </summary>
internal static class UpdateInspector
{
    private const int Unknown = -1;

    public static UpdateInfo Inspect(ReadOnlySpan<byte> update, StructStore? store)
    {
        var index = new UpdateIndex();
        index.Read(update);
        var names = new List<string>();
        var roots = FindRoots(index, update, store, names, out var refersElsewhere);
        var structs = new List<ClockRange>();
        for (var i = 0; i < index.Count; i++)
        {
            if (index[i].Kind != ContentKind.Skip)
            {
                Add(structs, new(index[i].Client, index[i].Clock, index[i].Length));
            }
        }
        var touched = new HashSet<string>(StringComparer.Ordinal);
        foreach (var root in roots)
        {
            if (root >= 0)
            {
                touched.Add(names[root]);
            }
        }
        var deletions = new List<ClockRange>();
        for (var i = 0; i < index.Deletes.Count; i++)
        {
            var range = index.Deletes[i];
            deletions.Add(new(range.Client, range.Clock, range.Length));
            refersElsewhere |= !AddDeleted(index, range, store, touched);
        }
        return new()
        {
            Structs = structs,
            Deletions = deletions,
            Roots = touched,
            RefersElsewhere = refersElsewhere,
            StructCount = index.Count,
        };
    }

    private static void Add(List<ClockRange> ranges, ClockRange range)
    {
        if (ranges.Count > 0 && ranges[^1] is var last && last.Client == range.Client && last.End == range.Clock)
        {
            ranges[^1] = last with { Length = last.Length + range.Length };
            return;
        }
        ranges.Add(range);
    }

    /// <summary>For each struct the index of its root's name in <paramref name="names"/>. Follows chains without recursion: their length is the sender's choice.</summary>
    private static int[] FindRoots(UpdateIndex index, ReadOnlySpan<byte> update, StructStore? store, List<string> names, out bool refersElsewhere)
    {
        const int Unseen = -2;
        var roots = new int[index.Count];
        Array.Fill(roots, Unseen);
        var byName = new Dictionary<string, int>(StringComparer.Ordinal);
        var chain = new List<int>();
        refersElsewhere = false;
        for (var i = 0; i < roots.Length; i++)
        {
            chain.Clear();
            var root = Unknown;
            for (var at = i; ;)
            {
                if (roots[at] != Unseen)
                {
                    root = roots[at];
                    break;
                }
                // Structs that wait for each other in a circle belong nowhere.
                roots[at] = Unknown;
                chain.Add(at);
                ref var part = ref index[at];
                if (part.Kind is ContentKind.Gc or ContentKind.Skip)
                {
                    break;
                }
                if (store is not null && store.State(part.Client) is var known && known > part.Clock)
                {
                    // What is known stays where it is, whatever the update says of it; the rest goes on from there.
                    if (known < part.EndClock && RootName(store, part.Client, known - 1) is { } here)
                    {
                        root = IndexOf(here);
                    }
                    break;
                }
                if (part.ParentKind == ParentReference.Root)
                {
                    root = IndexOf(System.Text.Encoding.UTF8.GetString(update.Slice(part.NameStart, part.NameLength)));
                    break;
                }
                var (client, clock) = part.ParentKind == ParentReference.Item ? (part.ParentClient, part.ParentClock)
                    : part.HasOrigin ? (part.OriginClient, part.OriginClock) : (part.RightClient, part.RightClock);
                var name = store is null ? null : RootName(store, client, clock);
                if (name is null && (store is null || clock >= store.State(client)) && Find(index, client, clock) is >= 0 and var next)
                {
                    at = next;
                    continue;
                }
                root = name is null ? Unknown : IndexOf(name);
                refersElsewhere |= name is null;
                break;
            }
            foreach (var passed in chain)
            {
                roots[passed] = root;
            }
        }
        return roots;

        int IndexOf(string name)
        {
            if (!byName.TryGetValue(name, out var known))
            {
                known = names.Count;
                names.Add(name);
                byName.Add(name, known);
            }
            return known;
        }
    }

    /// <summary>Which struct of the update holds an id; -1 if none does.</summary>
    public static int Find(UpdateIndex index, ulong client, int clock)
    {
        // Of a client that occurs twice the later section counts.
        for (var i = index.Sections.Count - 1; i >= 0; i--)
        {
            var section = index.Sections[i];
            if (section.Client != client)
            {
                continue;
            }
            var (low, high) = (section.First, section.First + section.Count - 1);
            while (low <= high)
            {
                var middle = (low + high) >>> 1;
                if (index[middle].EndClock <= clock)
                {
                    low = middle + 1;
                }
                else if (index[middle].Clock > clock)
                {
                    high = middle - 1;
                }
                else
                {
                    return index[middle].Kind == ContentKind.Skip ? -1 : middle;
                }
            }
        }
        return -1;
    }

    /// <summary>Adds the roots of deleted structs that a document has; false when some are neither there nor in the update.</summary>
    private static bool AddDeleted(UpdateIndex index, DeleteRange range, StructStore? store, HashSet<string> touched)
    {
        var clock = range.Clock;
        if (store?.FindClient(range.Client) is { } client)
        {
            var end = Math.Min(range.End, client.State);
            for (var position = clock < end ? client.Find(clock) : 0; clock < end; position++)
            {
                ref var item = ref store.Items[client[position]];
                clock = client.EndAt(position);
                if (!item.IsDeleted && NameOf(store, item.Parent) is { } name)
                {
                    touched.Add(name);
                }
            }
        }
        while (clock < range.End)
        {
            var found = Find(index, range.Client, clock);
            if (found < 0)
            {
                return false;
            }
            clock = index[found].EndClock;
        }
        return true;
    }

    /// <summary>Name of the root that a known id is in; null when it is unknown or collected.</summary>
    public static string? RootName(StructStore store, ulong id, int clock)
    {
        if (store.FindClient(id) is not { } client || clock >= client.State)
        {
            return null;
        }
        ref var item = ref store.Items[client[client.Find(clock)]];
        return item.IsGc ? null : NameOf(store, item.Parent);
    }

    /// <summary>Name of the root that a branch is in.</summary>
    public static string? NameOf(StructStore store, int branch)
    {
        while (store.ParentOf(branch) is > 0 and var parent)
        {
            branch = parent;
        }
        return branch != 0 && store.Branches[branch].Item == 0 && store.Branches[branch].Name >= 0 ? store.Names[store.Branches[branch].Name] : null;
    }
}
