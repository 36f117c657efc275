using System.Diagnostics;
using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Structs in arrays that never move, so a reference to one stays good while others are added. Index 0 is never handed out.
/// <para>A table can be frozen: the view keeps the chunks as they are, and the table makes a copy of a chunk before it hands out a reference into it. So
/// freezing costs an array of references, and the writer later pays for what it touches, a chunk at a time. Invariant: nobody writes
/// into a chunk that a view may be reading. Therefore references must not be kept across <see cref="Freeze"/>.</para>
/// </summary>
internal sealed class ChunkedTable<T> where T : struct
{
    private const int Shift = 8;
    private const int Mask = (1 << Shift) - 1;

    /// <summary>Chunks that are the table's own; null for those still shared, which are in <see cref="frozen"/>.</summary>
    private T[]?[] chunks;
    private T[][] frozen = [];
    private ViewCount? views;
    private int chunkCount;
    private int next = 1;
    private int[] free = [];
    private int freeCount;

    public ChunkedTable()
    {
        chunks = [new T[1 << Shift]];
        chunkCount = 1;
    }

    private ChunkedTable(T[][] view, int next)
    {
        chunks = view;
        chunkCount = view.Length;
        this.next = next;
    }

    /// <summary>To read or write.</summary>
    public ref T this[int index] => ref (chunks[index >> Shift] ?? Thaw(index >> Shift))[index & Mask];

    /// <summary>One more than the highest index ever handed out.</summary>
    public int End => next;

    /// <summary>To read only, and not to be kept: does not copy what a view shares.</summary>
    public ref readonly T Peek(int index) => ref (chunks[index >> Shift] ?? frozen[index >> Shift])[index & Mask];

    /// <summary>An index whose struct is zeroed.</summary>
    public int Allocate()
    {
        if (freeCount > 0)
        {
            var reused = free[--freeCount];
            this[reused] = default;
            return reused;
        }
        var index = next++;
        if (index >> Shift == chunkCount)
        {
            if (chunkCount == chunks.Length)
            {
                Array.Resize(ref chunks, chunks.Length * 2);
            }
            chunks[chunkCount++] = new T[1 << Shift];
        }
        return index;
    }

    public void Free(int index)
    {
        this[index] = default;
        if (freeCount == free.Length)
        {
            Array.Resize(ref free, Math.Max(16, (int)BitOperations.RoundUpToPowerOf2((uint)freeCount + 1)));
        }
        free[freeCount++] = index;
    }

    /// <summary>The table as it is now, to be read by another thread as long as the views are counted.</summary>
    public ChunkedTable<T> Freeze(ViewCount views)
    {
        this.views = views;
        var view = new T[chunkCount][];
        for (var i = 0; i < view.Length; i++)
        {
            view[i] = chunks[i] ?? frozen[i];
        }
        frozen = view;
        chunks = new T[chunks.Length][];
        return new(view, next);
    }

    /// <summary>Makes a shared chunk the table's own: by copying as long as there are views, for nothing afterwards.</summary>
    private T[] Thaw(int chunk)
    {
        Debug.Assert(views is not null);
        if (!views.Any)
        {
            return chunks[chunk] = frozen[chunk];
        }
        // Pinned arrays are not moved when they survive, which cost more than the copying did.
        var copy = GC.AllocateUninitializedArray<T>(1 << Shift, pinned: true);
        frozen[chunk].CopyTo(copy, 0);
        return chunks[chunk] = copy;
    }
}

/// <summary>How many views of a store are in use. Views are released by any thread; the writer looks whether there are any left.</summary>
internal sealed class ViewCount
{
    private int count;

    public bool Any => Volatile.Read(ref count) > 0;

    public void Add() => Interlocked.Increment(ref count);

    public void Release() => Interlocked.Decrement(ref count);
}
