using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Structs in arrays that never move, so a reference to one stays good while others are added. Index 0 is never handed out.
/// </summary>
internal sealed class ChunkedTable<T> where T : struct
{
    private const int Shift = 8;
    private const int Mask = (1 << Shift) - 1;

    private T[][] chunks = [new T[1 << Shift]];
    private int next = 1;
    private int[] free = [];
    private int freeCount;

    public ref T this[int index] => ref chunks[index >> Shift][index & Mask];

    /// <summary>One more than the highest index ever handed out.</summary>
    public int End => next;

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
        var chunk = index >> Shift;
        if (chunk == chunks.Length || chunks[chunk] is null)
        {
            if (chunk == chunks.Length)
            {
                Array.Resize(ref chunks, chunks.Length * 2);
            }
            chunks[chunk] = new T[1 << Shift];
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
}
