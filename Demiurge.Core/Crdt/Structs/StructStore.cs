using System.Diagnostics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// All data of a document. Invariants: the structs of each client cover its clocks from 0 without a gap; the list of a branch is linked both
/// ways and holds items of that branch only; <see cref="Branch.Length"/> is the sum of its visible items; a map entry names the right-most item of its key.
/// Source of the algorithms: <c>yjs/src/utils/StructStore.js</c>, <c>structs/Item.js</c>, <c>utils/Transaction.js</c>.
/// </summary>
internal sealed partial class StructStore
{
    private readonly Dictionary<ulong, int> clientIndexes = [];
    private readonly Dictionary<int, int> roots = [];
    private readonly List<object?> parsedValues = [];

    /// <summary>The client that was asked for last: the next one is mostly the same.</summary>
    private ClientBlocks? lastClient;

    public StructStore() => Maps = new(Branches);

    public ChunkedTable<Item> Items { get; private init; } = new();

    public ChunkedTable<Branch> Branches { get; private init; } = new();

    public MapTable Maps { get; }

    public List<ClientBlocks> Clients { get; private init; } = [];

    /// <summary>Map keys, format keys, names of roots and XML elements.</summary>
    public StringTable Names { get; private init; } = new();

    /// <summary>Values of formats, as JSON. Index 0 is null. Equal simple values have one index; an object has another one each time it comes, see <see cref="AddValue(string)"/>.</summary>
    public StringTable Values { get; private init; } = CreateValues();

    public RunHeap<char> Chars { get; private init; } = new();

    public RunHeap<byte> Bytes { get; private init; } = new();

    /// <summary>Copies that undo has made, by item.</summary>
    public Dictionary<int, ItemId> Redone { get; } = [];

    public IEnumerable<KeyValuePair<int, int>> Roots => roots;

    private static StringTable CreateValues()
    {
        var values = new StringTable();
        values.Add("null");
        return values;
    }

    public ClientBlocks Client(ulong id)
    {
        if (lastClient?.Id == id)
        {
            return lastClient;
        }
        if (!clientIndexes.TryGetValue(id, out var index))
        {
            index = Clients.Count;
            Clients.Add(new(id, index));
            clientIndexes.Add(id, index);
        }
        return lastClient = Clients[index];
    }

    public ClientBlocks? FindClient(ulong id) =>
        lastClient?.Id == id ? lastClient : clientIndexes.TryGetValue(id, out var index) ? lastClient = Clients[index] : null;

    public int State(ulong id) => FindClient(id)?.State ?? 0;

    /// <summary>The struct that holds an id, which must be known.</summary>
    public int Find(ItemId id)
    {
        var client = Clients[id.Client];
        return client[client.Find(id.Clock)];
    }

    public ItemId IdOf(int item) => new(Items[item].Client, Items[item].Clock);

    public bool IsBranchDeleted(int branch)
    {
        var item = Branches[branch].Item;
        return item > 0 && Items[item].IsDeleted;
    }

    /// <summary>The branch that holds this one; 0 for a root.</summary>
    public int ParentOf(int branch)
    {
        var item = Branches[branch].Item;
        return item > 0 ? Items[item].Parent : 0;
    }

    public bool IsInside(int ancestor, int item)
    {
        for (var branch = Items[item].Parent; branch != 0; branch = ParentOf(branch))
        {
            if (branch == ancestor)
            {
                return true;
            }
        }
        return false;
    }

    public int Root(int name)
    {
        if (!roots.TryGetValue(name, out var branch))
        {
            branch = CreateBranch(BranchKind.Undefined, name);
            roots.Add(name, branch);
        }
        return branch;
    }

    public int CreateBranch(BranchKind kind, int name = -1)
    {
        var branch = Branches.Allocate();
        Branches[branch].Kind = kind;
        Branches[branch].Name = name;
        return branch;
    }

    /// <summary>
    /// The index of a format's value that comes from outside. Where yjs tidies up formats it compares with <c>===</c>, so that two equal objects differ unless one was copied from the
    /// other: an end of a format from what was in force before it, or by undo.
    /// </summary>
    public int AddValue(string json)
    {
        var known = Values.Count;
        return Distinct(Values.Add(json), known);
    }

    /// <inheritdoc cref="AddValue(string)"/>
    public int AddValue(ReadOnlySpan<byte> json)
    {
        var known = Values.Count;
        return Distinct(Values.Add(json), known);
    }

    private int Distinct(int value, int known) => value < known && Values[value] is ['{' or '[', ..] ? Values.AddAgain(value) : value;

    public object? ParsedValue(int value)
    {
        while (parsedValues.Count < Values.Count)
        {
            var first = Values.IndexOf(Values[parsedValues.Count]);
            parsedValues.Add(first < parsedValues.Count ? parsedValues[first] : JsonCodec.Read(Values[first]));
        }
        return parsedValues[value];
    }

    /// <summary>The struct that begins at an id, after a split if need be.</summary>
    public int CleanStart(Transaction transaction, ItemId id)
    {
        var client = Clients[id.Client];
        var position = client.Find(id.Clock);
        var item = client[position];
        return client.ClockAt(position) < id.Clock && !Items[item].IsGc
            ? Split(transaction, client, position, id.Clock - client.ClockAt(position))
            : item;
    }

