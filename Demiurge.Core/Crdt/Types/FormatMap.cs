using System.Collections;

namespace Demiurge.Core.Crdt;

/// <summary>
/// Formats in force, by index of key and value in the store. Keeps JavaScript's order: a key that is set again stays where it is.
/// Value 0 is null; "no value" is <see cref="Undefined"/>.
/// </summary>
internal sealed class FormatMap : IEnumerable<(int Key, int Value)>
{
    public const int Null = 0;
    public const int Undefined = -1;

    private static readonly List<(int Key, int Value)> None = [];

    /// <summary>Made when the first format comes: most positions have none.</summary>
    private List<(int Key, int Value)> formats = None;

    public int Count => formats.Count;

    /// <summary>Formats as a caller gives them.</summary>
    /// <exception cref="ArgumentException">A value can't be written as JSON.</exception>
    public static FormatMap From(StructStore store, IReadOnlyDictionary<string, object?>? attributes)
    {
        var map = new FormatMap();
        if (attributes is null)
        {
            return map;
        }
        foreach (var (key, value) in AnyCodec.InScriptOrder(attributes))
        {
            map.Add((store.Names.Add(key), value is null ? Null : store.AddValue(JsonCodec.Write(value))));
        }
        return map;
    }

    public FormatMap Copy()
    {
        var copy = new FormatMap();
        copy.formats = formats.Count == 0 ? None : [.. formats];
        return copy;
    }

    public int Get(int key)
    {
        var index = IndexOf(key);
        return index < 0 ? Undefined : formats[index].Value;
    }

    /// <summary>The value of a key, null if it has none.</summary>
    public int GetOrNull(int key) => Math.Max(Get(key), Null);

    public void Set(int key, int value)
    {
        var index = IndexOf(key);
        if (index < 0)
        {
            Add((key, value));
        }
        else
        {
            formats[index] = (key, value);
        }
    }

    public void Remove(int key)
    {
        if (IndexOf(key) is >= 0 and var index)
        {
            formats.RemoveAt(index);
        }
    }

    /// <summary>Takes a format item into account: null ends a format.</summary>
    public void Apply(ref Item format)
    {
        if (format.B == Null)
        {
            Remove(format.A);
        }
        else
        {
            Set(format.A, format.B);
        }
    }

    public Dictionary<string, object?>? ToAttributes(StructStore store, bool withNulls = true)
    {
        Dictionary<string, object?>? attributes = null;
        foreach (var (key, value) in formats)
        {
            if (withNulls || value != Null)
            {
                (attributes ??= [])[store.Names[key]] = store.ParsedValue(value);
            }
        }
        return attributes;
    }

    public List<(int Key, int Value)>.Enumerator GetEnumerator() => formats.GetEnumerator();

    IEnumerator<(int Key, int Value)> IEnumerable<(int Key, int Value)>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void Add((int Key, int Value) format)
    {
        if (formats == None)
        {
            formats = [];
        }
        formats.Add(format);
    }

    private int IndexOf(int key)
    {
        for (var i = 0; i < formats.Count; i++)
        {
            if (formats[i].Key == key)
            {
                return i;
            }
        }
        return -1;
    }
}
