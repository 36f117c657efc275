using System.Diagnostics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// The structs of one client in order of their clocks, without gaps from 0 to <see cref="State"/>. Clocks lie beside the handles so
/// that a search stays within one array.
/// </summary>
internal sealed class ClientBlocks(ulong id, int index)
{
    private int[] clocks = new int[4];
    private int[] handles = new int[4];

    /// <summary>Positions below this may be read by a view: before one is written to, the arrays are copied.</summary>
    private int shared;
    private ViewCount? views;

    /// <summary>The Yjs client id.</summary>
    public ulong Id { get; } = id;

    /// <summary>Index in <see cref="StructStore.Clients"/>.</summary>
    public int Index { get; } = index;

    public int Count { get; private set; }

    /// <summary>The next clock.</summary>
    public int State { get; private set; }

    /// <summary>Handle of the struct at a position.</summary>
    public int this[int position] => handles[position];

    public int ClockAt(int position) => clocks[position];

    public int EndAt(int position) => position + 1 < Count ? clocks[position + 1] : State;

    /// <summary>Position of the struct that holds <paramref name="clock"/>, which must be below <see cref="State"/>.</summary>
    public int Find(int clock)
    {
        Debug.Assert(clock >= 0 && clock < State);
        var right = Count - 1;
        if (clocks[right] <= clock)
        {
            return right;
        }
        var left = 0;
        while (left < right)
        {
            var middle = (left + right + 1) >>> 1;
            if (clocks[middle] <= clock)
            {
                left = middle;
            }
            else
            {
                right = middle - 1;
            }
        }
        return left;
    }

    public void Append(int handle, int clock, int length)
    {
        Debug.Assert(clock == State);
        EnsureRoom();
        Own(Count);
        clocks[Count] = clock;
        handles[Count++] = handle;
        State = clock + length;
    }

    public void Insert(int position, int handle, int clock)
    {
        EnsureRoom();
        Own(position);
        Array.Copy(clocks, position, clocks, position + 1, Count - position);
        Array.Copy(handles, position, handles, position + 1, Count - position);
        clocks[position] = clock;
        handles[position] = handle;
        Count++;
    }

    public void RemoveRange(int position, int count)
    {
        var behind = Count - position - count;
        if (behind > 0)
        {
            Own(position);
            Array.Copy(clocks, position + count, clocks, position, behind);
            Array.Copy(handles, position + count, handles, position, behind);
        }
        Count -= count;
    }

    /// <summary>The structs as they are now, for a view that is counted. It shares the arrays.</summary>
    public ClientBlocks Freeze(ViewCount views)
    {
        this.views = views;
        shared = Math.Max(views.Any ? shared : 0, Count);
        return new(Id, Index) { clocks = clocks, handles = handles, Count = Count, State = State };
    }

    /// <summary>What lies from a position on is about to be written to.</summary>
    private void Own(int position)
    {
        if (position >= shared)
        {
            return;
        }
        if (views!.Any)
        {
            clocks = [.. clocks];
            handles = [.. handles];
        }
        shared = 0;
    }

    private void EnsureRoom()
    {
        if (Count == clocks.Length)
        {
            Array.Resize(ref clocks, Count * 2);
            Array.Resize(ref handles, Count * 2);
            shared = 0;
        }
    }
}
