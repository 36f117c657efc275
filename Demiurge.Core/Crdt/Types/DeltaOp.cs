using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>
/// One operation of a delta: insert, retain or delete. Counts are UTF-16 units in a text and elements in an array.
/// A text inserts a <see cref="string"/> or an embed; an array inserts an <see cref="IReadOnlyList{T}"/> of values.
/// A null attribute value removes that format.
/// </summary>
public readonly record struct DeltaOp
{
    private DeltaOp(object? insert, int retain, int delete, IReadOnlyDictionary<string, object?>? attributes)
    {
        Insert = insert;
        Retain = retain;
        Delete = delete;
        Attributes = attributes;
    }

    /// <summary>What is inserted; null when this is no insertion.</summary>
    public object? Insert { get; }

    /// <summary>How many units are kept; 0 when this is no retain.</summary>
    public int Retain { get; }

    /// <summary>How many units are deleted; 0 when this is no deletion.</summary>
    public int Delete { get; }

    /// <summary>Formats of the insertion, or changes of format of what is retained; null for none.</summary>
    public IReadOnlyDictionary<string, object?>? Attributes { get; }

    /// <summary>Inserts text, an embed, or the elements of a list.</summary>
    public static DeltaOp Inserted(object content, IReadOnlyDictionary<string, object?>? attributes = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        return new(content, 0, 0, attributes);
    }

    /// <summary>Keeps units, with other formats if attributes are given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public static DeltaOp Retained(int count, IReadOnlyDictionary<string, object?>? attributes = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new(null, count, 0, attributes);
    }

    /// <summary>Deletes units.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public static DeltaOp Deleted(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new(null, 0, count, null);
    }

    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(Insert is not null ? $"insert {Insert}" : Delete > 0 ? $"delete {Delete}" : $"retain {Retain}");
        foreach (var (key, value) in Attributes ?? new Dictionary<string, object?>())
        {
            builder.Append($" {key}={value ?? "null"}");
        }
        return true;
    }
}