    /// <summary>The struct that ends with an id, after a split if need be.</summary>
    public int CleanEnd(Transaction transaction, ItemId id)
    {
        var client = Clients[id.Client];
        var position = client.Find(id.Clock);
        var item = client[position];
        if (id.Clock != client.EndAt(position) - 1 && !Items[item].IsGc)
        {
            Split(transaction, client, position, id.Clock - client.ClockAt(position) + 1);
        }
        return item;
    }

    /// <summary>Cuts an item after <paramref name="length"/> clocks; returns the right part.</summary>
    public int Split(Transaction transaction, ClientBlocks client, int position, int length)
    {
        var leftHandle = client[position];
        var rightHandle = Items.Allocate();
        ref var left = ref Items[leftHandle];
        ref var right = ref Items[rightHandle];
        Debug.Assert(length > 0 && length < left.Length);
        right = left;
        right.Clock = left.Clock + length;
        right.Length = left.Length - length;
        right.Left = leftHandle;
        right.OriginClient = left.Client;
        right.OriginClock = right.Clock - 1;
        right.Flags &= ~ItemFlags.Marked;
        SplitContent(ref left, ref right, length);
        if ((left.Flags & ItemFlags.Redone) != 0)
        {
            var copy = Redone[leftHandle];
            Redone[rightHandle] = copy with { Clock = copy.Clock + length };
        }
        left.Right = rightHandle;
        left.Length = length;
        if (right.Right != 0)
        {
            Items[right.Right].Left = rightHandle;
        }
        else if (right.Key >= 0)
        {
            Maps.Set(right.Parent, right.Key, rightHandle);
        }
        transaction.MergeCandidates.Add(new(right.Client, right.Clock));
        client.Insert(position + 1, rightHandle, right.Clock);
        return rightHandle;
    }

    /// <summary>Visits the structs of a client from one clock to another, cut at both.</summary>
    public void ForEach(Transaction transaction, ClientBlocks client, int start, int end, Action<int> visit)
    {
        end = Math.Min(end, client.State);
        if (start >= end)
        {
            return;
        }
        CleanStart(transaction, new(client.Index, start));
        for (var clock = start; clock < end;)
        {
            var position = client.Find(clock);
            if (end < client.EndAt(position) && !Items[client[position]].IsGc)
            {
                Split(transaction, client, position, end - client.ClockAt(position));
            }
            clock = client.EndAt(position);
            visit(client[position]);
        }
    }

    /// <summary>Visits the structs of a delete set that are known here.</summary>
    public void ForEach(Transaction transaction, DeleteSet set, Action<int> visit)
    {
        for (var i = 0; i < set.Count; i++)
        {
            var range = set[i];
            if (FindClient(range.Client) is { } client)
            {
                ForEach(transaction, client, range.Clock, range.End, visit);
            }
        }
    }

    /// <summary>The ids of everything deleted.</summary>
    public DeleteSet AllDeletes()
    {
        var set = new DeleteSet();
        foreach (var client in ClientsHighestFirst())
        {
            for (var position = 0; position < client.Count; position++)
            {
                ref var item = ref Items[client[position]];
                if (item.IsDeleted)
                {
                    set.Add(client.Id, client.ClockAt(position), client.EndAt(position) - client.ClockAt(position));
                }
            }
        }
        return set;
    }

    public List<ClientBlocks> ClientsHighestFirst()
    {
        var sorted = Clients.FindAll(static client => client.Count > 0);
        sorted.Sort(static (a, b) => b.Id.CompareTo(a.Id));
        return sorted;
    }

    /// <summary>Checks links, lengths and map entries of everything. Slow: for tests.</summary>
    /// <exception cref="InvalidOperationException">An invariant doesn't hold.</exception>
    public void CheckStructure()
    {
        foreach (var client in Clients)
        {
            for (var position = 0; position < client.Count; position++)
            {
                var handle = client[position];
                ref var item = ref Items[handle];
                Check(item.Clock == client.ClockAt(position) && item.End == client.EndAt(position), "clocks");
                if (item.IsGc)
                {
                    continue;
                }
                Check(item.Left == 0 || (Items[item.Left].Right == handle && Items[item.Left].Parent == item.Parent), "left");
                Check(item.Right == 0 || (Items[item.Right].Left == handle && Items[item.Right].Parent == item.Parent), "right");
                Check(item.Left != 0 || item.Key >= 0 || Branches[item.Parent].Start == handle, "start");
                Check(item.Right != 0 || item.Key < 0 || Maps.Find(item.Parent, item.Key) == handle, "entry");
                Check(item.Kind != ContentKind.Type || Branches[item.A].Item == handle, "branch");
            }
        }
        for (var branch = 1; branch < Branches.End; branch++)
        {
            var length = 0;
            for (var item = Branches[branch].Start; item != 0; item = Items[item].Right)
            {
                length += Items[item].IsVisible ? Items[item].Length : 0;
            }
            Check(length == Branches[branch].Length, "length");
            Check(Branches[branch].Markers?.AreRight(branch) ?? true, "markers");
        }

        static void Check(bool holds, string what)
        {
            if (!holds)
            {
                throw new InvalidOperationException($"The struct store is broken: {what}.");
            }
        }
    }
}
