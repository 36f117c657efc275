using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// The content of many items in one array. A run is an offset and a length that its owner keeps. New runs go to the end; a run that
/// must grow where something follows moves to the end and gets room to spare, so that typing at several places in turn does not copy what is
/// there for every character. How much room follows from the length alone (<see cref="Capacity"/>), so owners keep one flag for it.
/// Space left behind is counted in <see cref="Garbage"/>; the owner of all runs rewrites them when it is worth it.
/// </summary>
internal sealed class RunHeap<T> where T : unmanaged
{
    private T[] data = [];
    private int used;

    public int Used => used;

    public int Garbage { get; private set; }

    public bool ShouldCompact => Garbage > 32768 && Garbage > used / 2;

    public Span<T> this[int offset, int length] => data.AsSpan(offset, length);

    /// <summary>Room of a run of <paramref name="length"/> that has been given spare room.</summary>
    public static int Capacity(int length) =>
        length <= 4096 ? (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(length, 16)) : (length + 4095) & ~4095;

    /// <summary>Space for a new run at the end.</summary>
    public Span<T> Append(int length, out int offset)
    {
        EnsureRoom(length);
        offset = used;
        used += length;
        return data.AsSpan(offset, length);
    }

    public void Discard(int length, bool slack) => Garbage += slack ? Capacity(length) : length;

    /// <summary>
    /// Joins two runs; the result is at <paramref name="offset"/>. Nothing is copied when they already lie side by side.
    /// </summary>
    public void Join(ref int offset, int length, ref bool slack, int nextOffset, int nextLength, bool nextSlack)
    {
        if (offset + length == nextOffset && !slack)
        {
            // Room behind the right run is given up: the joint length would promise another amount.
            Garbage += nextSlack ? Capacity(nextLength) - nextLength : 0;
            return;
        }
        var total = length + nextLength;
        if (slack && total <= Capacity(length))
        {
            data.AsSpan(nextOffset, nextLength).CopyTo(data.AsSpan(offset + length));
            Discard(nextLength, nextSlack);
            return;
        }
        if (!slack && offset + length == used)
        {
            EnsureRoom(nextLength);
            data.AsSpan(nextOffset, nextLength).CopyTo(data.AsSpan(used));
            used += nextLength;
            Discard(nextLength, nextSlack);
            return;
        }
        var capacity = Capacity(total);
        EnsureRoom(capacity);
        data.AsSpan(offset, length).CopyTo(data.AsSpan(used));
        data.AsSpan(nextOffset, nextLength).CopyTo(data.AsSpan(used + length));
        Discard(length, slack);
        Discard(nextLength, nextSlack);
        offset = used;
        used += capacity;
        slack = true;
    }

    /// <summary>
    /// The runs there are now, to be read by another thread. They stay where they are: what is written later goes to the end or to
    /// spare room behind a run, and compaction makes a new array. Whoever overwrites a run must see to it that there are no views.
    /// </summary>
    public RunHeap<T> Freeze() => new() { data = data, used = used };

    /// <summary>Starts an empty array with room for what is live; runs are then appended again from <paramref name="old"/>.</summary>
    public void BeginCompaction(out T[] old)
    {
        old = data;
        data = new T[Math.Max(256, used - Garbage + 256)];
        used = 0;
        Garbage = 0;
    }

    private void EnsureRoom(int count)
    {
        if (data.Length - used >= count)
        {
            return;
        }
        var needed = (long)used + count;
        if (needed > Array.MaxLength)
        {
            throw new InvalidOperationException("The document's content exceeds what one process can hold in one array (2 GiB).");
        }
        // Doubling while small; later by a quarter, as a large document should not hold as much again in reserve.
        var target = used < 1 << 20 ? used * 2L : used + (used / 4L);
        Array.Resize(ref data, (int)Math.Min(Array.MaxLength, Math.Max(256, Math.Max(needed, target))));
    }
}
