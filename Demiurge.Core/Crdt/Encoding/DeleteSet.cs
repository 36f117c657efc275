namespace Demiurge.Core.Crdt;

/// <summary><see cref="Length"/> clocks of one client from <see cref="Clock"/> on, deleted.</summary>
internal readonly record struct DeleteRange(ulong Client, int Clock, int Length)
{
    public int End => Clock + Length;
}

/// <summary>
/// Ids of what has been deleted. Clients are kept in the order in which they came: undo restores in that order. In an update: a varuint number of
/// clients, for each (highest id first) its id, the number of its ranges and the ranges as clock and length. Source: <c>yjs/src/utils/DeleteSet.js</c>.
/// </summary>
internal sealed class DeleteSet
{
    private readonly List<DeleteRange> ranges = [];

    /// <summary>Where the ranges of each client begin, in a normalized set; empty when there is but one client.</summary>
    private readonly List<int> groups = [];
    private bool isNormal = true;

    public int Count => ranges.Count;

    public int Capacity => ranges.Capacity;

    public DeleteRange this[int index] => ranges[index];

    public void Clear()
    {
        ranges.Clear();
        groups.Clear();
        isNormal = true;
    }

    public void Add(ulong client, int clock, int length)
    {
        if (ranges.Count > 0)
        {
            var last = ranges[^1];
            if (last.Client == client && last.End == clock)
            {
                ranges[^1] = last with { Length = last.Length + length };
                return;
            }
            isNormal &= last.Client == client && last.End < clock;
        }
        ranges.Add(new(client, clock, length));
    }

    public void AddAll(DeleteSet other)
    {
        foreach (var range in other.ranges)
        {
            Add(range.Client, range.Clock, range.Length);
        }
    }

    /// <summary>Puts the ranges of each client together, in order of clock, and joins those that touch.</summary>
    public void Normalize()
    {
        if (isNormal)
        {
            return;
        }
        var ranks = new Dictionary<ulong, int>();
        foreach (var range in ranges)
        {
            ranks.TryAdd(range.Client, ranks.Count);
        }
        ranges.Sort((a, b) => a.Client != b.Client ? ranks[a.Client].CompareTo(ranks[b.Client]) : a.Clock.CompareTo(b.Clock));
        var kept = 0;
        for (var i = 1; i < ranges.Count; i++)
        {
            var (left, right) = (ranges[kept], ranges[i]);
            if (left.Client == right.Client && left.End >= right.Clock)
            {
                ranges[kept] = left with { Length = Math.Max(left.Length, right.End - left.Clock) };
            }
            else
            {
                ranges[++kept] = right;
            }
        }
        ranges.RemoveRange(kept + 1, ranges.Count - kept - 1);
        groups.Clear();
        for (var i = 0; i < ranges.Count && ranks.Count > 1; i++)
        {
            if (i == 0 || ranges[i].Client != ranges[i - 1].Client)
            {
                groups.Add(i);
            }
        }
        isNormal = true;
    }

    /// <summary>Whether an id is in the set.</summary>
    public bool Contains(ulong client, int clock)
    {
        Normalize();
        var (low, high) = (0, ranges.Count - 1);
        for (var group = 0; group < groups.Count; group++)
        {
            if (ranges[groups[group]].Client == client)
            {
                (low, high) = (groups[group], EndOf(group) - 1);
                break;
            }
        }
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var range = ranges[middle];
            if (range.Client != client)
            {
                return false;
            }
            if (range.End <= clock)
            {
                low = middle + 1;
            }
            else if (range.Clock > clock)
            {
                high = middle - 1;
            }
            else
            {
                return true;
            }
        }
        return false;
    }

    public List<ClockRange> ToRanges() => ranges.ConvertAll(static range => new ClockRange(range.Client, range.Clock, range.Length));

    /// <summary>Whether a range is in the set as a whole.</summary>
    public bool Covers(DeleteRange range)
    {
        Normalize();
        foreach (var candidate in ranges)
        {
            if (candidate.Client == range.Client && candidate.Clock <= range.Clock && candidate.End >= range.End)
            {
                return true;
            }
        }
        return false;
    }

    public DeleteSet Copy()
    {
        var copy = new DeleteSet { isNormal = isNormal };
        copy.ranges.AddRange(ranges);
        copy.groups.AddRange(groups);
        return copy;
    }

    public void Write<T>(T encoder) where T : struct, IUpdateEncoder
    {
        Normalize();
        if (groups.Count == 0)
        {
            encoder.Rest.WriteVarUint(ranges.Count == 0 ? 0u : 1);
            Write(encoder, 0, ranges.Count);
            return;
        }
        encoder.Rest.WriteVarUint((uint)groups.Count);
        foreach (var group in Enumerable.Range(0, groups.Count).OrderByDescending(group => ranges[groups[group]].Client))
        {
            Write(encoder, groups[group], EndOf(group));
        }
    }

    private int EndOf(int group) => group + 1 < groups.Count ? groups[group + 1] : ranges.Count;

    private void Write<T>(T encoder, int start, int end) where T : struct, IUpdateEncoder
    {
        if (start == end)
        {
            return;
        }
        encoder.BeginDeletes(ranges[start].Client, end - start);
        for (; start < end; start++)
        {
            encoder.WriteDelete(ranges[start].Clock, ranges[start].Length);
        }
    }

    public void Read(ref LibDecoder decoder)
    {
        for (var clients = decoder.ReadVarUint(); clients > 0; clients--)
        {
            var client = decoder.ReadVarUint();
            for (var count = decoder.ReadVarUint(); count > 0; count--)
            {
                var clock = decoder.ReadVarInt32();
                var length = decoder.ReadVarInt32(int.MaxValue - clock);
                if (length > 0)
                {
                    Add(client, clock, length);
                }
            }
        }
    }
}
