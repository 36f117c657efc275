namespace Demiurge.Core.Crdt;

/// <summary>
/// Yjs' own search markers, moves and forgetting included, for the one case in which they can be seen: a text that has formats of which Yjs has
/// forgotten, because an update named the root before its kind was known. There a search that starts at a marker misses the formats before it, and where
/// it starts decides on which side of a format an insertion goes. Source: <c>findMarker</c> and <c>updateMarkerChanges</c> in
/// <c>yjs/src/types/AbstractType.js</c>.
/// </summary>
internal sealed class YjsMarkers(StructStore store) : ListMarkers
{
    private const int Limit = 80;

    private struct Marker
    {
        public int Item;
        public int Index;
        public long Used;
    }

    private Marker[] markers = new Marker[4];
    private int count;
    private long clock;

    public override void Clear() => count = 0;

    public override (int Item, int Index) Find(int branch, int index, bool skipDeleted = false)
    {
        var items = store.Items;
        var item = store.Branches[branch].Start;
        if (item == 0 || index == 0)
        {
            return (0, 0);
        }
        var itemIndex = 0;
        var nearest = -1;
        for (var i = 0; i < count; i++)
        {
            if (nearest < 0 || Math.Abs(index - markers[i].Index) <= Math.Abs(index - markers[nearest].Index))
            {
                nearest = i;
            }
        }
        if (nearest >= 0)
        {
            (item, itemIndex) = (markers[nearest].Item, markers[nearest].Index);
            markers[nearest].Used = clock++;
        }
        while (items[item].Right != 0 && itemIndex < index)
        {
            ref var passed = ref items[item];
            if (passed.IsVisible)
            {
                if (index < itemIndex + passed.Length)
                {
                    break;
                }
                itemIndex += passed.Length;
            }
            item = passed.Right;
        }
        while (items[item].Left != 0 && itemIndex > index)
        {
            item = items[item].Left;
            itemIndex -= items[item].IsVisible ? items[item].Length : 0;
        }
        // A marker must not be on an item that may be merged with the one to its left.
        while (items[item].Left is var left && left != 0 && items[left].Client == items[item].Client && items[left].End == items[item].Clock)
        {
            item = left;
            itemIndex -= items[item].IsVisible ? items[item].Length : 0;
        }
        if (nearest >= 0 && Math.Abs(markers[nearest].Index - itemIndex) < store.Branches[branch].Length / (double)Limit)
        {
            Overwrite(nearest, item, itemIndex);
        }
        else if (count >= Limit)
        {
            var oldest = 0;
            for (var i = 1; i < count; i++)
            {
                if (markers[oldest].Used >= markers[i].Used)
                {
                    oldest = i;
                }
            }
            Overwrite(oldest, item, itemIndex);
        }
        else
        {
            if (count == markers.Length)
            {
                Array.Resize(ref markers, Math.Min(Limit, count * 2));
            }
            markers[count++] = new Marker { Item = item, Index = itemIndex, Used = clock++ };
            items[item].Flags |= ItemFlags.Marked;
        }
        return (item, itemIndex);
    }

    public override void Inserted(int index, int length, bool beforeDeleted) => Changed(index, length);

    public override void Deleted(int index, int length) => Changed(index, -length);

    public override int Last()
    {
        var (last, index) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            if (markers[i].Index > index)
            {
                (last, index) = (markers[i].Item, markers[i].Index);
            }
        }
        return last;
    }

    public override bool AreRight(int branch) => true;

    public override void Merged(int item, int left, int visibleLength)
    {
        for (var i = 0; i < count; i++)
        {
            if (markers[i].Item == item)
            {
                markers[i].Item = left;
                markers[i].Index -= visibleLength;
            }
        }
    }

    private void Changed(int index, int length)
    {
        var items = store.Items;
        for (var i = count - 1; i >= 0; i--)
        {
            ref var marker = ref markers[i];
            if (length > 0)
            {
                var item = marker.Item;
                items[item].Flags &= ~ItemFlags.Marked;
                // Go back to something visible, so that comparing indexes is enough.
                while (item != 0 && !items[item].IsVisible)
                {
                    item = items[item].Left;
                    if (item != 0 && items[item].IsVisible)
                    {
                        marker.Index -= items[item].Length;
                    }
                }
                if (item == 0 || (items[item].Flags & ItemFlags.Marked) != 0)
                {
                    Array.Copy(markers, i + 1, markers, i, --count - i);
                    continue;
                }
                marker.Item = item;
                items[item].Flags |= ItemFlags.Marked;
            }
            if (index < marker.Index || (length > 0 && index == marker.Index))
            {
                marker.Index = Math.Max(index, marker.Index + length);
            }
        }
    }

    private void Overwrite(int marker, int item, int index)
    {
        store.Items[markers[marker].Item].Flags &= ~ItemFlags.Marked;
        markers[marker] = new Marker { Item = item, Index = index, Used = clock++ };
        store.Items[item].Flags |= ItemFlags.Marked;
    }
}
