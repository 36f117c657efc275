namespace Demiurge.Core.Crdt;

/// <summary>The part of the store that tidies up at the end of a transaction: collects what was deleted and merges neighbours.</summary>
internal sealed partial class StructStore
{
    /// <summary>Called when a shared type is gone for good and its handle may be used again.</summary>
    public Action<int>? TypeCollected { get; set; }

    /// <summary>Drops the content of what the transaction deleted, unless undo keeps it or the filter says no.</summary>
    public void Collect(DeleteSet deletes, Predicate<int>? filter)
    {
        for (var i = deletes.Count - 1; i >= 0; i--)
        {
            var range = deletes[i];
            var client = FindClient(range.Client)!;
            for (var position = client.Find(range.Clock); position < client.Count && client.ClockAt(position) < range.End; position++)
            {
                ref var item = ref Items[client[position]];
                if (!item.IsGc && item.IsDeleted && !item.IsKept && filter?.Invoke(client[position]) != false)
                {
                    CollectContent(ref item);
                    item.Kind = ContentKind.Deleted;
                }
            }
        }
    }

    public void Merge(Transaction transaction)
    {
        var deletes = transaction.Deletes;
        for (var i = deletes.Count - 1; i >= 0; i--)
        {
            var range = deletes[i];
            var client = FindClient(range.Client)!;
            var position = Math.Min(client.Count - 1, 1 + client.Find(range.End - 1));
            while (position > 0 && client.ClockAt(position) >= range.Clock)
            {
                position -= 1 + MergeWithLefts(client, position);
            }
        }
        foreach (var touched in transaction.Touched)
        {
            var client = Clients[touched.Client];
            var first = Math.Max(client.Find(touched.Before), 1);
            for (var position = client.Count - 1; position >= first;)
            {
                position -= 1 + MergeWithLefts(client, position);
            }
        }
        var candidates = transaction.MergeCandidates;
        for (var i = candidates.Count - 1; i >= 0; i--)
        {
            var client = Clients[candidates[i].Client];
            var position = client.Find(candidates[i].Clock);
            if (position + 1 < client.Count && MergeWithLefts(client, position + 1) > 1)
            {
                continue;
            }
            if (position > 0)
            {
                MergeWithLefts(client, position);
            }
        }
    }

    /// <summary>Collects what an item holds; of a shared type, everything below it becomes GC structs. Not recursive, as for deletion.</summary>
    private void CollectContent(ref Item item)
    {
        if (item.Kind != ContentKind.Type)
        {
            DropContent(ref item);
            return;
        }
        var open = new Stack<int>();
        open.Push(item.A);
        item.A = 0;
        while (open.TryPop(out var branch))
        {
            for (var child = Branches[branch].Start; child != 0;)
            {
                var next = Items[child].Right;
                TurnIntoGc(child, open);
                child = next;
            }
            for (var entry = Branches[branch].FirstEntry; entry != 0; entry = Maps[entry].NextInBranch)
            {
                for (var child = Maps[entry].Item; child != 0;)
                {
                    var previous = Items[child].Left;
                    TurnIntoGc(child, open);
                    child = previous;
                }
            }
            Maps.Clear(branch);
            TypeCollected?.Invoke(branch);
            Branches.Free(branch);
        }
    }

    private void TurnIntoGc(int handle, Stack<int> open)
    {
        ref var item = ref Items[handle];
        if (item.Kind == ContentKind.Type)
        {
            open.Push(item.A);
        }
        else
        {
            DropContent(ref item);
        }
        if ((item.Flags & ItemFlags.Redone) != 0)
        {
            Redone.Remove(handle);
        }
        item.Kind = ContentKind.Gc;
        item.Flags = ItemFlags.Deleted;
        item.Left = item.Right = item.Parent = item.A = item.B = 0;
        item.OriginClient = item.RightOriginClient = item.Key = -1;
    }

    /// <summary>Merges the struct at a position with as many to its left as it can; returns how many structs went away.</summary>
    private int MergeWithLefts(ClientBlocks client, int position)
    {
        var first = position;
        while (first > 0 && CanMerge(client[first - 1], client[first]))
        {
            first--;
        }
        if (first == position)
        {
            return 0;
        }
        ref var target = ref Items[client[first]];
        if (target.Kind != ContentKind.Gc && Branches[target.Parent].Markers is { } markers)
        {
            for (var i = position; i > first; i--)
            {
                ref var left = ref Items[client[i - 1]];
                markers.Merged(client[i], client[i - 1], left.IsVisible ? left.Length : 0);
            }
        }
        for (var i = first + 1; i <= position; i++)
        {
            ref var right = ref Items[client[i]];
            if (target.Kind != ContentKind.Gc)
            {
                JoinContent(ref target, ref right);
                target.Flags |= right.Flags & ItemFlags.Keep;
                target.Right = right.Right;
                if (target.Right != 0)
                {
                    Items[target.Right].Left = client[first];
                }
                else if (target.Key >= 0 && Maps.Find(target.Parent, target.Key) == client[i])
                {
                    Maps.Set(target.Parent, target.Key, client[first]);
                }
            }
            target.Length += right.Length;
            Items.Free(client[i]);
        }
        client.RemoveRange(first + 1, position - first);
        return position - first;
    }

    private bool CanMerge(int leftHandle, int rightHandle)
    {
        ref var left = ref Items[leftHandle];
        ref var right = ref Items[rightHandle];
        if (left.IsGc || right.IsGc)
        {
            return left.IsGc && right.IsGc;
        }
        return left.Right == rightHandle
            && left.Kind == right.Kind
            && left.Kind is ContentKind.String or ContentKind.Deleted or ContentKind.Any or ContentKind.Json
            && right.OriginClient == left.Client && right.OriginClock == left.End - 1
            && left.RightOriginClient == right.RightOriginClient && left.RightOriginClock == right.RightOriginClock
            && left.IsDeleted == right.IsDeleted
            && ((left.Flags | right.Flags) & ItemFlags.Redone) == 0;
    }
}
