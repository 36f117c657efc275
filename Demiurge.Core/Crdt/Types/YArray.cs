namespace Demiurge.Core.Crdt;

/// <summary>A shared list. Values are as for <see cref="YMap"/>, but for bigint, which Yjs' arrays refuse.</summary>
public sealed class YArray : YType
{
    private List<object?>? preliminary;

    /// <summary>An empty array, to be inserted somewhere.</summary>
    public YArray() => preliminary = [];

    /// <exception cref="ArgumentException">One of the values can't be stored.</exception>
    public YArray(IEnumerable<object?> values) : this() => Add(values);

    internal YArray(YDoc doc, int branch) => Attach(doc, branch);

    internal override BranchKind Kind => BranchKind.Array;

    /// <summary>Number of elements.</summary>
    public int Count => preliminary?.Count ?? (IsAlive ? Store.Branches[Branch].Length : 0);

    /// <exception cref="ArgumentOutOfRangeException">The index is negative or not below <see cref="Count"/>.</exception>
    public object? this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            if (preliminary is not null)
            {
                return preliminary[index];
            }
            var (item, start) = ListEditor.Markers(Store, Branch)?.Find(Branch, index) ?? default;
            if (item == 0)
            {
                (item, start) = (Store.Branches[Branch].Start, 0);
            }
            for (index -= start; ; item = Store.Items[item].Right)
            {
                ref var candidate = ref Store.Items[item];
                if (candidate.IsVisible)
                {
                    if (index < candidate.Length)
                    {
                        return ListReader.Value(Doc!, item, index);
                    }
                    index -= candidate.Length;
                }
            }
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The index is negative or above <see cref="Count"/>.</exception>
    /// <exception cref="ArgumentException">One of the values can't be stored.</exception>
    public void Insert(int index, params IEnumerable<object?> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, Count);
        var added = values.ToList();
        var content = Content.OfAll(added);
        if (preliminary is not null)
        {
            preliminary.InsertRange(index, added);
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            ListEditor.Insert(transaction, Branch, index, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <exception cref="ArgumentException">One of the values can't be stored.</exception>
    public void Add(params IEnumerable<object?> values)
    {
        var added = values.ToList();
        var content = Content.OfAll(added);
        if (preliminary is not null)
        {
            preliminary.AddRange(added);
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            ListEditor.Append(transaction, Branch, content);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The range is not within the array.</exception>
    public void RemoveAt(int index, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - index);
        if (preliminary is not null)
        {
            preliminary.RemoveRange(index, count);
            return;
        }
        if (count == 0)
        {
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            ListEditor.Delete(transaction, Branch, index, count);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>The elements as they were at a snapshot of the document.</summary>
    public IReadOnlyList<object?> ToList(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return IsAlive ? ListReader.ToList(this, snapshot) : [];
    }

    /// <inheritdoc/>
    public override YType Clone() => new YArray(ToList().Select(static value => value is YType type ? type.Clone() : value));

    /// <summary>A copy of the elements; shared types among them are themselves.</summary>
    public IReadOnlyList<object?> ToList() => preliminary?.ToList() ?? (IsAlive ? ListReader.ToList(this) : []);

    public override object? ToJson() => preliminary is not null
        ? preliminary.ConvertAll(static value => value is YType type ? type.ToJson() : value)
        : IsAlive ? ListReader.ToJson(this) : new List<object?>();

    private protected override void WritePreliminary(Transaction transaction)
    {
        var values = preliminary;
        preliminary = null;
        if (values is { Count: > 0 })
        {
            Insert(0, values);
        }
    }
}
