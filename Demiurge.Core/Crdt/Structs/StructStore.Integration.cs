using System.Diagnostics;

namespace Demiurge.Core.Crdt;

/// <summary>The part of the store that adds and deletes items.</summary>
internal sealed partial class StructStore
{
    private int scan;

    /// <summary>Called when a shared type's item is in its place and the type can take what was put into it before.</summary>
    public Action<Transaction, int>? TypeIntegrated { get; set; }

    /// <summary>The client that a decoded struct waits for, or null when everything it refers to is here.</summary>
    public ulong? MissingFor(ref StructRef source)
    {
        if (source.HasOrigin && source.OriginClient != source.Client && source.OriginClock >= State(source.OriginClient))
        {
            return source.OriginClient;
        }
        if (source.HasRightOrigin && source.RightClient != source.Client && source.RightClock >= State(source.RightClient))
        {
            return source.RightClient;
        }
        if (source.ParentKind == ParentReference.Item && source.ParentClient != source.Client && source.ParentClock >= State(source.ParentClient))
        {
            return source.ParentClient;
        }
        return null;
    }

    /// <summary>Adds a decoded struct that waits for nothing, less the first <paramref name="offset"/> clocks, which are known.</summary>
    public void Integrate(Transaction transaction, ref StructRef source, ReadOnlySpan<byte> update, int offset)
    {
        var client = Client(source.Client);
        if (source.Kind == ContentKind.Gc)
        {
            if (offset < source.Length)
            {
                AddGc(transaction, client, source.Clock + offset, source.Length - offset);
            }
            return;
        }
        int left = 0, right = 0, parent = 0, key = -1;
        var origin = new ItemId(-1, 0);
        var rightOrigin = new ItemId(-1, 0);
        if (source.HasOrigin)
        {
            origin = new(Client(source.OriginClient).Index, source.OriginClock);
            left = CleanEnd(transaction, origin);
        }
        if (source.HasRightOrigin)
        {
            rightOrigin = new(Client(source.RightClient).Index, source.RightClock);
            right = CleanStart(transaction, rightOrigin);
        }
        var collected = (left != 0 && Items[left].IsGc) || (right != 0 && Items[right].IsGc);
        if (!collected)
        {
            (parent, key) = ResolveParent(ref source, left, right, update);
        }
        if (offset > 0)
        {
            if (offset >= source.Length)
            {
                return;
            }
            origin = new(client.Index, source.Clock + offset - 1);
            left = CleanEnd(transaction, origin);
            collected |= Items[left].IsGc;
            // An honest update says the same about the part that is known; another one must not tie lists together.
            (parent, key) = (Items[left].Parent, Items[left].Key);
        }
        if (collected || parent == 0)
        {
            AddGc(transaction, client, source.Clock + offset, source.Length - offset);
            return;
        }
        var handle = Items.Allocate();
        ref var item = ref Items[handle];
        item.Client = client.Index;
        item.Clock = source.Clock;
        item.Length = source.Length;
        item.Kind = source.Kind;
        item.Flags = Item.Counts(source.Kind) ? ItemFlags.Countable : ItemFlags.None;
        TakeContent(ref item, ref source, update);
        if (offset > 0)
        {
            SkipContent(ref item, offset);
            item.Clock += offset;
        }
        (item.OriginClient, item.OriginClock) = origin;
        (item.RightOriginClient, item.RightOriginClock) = rightOrigin;
        item.Left = left;
        item.Right = right;
        item.Parent = parent;
        item.Key = key;
        Branches[parent].Markers?.Clear();
        Integrate(transaction, handle);
    }

    /// <summary>A new item of the client that the transaction writes for, not yet in its place and without content.</summary>
    public int Create(Transaction transaction, int left, int right, int parent, int key, ContentKind kind, int length)
    {
        var client = Client(transaction.WriteClient);
        if (client.State > int.MaxValue - length)
        {
            throw new InvalidOperationException($"Client {client.Id} has used up its 2^31 clocks: write under another client id.");
        }
        var handle = Items.Allocate();
        ref var item = ref Items[handle];
        item.Client = client.Index;
        item.Clock = client.State;
        item.Length = length;
        item.Kind = kind;
        item.Flags = Item.Counts(kind) ? ItemFlags.Countable : ItemFlags.None;
        item.Left = left;
        item.Right = right;
        item.OriginClient = item.RightOriginClient = -1;
        if (left != 0)
        {
            item.OriginClient = Items[left].Client;
            item.OriginClock = Items[left].End - 1;
        }
        if (right != 0)
        {
            item.RightOriginClient = Items[right].Client;
            item.RightOriginClock = Items[right].Clock;
        }
        item.Parent = parent;
        item.Key = key;
        return handle;
    }

