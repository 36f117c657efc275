using System.Numerics;

namespace Demiurge.Core.Crdt;

/// <summary>
/// The maps of all shared types in one hash table: (branch, key) to the right-most item of that key. The entries of a branch
/// are chained in order of insertion, which is the order in which JavaScript enumerates them.
/// </summary>
internal sealed class MapTable(ChunkedTable<Branch> branches)
{
    /// <summary>Multiplier of the hash; random, so that nobody outside can aim at one bucket.</summary>
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    private readonly ChunkedTable<MapEntry> entries = new();
    private int[] buckets = [];
    private int count;

    public ref MapEntry this[int entry] => ref entries[entry];

    /// <summary>The item of a key, 0 if it never had one.</summary>
    public int Find(int branch, int key)
    {
        var entry = FindEntry(branch, key);
        return entry == 0 ? 0 : entries[entry].Item;
    }

    public void Set(int branch, int key, int item)
    {
        var entry = FindEntry(branch, key);
        if (entry == 0)
        {
            entry = Add(branch, key);
        }
        entries[entry].Item = item;
    }

    /// <summary>Forgets all keys of a branch.</summary>
    public void Clear(int branch)
    {
        ref var owner = ref branches[branch];
        for (var entry = owner.FirstEntry; entry != 0;)
        {
            var next = entries[entry].NextInBranch;
            ref var link = ref buckets[Bucket(branch, entries[entry].Key)];
            while (link != entry)
            {
                link = ref entries[link].NextInBucket;
            }
            link = entries[entry].NextInBucket;
            entries.Free(entry);
            count--;
            entry = next;
        }
        owner.FirstEntry = owner.LastEntry = 0;
    }

    private int FindEntry(int branch, int key)
    {
        if (buckets.Length == 0)
        {
            return 0;
        }
        var entry = buckets[Bucket(branch, key)];
        while (entry != 0)
        {
            ref var candidate = ref entries[entry];
            if (candidate.Branch == branch && candidate.Key == key)
            {
                return entry;
            }
            entry = candidate.NextInBucket;
        }
        return 0;
    }

    private int Add(int branch, int key)
    {
        if (count == buckets.Length)
        {
            Grow();
        }
        var entry = entries.Allocate();
        ref var bucket = ref buckets[Bucket(branch, key)];
        entries[entry] = new MapEntry { Branch = branch, Key = key, NextInBucket = bucket };
        bucket = entry;
        count++;
        ref var owner = ref branches[branch];
        if (owner.LastEntry == 0)
        {
            owner.FirstEntry = entry;
        }
        else
        {
            entries[owner.LastEntry].NextInBranch = entry;
        }
        owner.LastEntry = entry;
        return entry;
    }

    private void Grow()
    {
        buckets = new int[Math.Max(16, buckets.Length * 2)];
        for (var entry = 1; entry < entries.End; entry++)
        {
            ref var moved = ref entries[entry];
            if (moved.Branch != 0)
            {
                ref var bucket = ref buckets[Bucket(moved.Branch, moved.Key)];
                moved.NextInBucket = bucket;
                bucket = entry;
            }
        }
    }

    private int Bucket(int branch, int key) =>
        (int)((((ulong)(uint)branch << 32) | (uint)key) * Seed >> (64 - BitOperations.Log2((uint)buckets.Length)));
}

internal struct MapEntry
{
    public int Branch;
    public int Key;
    public int Item;
    public int NextInBranch;
    public int NextInBucket;
}
