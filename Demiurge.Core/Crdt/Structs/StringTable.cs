using System.Buffers;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>Strings that occur often (map keys, names of roots, format keys and values), each kept once and named by its index.</summary>
internal sealed class StringTable
{
    private string[] strings = new string[4];
    private readonly Dictionary<string, int> indexes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> bySpan;

    public StringTable() => bySpan = indexes.GetAlternateLookup<ReadOnlySpan<char>>();

    public string this[int index] => strings[index];

    public int Count { get; private set; }

    /// <summary>The strings there are now, to be read by index by another thread. Strings are only ever added, so nothing is copied.</summary>
    public StringTable Freeze() => new() { strings = strings, Count = Count };

    public int IndexOf(string value) => indexes.TryGetValue(value, out var index) ? index : -1;

    public int Add(string value)
    {
        if (!indexes.TryGetValue(value, out var index))
        {
            index = Count;
            if (index == strings.Length)
            {
                Array.Resize(ref strings, index * 2);
            }
            strings[Count++] = value;
            indexes.Add(value, index);
        }
        return index;
    }

    /// <summary>Another index for a string that is there: equal, and not the same. <see cref="IndexOf"/> finds the first.</summary>
    public int AddAgain(int index)
    {
        if (Count == strings.Length)
        {
            Array.Resize(ref strings, Count * 2);
        }
        strings[Count] = strings[index];
        return Count++;
    }

    /// <param name="utf8">Well-formed UTF-8.</param>
    public int Add(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length <= 256)
        {
            Span<char> buffer = stackalloc char[utf8.Length];
            return AddDecoded(utf8, buffer);
        }
        var rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        var result = AddDecoded(utf8, rented);
        ArrayPool<char>.Shared.Return(rented);
        return result;
    }

    private int AddDecoded(ReadOnlySpan<byte> utf8, Span<char> buffer)
    {
        Utf8.ToUtf16(utf8, buffer, out _, out var length);
        ReadOnlySpan<char> value = buffer[..length];
        return bySpan.TryGetValue(value, out var index) ? index : Add(value.ToString());
    }
}