    /// <summary>
    /// Puts an item in its place (YATA). Left and right are the neighbours it was made between; what others have put there since is sorted by
    /// origin and client id, so that all replicas arrive at the same order.
    /// </summary>
    public void Integrate(Transaction transaction, int handle)
    {
        ref var item = ref Items[handle];
        ref var parent = ref Branches[item.Parent];
        var first = item.Left != 0 ? 0 : item.Key >= 0 ? FirstOf(item.Parent, item.Key) : parent.Start;
        if (item.Left == 0 ? item.Right == 0 || Items[item.Right].Left != 0 : Items[item.Left].Right != item.Right)
        {
            item.Left = FindLeft(handle, ref item, first);
        }
        if (item.Left != 0)
        {
            item.Right = Items[item.Left].Right;
            Items[item.Left].Right = handle;
        }
        else
        {
            item.Right = first;
            if (item.Key < 0)
            {
                parent.Start = handle;
            }
        }
        if (item.Right != 0)
        {
            Items[item.Right].Left = handle;
        }
        else if (item.Key >= 0)
        {
            Maps.Set(item.Parent, item.Key, handle);
            if (item.Left != 0)
            {
                Delete(transaction, item.Left);
            }
        }
        if (item.Key < 0 && item.IsVisible)
        {
            parent.Length += item.Length;
        }
        var client = Clients[item.Client];
        transaction.Touch(client);
        client.Append(handle, item.Clock, item.Length);
        IntegrateContent(transaction, handle, ref item, ref parent);
        transaction.AddChanged(item.Parent, item.Key);
        if (IsBranchDeleted(item.Parent) || (item.Key >= 0 && item.Right != 0))
        {
            Delete(transaction, handle);
        }
    }

    /// <summary>Marks an item and everything below it as deleted.</summary>
    public void Delete(Transaction transaction, int handle)
    {
        ref var item = ref Items[handle];
        if (item.IsDeleted)
        {
            return;
        }
        if (item.IsCountable && item.Key < 0)
        {
            Branches[item.Parent].Length -= item.Length;
        }
        item.Flags |= ItemFlags.Deleted;
        transaction.Deletes.Add(Clients[item.Client].Id, item.Clock, item.Length);
        transaction.AddChanged(item.Parent, item.Key);
        if (item.Kind == ContentKind.Type)
        {
            DeleteContents(transaction, item.A);
        }
        else if (item.Kind == ContentKind.Doc)
        {
            DocDeleted?.Invoke(transaction, handle);
        }
    }

    /// <summary>
    /// Deletes what a deleted type holds, however deep, without recursion: how deep is up to whoever wrote the document. In yjs' order all the same (what a child holds, before the next child): undo
    /// restores clients in the order in which they first lost something.
    /// </summary>
    private void DeleteContents(Transaction transaction, int root)
    {
        var open = new Stack<(int Branch, int Child, int Entry)>();
        open.Push((root, Branches[root].Start, Branches[root].FirstEntry));
        while (open.TryPop(out var inside))
        {
            var (branch, child, entry) = inside;
            if (child != 0)
            {
                open.Push((branch, Items[child].Right, entry));
            }
            else if (entry != 0)
            {
                child = Maps[entry].Item;
                open.Push((branch, 0, Maps[entry].NextInBranch));
            }
            else
            {
                Branches[branch].Length = 0;
                Branches[branch].Markers = null;
                continue;
            }
            if (DeleteChild(transaction, child) is > 0 and var below)
            {
                open.Push((below, Branches[below].Start, Branches[below].FirstEntry));
            }
        }
    }

    /// <summary>Deletes one item of a deleted type; returns the branch that goes with it, or 0.</summary>
    private int DeleteChild(Transaction transaction, int handle)
    {
        ref var child = ref Items[handle];
        if (!child.IsDeleted)
        {
            child.Flags |= ItemFlags.Deleted;
            transaction.Deletes.Add(Clients[child.Client].Id, child.Clock, child.Length);
            if (child.Kind == ContentKind.Type)
            {
                return child.A;
            }
            if (child.Kind == ContentKind.Doc)
            {
                DocDeleted?.Invoke(transaction, handle);
            }
        }
        else if (child.Clock < transaction.StateBefore(child.Client))
        {
            // Deleted earlier and about to be collected now: it may merge with its neighbours.
            transaction.MergeCandidates.Add(new(child.Client, child.Clock));
        }
        return 0;
    }

