using System.Runtime.CompilerServices;

namespace Demiurge.Core.Crdt;

/// <summary>
/// A shared map. Values are null, bool, numbers, string, byte[], IReadOnlyList and IReadOnlyDictionary of these, or a new
/// <see cref="YMap"/>, <see cref="YArray"/> or <see cref="YText"/>. Numbers read back as <see cref="double"/>, a JavaScript bigint as
/// <see cref="long"/> (write one as <see cref="System.Numerics.BigInteger"/>; a long beyond 2^53 becomes one too). Of concurrent writes to a key one wins, the same everywhere.
/// </summary>
public class YMap : YType
{
    private List<KeyValuePair<string, object?>>? preliminary;

    /// <summary>An empty map, to be inserted somewhere.</summary>
    public YMap() => preliminary = [];

    /// <param name="entries">What it holds; of a key that occurs twice the last value.</param>
    /// <exception cref="ArgumentException">A value can't be stored.</exception>
    public YMap(IEnumerable<KeyValuePair<string, object?>> entries) : this()
    {
        foreach (var (key, value) in entries)
        {
            Set(key, value);
        }
    }

    internal YMap(YDoc doc, int branch) => Attach(doc, branch);

    /// <summary>The value of a key; null if there is none.</summary>
    /// <exception cref="ArgumentException">The value set can't be stored.</exception>
    public object? this[string key]
    {
        get => TryGet(key, out var value) ? value : null;
        set => Set(key, value);
    }

    internal override BranchKind Kind => BranchKind.Map;

    /// <summary>Number of keys that have a value.</summary>
    public int Count => preliminary?.Count ?? Items().Count();

    /// <summary>Keys that have a value, in the order in which they were first set.</summary>
    public IEnumerable<string> Keys => Entries.Select(static entry => entry.Key);

    /// <summary>Keys and values as they are now, in the order in which the keys were first set.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Entries => preliminary?.ToList()
        ?? Items().Select(entry => KeyValuePair.Create(Store.Names[entry.Key], MapEditor.Last(Doc!, entry.Item))).ToList();

    /// <summary>Whether a key has a value, which may be null.</summary>
    public bool ContainsKey(string key) => preliminary?.Exists(entry => entry.Key == key) ?? FindVisible(key) != 0;

    /// <summary>The value of a key; false if it has none.</summary>
    public bool TryGet(string key, out object? value)
    {
        value = null;
        if (preliminary is not null)
        {
            var index = preliminary.FindIndex(entry => entry.Key == key);
            value = index < 0 ? null : preliminary[index].Value;
            return index >= 0;
        }
        var item = FindVisible(key);
        value = item == 0 ? null : MapEditor.Last(Doc!, item);
        return item != 0;
    }

    /// <summary>The value of a key if it is a <typeparamref name="T"/>, otherwise the default.</summary>
    public T? Get<T>(string key) => TryGet(key, out var value) && value is T typed ? typed : default;

    /// <exception cref="ArgumentException">The value can't be stored.</exception>
    public void Set(string key, object? value)
    {
        ArgumentNullException.ThrowIfNull(key);
        var content = Content.Of(value);
        if (preliminary is not null)
        {
            var index = preliminary.FindIndex(entry => entry.Key == key);
            var entry = KeyValuePair.Create(key, value);
            if (index < 0)
            {
                preliminary.Add(entry);
            }
            else
            {
                preliminary[index] = entry;
            }
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            MapEditor.Set(transaction, Branch, key, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Removes a key; false if there is none.</summary>
    public bool Remove(string key)
    {
        if (preliminary is not null)
        {
            return preliminary.RemoveAll(entry => entry.Key == key) > 0;
        }
        var item = FindVisible(key);
        if (item == 0)
        {
            return false;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            Store.Delete(transaction, item);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
        return true;
    }

    /// <summary>Keys and values as they were at a snapshot of the document.</summary>
    public IReadOnlyDictionary<string, object?> ToDictionary(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return GetKeys(snapshot);
    }

    /// <summary>Removes all keys.</summary>
    public void Clear()
    {
        if (preliminary is not null)
        {
            preliminary.Clear();
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            foreach (var (_, item) in Items().ToList())
            {
                Store.Delete(transaction, item);
            }
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <inheritdoc/>
    public override YType Clone() => CloneInto(new YMap());

    /// <inheritdoc/>
    public override object? ToJson()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var json = new Dictionary<string, object?>();
        foreach (var (key, value) in Entries)
        {
            json[key] = value is YType type ? type.ToJson() : value;
        }
        return json;
    }

    private protected override void WritePreliminary(Transaction transaction)
    {
        var entries = preliminary;
        preliminary = null;
        foreach (var (key, value) in entries ?? [])
        {
            Set(key, value);
        }
    }

    private protected YMap CloneInto(YMap clone)
    {
        foreach (var (key, value) in Entries)
        {
            clone.Set(key, value is YType type ? type.Clone() : value);
        }
        return clone;
    }

    private IEnumerable<(int Key, int Item)> Items() => IsAlive ? MapEditor.Visible(Store, Branch) : [];

    private int FindVisible(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return IsAlive ? MapEditor.FindVisible(Store, Branch, key) : 0;
    }
}
