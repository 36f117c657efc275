using System.Diagnostics;
using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Remembered positions in the list of one branch. Invariant, as long as no transaction is halfway: a marker's item is in the list, and its index is the
/// number of visible units before that item. Yjs has such markers too (<c>findMarker</c> in <c>yjs/src/types/AbstractType.js</c>); where they are and
/// how many is our own affair, because where an insertion goes depends on its index alone: a text's after what is deleted there, an array's before. The
/// one exception has <see cref="YjsMarkers"/>.
/// <para>Every insertion and deletion passes over all markers, so what that looks at, the indexes, are an array of their own and no item is
/// touched. Changes that come without an index (from elsewhere, or by undo) forget the markers of their branch.</para>
/// </summary>
internal sealed class SearchMarkers(StructStore store) : ListMarkers
{
    private const int Limit = 80;

    private int[] items = new int[16];
    private int[] indexes = new int[16];

    /// <summary>When each was used last, in searches.</summary>
    private int[] used = new int[16];
    private int count;
    private int searches;

    public override void Clear() => count = 0;

    public override (int Item, int Index) Find(int branch, int index, bool skipDeleted = false)
    {
        var table = store.Items;
        var item = store.Branches[branch].Start;
        if (item == 0 || index == 0)
        {
            return (0, 0);
        }
        var itemIndex = 0;
        var nearest = Nearest(index);
        if (nearest >= 0)
        {
            (item, itemIndex) = (items[nearest], indexes[nearest]);
        }
        ref readonly var here = ref table.Peek(item);
        while (itemIndex > index)
        {
            item = here.Left;
            here = ref table.Peek(item);
            itemIndex -= here.IsVisible ? here.Length : 0;
        }
        while (here.Right != 0 && (itemIndex < index || (skipDeleted && !here.IsVisible)))
        {
            if (here.IsVisible)
            {
                if (index < itemIndex + here.Length)
                {
                    break;
                }
                itemIndex += here.Length;
            }
            item = here.Right;
            here = ref table.Peek(item);
        }
        Remember(nearest, item, itemIndex, store.Branches[branch].Length / Limit);
        return (item, itemIndex);
    }

    public override void Inserted(int index, int length, bool beforeDeleted)
    {
        var known = indexes.AsSpan(0, count);
        var first = beforeDeleted ? index : index + 1;
        var lanes = Vector<int>.Count;
        var (from, by) = (new Vector<int>(first), new Vector<int>(length));
        var at = 0;
        for (; at <= known.Length - lanes; at += lanes)
        {
            var some = new Vector<int>(known[at..]);
            Vector.ConditionalSelect(Vector.GreaterThanOrEqual(some, from), some + by, some).CopyTo(known[at..]);
        }
        for (; at < known.Length; at++)
        {
            known[at] += known[at] >= first ? length : 0;
        }
        // Of what stands right at the index, only what is visible comes after something that goes behind the deleted.
        for (var i = beforeDeleted ? -1 : known.IndexOf(index); i >= 0 && i < count; i++)
        {
            if (known[i] == index && store.Items[items[i]].IsVisible)
            {
                known[i] += length;
            }
        }
    }

    public override void Deleted(int index, int length)
    {
        var known = indexes.AsSpan(0, count);
        var lanes = Vector<int>.Count;
        var (from, by) = (new Vector<int>(index), new Vector<int>(length));
        var at = 0;
        for (; at <= known.Length - lanes; at += lanes)
        {
            var some = new Vector<int>(known[at..]);
            Vector.ConditionalSelect(Vector.GreaterThan(some, from), Vector.Max(some - by, from), some).CopyTo(known[at..]);
        }
        for (; at < known.Length; at++)
        {
            known[at] = known[at] > index ? Math.Max(known[at] - length, index) : known[at];
        }
    }

    public override int Last()
    {
        var (last, index) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            if (indexes[i] > index)
            {
                (last, index) = (items[i], indexes[i]);
            }
        }
        return last;
    }

    public override void Merged(int item, int left, int visibleLength)
    {
        for (var i = items.AsSpan(0, count).IndexOf(item); i >= 0 && i < count; i++)
        {
            if (items[i] == item)
            {
                items[i] = left;
                indexes[i] -= visibleLength;
            }
        }
    }

    public override bool AreRight(int branch)
    {
        var starts = new Dictionary<int, int>();
        var index = 0;
        for (var item = store.Branches[branch].Start; item != 0; item = store.Items[item].Right)
        {
            starts.Add(item, index);
            index += store.Items[item].IsVisible ? store.Items[item].Length : 0;
        }
        for (var i = 0; i < count; i++)
        {
            if (!starts.TryGetValue(items[i], out var start) || start != indexes[i])
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The marker with the least distance to an index; -1 when there is none.</summary>
    private int Nearest(int index)
    {
        var known = indexes.AsSpan(0, count);
        if (known.IsEmpty)
        {
            return -1;
        }
        var lanes = Vector<int>.Count;
        var wanted = new Vector<int>(index);
        var nearest = new Vector<int>(int.MaxValue);
        var at = 0;
        for (; at <= known.Length - lanes; at += lanes)
        {
            nearest = Vector.Min(nearest, Vector.Abs(new Vector<int>(known[at..]) - wanted));
        }
        var distance = nearest[0];
        for (var lane = 1; lane < lanes; lane++)
        {
            distance = Math.Min(distance, nearest[lane]);
        }
        for (; at < known.Length; at++)
        {
            distance = Math.Min(distance, Math.Abs(known[at] - index));
        }
        return known.IndexOfAny(index - distance, index + distance);
    }

    /// <summary>Moves the marker that the search began at, if that is not far; else there is one more, or the one unused for longest goes.</summary>
    private void Remember(int nearest, int item, int index, int far)
    {
        var marker = nearest;
        if (nearest < 0 || Math.Abs(indexes[nearest] - index) > far)
        {
            if (count < Limit)
            {
                if (count == items.Length)
                {
                    Array.Resize(ref items, count + 16);
                    Array.Resize(ref indexes, count + 16);
                    Array.Resize(ref used, count + 16);
                }
                marker = count++;
            }
            else
            {
                marker = 0;
                for (var i = 1; i < count; i++)
                {
                    marker = searches - used[i] > searches - used[marker] ? i : marker;
                }
            }
        }
        Debug.Assert(index >= 0);
        (items[marker], indexes[marker], used[marker]) = (item, index, searches++);
    }
}