    private void AddGc(Transaction transaction, ClientBlocks client, int clock, int length)
    {
        var handle = Items.Allocate();
        ref var item = ref Items[handle];
        item.Client = client.Index;
        item.Clock = clock;
        item.Length = length;
        item.Kind = ContentKind.Gc;
        item.Flags = ItemFlags.Deleted;
        item.OriginClient = item.RightOriginClient = item.Key = -1;
        transaction.Touch(client);
        client.Append(handle, clock, length);
    }

    /// <summary>The branch and key of a decoded struct; 0 when its parent has been collected or is no shared type.</summary>
    private (int Parent, int Key) ResolveParent(ref StructRef source, int left, int right, ReadOnlySpan<byte> update)
    {
        switch (source.ParentKind)
        {
            case ParentReference.Root:
                return (Root(Names.Add(update.Slice(source.NameStart, source.NameLength))), ReadKey(ref source, update));
            case ParentReference.Item:
                ref var holder = ref Items[Find(new(Client(source.ParentClient).Index, source.ParentClock))];
                return holder.Kind == ContentKind.Type ? (holder.A, ReadKey(ref source, update)) : (0, -1);
            default:
                ref var neighbour = ref Items[left != 0 ? left : right];
                return (neighbour.Parent, neighbour.Key);
        }
    }

    private int ReadKey(ref StructRef source, ReadOnlySpan<byte> update) =>
        source.KeyLength >= 0 ? Names.Add(update.Slice(source.KeyStart, source.KeyLength)) : -1;

    private int FirstOf(int branch, int key)
    {
        var first = Maps.Find(branch, key);
        while (first != 0 && Items[first].Left != 0)
        {
            first = Items[first].Left;
        }
        return first;
    }

    /// <summary>
    /// Where among the items that others have put between the same neighbours this one goes. An item counts as "before the origin" when this scan
    /// has passed it, as "conflicting" when the scan has passed it since the left neighbour last moved; both follow from its scan number.
    /// </summary>
    private int FindLeft(int handle, ref Item item, int first)
    {
        if (scan > int.MaxValue / 2)
        {
            RestartScans();
        }
        var left = item.Left;
        var other = left != 0 ? Items[left].Right : first;
        var begin = scan;
        var conflictsBegin = scan;
        var id = Clients[item.Client].Id;
        while (other != 0 && other != item.Right)
        {
            Debug.Assert(other != handle);
            ref var candidate = ref Items[other];
            candidate.Scan = ++scan;
            if (candidate.OriginClient == item.OriginClient && candidate.OriginClock == item.OriginClock)
            {
                if (Clients[candidate.Client].Id < id)
                {
                    left = other;
                    conflictsBegin = scan;
                }
                else if (candidate.RightOriginClient == item.RightOriginClient && candidate.RightOriginClock == item.RightOriginClock)
                {
                    break;
                }
            }
            else if (candidate.OriginClient >= 0 && Items[Find(new(candidate.OriginClient, candidate.OriginClock))].Scan is var seen && seen > begin)
            {
                if (seen <= conflictsBegin)
                {
                    left = other;
                    conflictsBegin = scan;
                }
            }
            else
            {
                break;
            }
            other = candidate.Right;
        }
        return left;
    }

    private void RestartScans()
    {
        scan = 0;
        for (var i = 1; i < Items.End; i++)
        {
            Items[i].Scan = 0;
        }
    }

    private void IntegrateContent(Transaction transaction, int handle, ref Item item, ref Branch parent)
    {
        switch (item.Kind)
        {
            case ContentKind.Deleted:
                transaction.Deletes.Add(Clients[item.Client].Id, item.Clock, item.Length);
                item.Flags |= ItemFlags.Deleted;
                break;
            case ContentKind.Format:
                parent.HasFormatting = parent.HasFormats = true;
                parent.Markers = null;
                break;
            case ContentKind.Type:
                Branches[item.A].Item = handle;
                TypeIntegrated?.Invoke(transaction, item.A);
                break;
            case ContentKind.Doc:
                DocIntegrated?.Invoke(transaction, handle);
                break;
        }
    }
}
