namespace Demiurge.Core.Containers.Terminals;

/// <summary>The last bytes that a terminal showed: a ring that overwrites its oldest. Belongs to the lock of its session.</summary>
internal sealed class Scrollback(int capacity)
{
    private readonly byte[] ring = new byte[capacity];
    private int start, length;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > capacity)
            bytes = bytes[^capacity..];
        var end = (start + length) % capacity;
        var first = Math.Min(bytes.Length, capacity - end);
        bytes[..first].CopyTo(ring.AsSpan(end));
        bytes[first..].CopyTo(ring);
        length += bytes.Length;
        if (length > capacity)
        {
            start = (start + length - capacity) % capacity;
            length = capacity;
        }
    }

    /// <summary>All of it; where older bytes are gone, from the next line on, so that no half of a character or of an escape sequence comes first.</summary>
    public byte[] ToArray()
    {
        var copy = new byte[length];
        var first = Math.Min(length, capacity - start);
        ring.AsSpan(start, first).CopyTo(copy);
        ring.AsSpan(0, length - first).CopyTo(copy.AsSpan(first));
        return length == capacity && copy.AsSpan().IndexOf((byte)'\n') is >= 0 and var line ? copy[(line + 1)..] : copy;
    }
}
