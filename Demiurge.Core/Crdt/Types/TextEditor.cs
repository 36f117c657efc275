namespace Demiurge.Core.Crdt;

/// <summary>A place between two items of a text, its index, and the formats in force there.</summary>
internal sealed class TextPosition(StructStore store, int left, int right, int index)
{
    public int Left { get; private set; } = left;

    public int Right { get; set; } = right;

    public int Index { get; set; } = index;

    public FormatMap Formats { get; } = new();

    public void Forward()
    {
        ref var passed = ref store.Items[Right];
        if (!passed.IsDeleted)
        {
            if (passed.Kind == ContentKind.Format)
            {
                Formats.Apply(ref passed);
            }
            else
            {
                Index += passed.Length;
            }
        }
        Left = Right;
        Right = passed.Right;
    }
}

/// <summary>
/// Changes a text. Formats are items between the characters: one sets a key from there on, another one restores what was in force before.
/// Source: <c>yjs/src/types/YText.js</c>.
/// </summary>
internal static class TextEditor
{
    /// <summary>The place before an index. With markers, the formats in force are not known and not needed.</summary>
    public static TextPosition Find(Transaction transaction, int branch, int index, bool useMarkers)
    {
        var store = transaction.Doc.Store;
        var (item, itemIndex) = useMarkers ? ListEditor.Markers(store, branch)?.Find(branch, index, skipDeleted: true) ?? default : default;
        var position = item != 0
            ? new TextPosition(store, store.Items[item].Left, item, itemIndex)
            : new TextPosition(store, 0, store.Branches[branch].Start, 0);
        for (var count = index - itemIndex; position.Right != 0 && count > 0; position.Forward())
        {
            ref var passed = ref store.Items[position.Right];
            if (!passed.IsDeleted && passed.Kind != ContentKind.Format)
            {
                if (count < passed.Length)
                {
                    store.CleanStart(transaction, new(passed.Client, passed.Clock + count));
                }
                count -= passed.Length;
            }
        }
        return position;
    }

    /// <summary>Inserts into a text that has no formats: the same as with them, less all that is about them.</summary>
    public static void InsertPlain(Transaction transaction, int branch, int index, ReadOnlySpan<char> text)
    {
        var store = transaction.Doc.Store;
        var (left, right) = FindPlain(transaction, branch, index);
        while (right != 0 && store.Items[right].IsDeleted)
        {
            (left, right) = (right, store.Items[right].Right);
        }
        store.Branches[branch].Markers?.Inserted(index, text.Length, beforeDeleted: false);
        CreateText(transaction, branch, left, right, text);
    }

    /// <summary>Deletes from a text that has no formats.</summary>
    public static void DeletePlain(Transaction transaction, int branch, int index, int length)
    {
        var store = transaction.Doc.Store;
        var (_, item) = FindPlain(transaction, branch, index);
        for (var rest = length; rest > 0; item = store.Items[item].Right)
        {
            ref var passed = ref store.Items[item];
            if (!passed.IsDeleted)
            {
                if (rest < passed.Length)
                {
                    store.CleanStart(transaction, new(passed.Client, passed.Clock + rest));
                }
                rest -= passed.Length;
                store.Delete(transaction, item);
            }
        }
        store.Branches[branch].Markers?.Deleted(index, length);
    }

    public static void InsertText(Transaction transaction, int branch, TextPosition position, ReadOnlySpan<char> text, FormatMap attributes)
    {
        var negated = BeginInsertion(transaction, branch, position, attributes, text.Length);
        position.Right = CreateText(transaction, branch, position.Left, position.Right, text);
        EndInsertion(transaction, branch, position, negated);
    }

    public static void InsertEmbed(Transaction transaction, int branch, TextPosition position, Content embed, FormatMap attributes)
    {
        var negated = BeginInsertion(transaction, branch, position, attributes, embed.Length);
        position.Right = embed.Insert(transaction, position.Left, position.Right, branch, -1);
        EndInsertion(transaction, branch, position, negated);
    }

    public static void Format(Transaction transaction, int branch, TextPosition position, int length, FormatMap attributes)
    {
        var store = transaction.Doc.Store;
        MinimizeChanges(store, position, attributes);
        var negated = InsertFormats(transaction, branch, position, attributes);
        while (position.Right != 0)
        {
            ref var passed = ref store.Items[position.Right];
            if (length <= 0 && (negated.Count == 0 || !(passed.IsDeleted || passed.Kind == ContentKind.Format)))
            {
                break;
            }
            if (!passed.IsDeleted)
            {
                if (passed.Kind != ContentKind.Format)
                {
                    if (length < passed.Length)
                    {
                        store.CleanStart(transaction, new(passed.Client, passed.Clock + length));
                    }
                    length -= passed.Length;
                }
                else if (attributes.Get(passed.A) is var wanted && wanted == FormatMap.Undefined)
                {
                    position.Formats.Set(passed.A, passed.B);
                }
                else
                {
                    if (AreEqual(store, wanted, passed.B))
                    {
                        negated.Remove(passed.A);
                    }
                    else if (length == 0)
                    {
                        break;
                    }
                    else
                    {
                        negated.Set(passed.A, passed.B);
                    }
                    store.Delete(transaction, position.Right);
                }
            }
            position.Forward();
        }
        if (length > 0)
        {
            // Editors assume a newline at the end; formatting beyond it makes it real.
            position.Right = CreateText(transaction, branch, position.Left, position.Right, new string('\n', length));
            position.Forward();
        }
        InsertNegated(transaction, branch, position, negated);
    }

    public static void Delete(Transaction transaction, int branch, TextPosition position, int length)
    {
        var store = transaction.Doc.Store;
        var startLength = length;
        var startFormats = position.Formats.Copy();
        var start = position.Right;
        while (length > 0 && position.Right != 0)
        {
            ref var passed = ref store.Items[position.Right];
            if (!passed.IsDeleted && passed.Kind is ContentKind.String or ContentKind.Embed or ContentKind.Type)
            {
                if (length < passed.Length)
                {
                    store.CleanStart(transaction, new(passed.Client, passed.Clock + length));
                }
                length -= passed.Length;
                store.Delete(transaction, position.Right);
            }
            position.Forward();
        }
        if (start != 0)
        {
            TextCleanup.CleanGap(transaction, start, position.Right, startFormats, position.Formats);
        }
        store.Branches[branch].Markers?.Deleted(position.Index, startLength - length);
    }

    /// <summary>
    /// Whether two values of formats are the same: one value, or objects (lists) of the same simple members. Two objects with others inside are only equal when one was copied from the
    /// other. Source: <c>equalAttrs</c> in yjs, <c>equalFlat</c> in lib0.
    /// </summary>
    public static bool AreEqual(StructStore store, int a, int b) => a == b || (a > FormatMap.Null && b > FormatMap.Null && (store.ParsedValue(a), store.ParsedValue(b)) switch
    {
        (IReadOnlyDictionary<string, object?> left, IReadOnlyDictionary<string, object?> right) =>
            left.Count == right.Count && left.All(member => right.TryGetValue(member.Key, out var other) && IsSameSimple(member.Value, other)),
        (IReadOnlyList<object?> left, IReadOnlyList<object?> right) => left.Count == right.Count && left.Zip(right).All(static pair => IsSameSimple(pair.First, pair.Second)),
        (var left, var right) => IsSameSimple(left, right),
    });

    private static bool IsSameSimple(object? a, object? b) => a is null or bool or double or string && Equals(a, b);

    private static FormatMap BeginInsertion(Transaction transaction, int branch, TextPosition position, FormatMap attributes, int length)
    {
        var store = transaction.Doc.Store;
        foreach (var (key, _) in position.Formats)
        {
            if (attributes.Get(key) == FormatMap.Undefined)
            {
                attributes.Set(key, FormatMap.Null);
            }
        }
        MinimizeChanges(store, position, attributes);
        var negated = InsertFormats(transaction, branch, position, attributes);
        store.Branches[branch].Markers?.Inserted(position.Index, length, beforeDeleted: false);
        return negated;
    }

    private static void EndInsertion(Transaction transaction, int branch, TextPosition position, FormatMap negated)
    {
        position.Forward();
        InsertNegated(transaction, branch, position, negated);
    }

    /// <summary>The items between which an index lies, in a text that has no formats.</summary>
    private static (int Left, int Right) FindPlain(Transaction transaction, int branch, int index)
    {
        var store = transaction.Doc.Store;
        var (item, itemIndex) = ListEditor.Markers(store, branch)!.Find(branch, index, skipDeleted: true);
        var (left, right) = item != 0 ? (store.Items[item].Left, item) : (0, store.Branches[branch].Start);
        for (var count = index - itemIndex; right != 0 && count > 0; right = store.Items[right].Right)
        {
            ref var passed = ref store.Items[right];
            if (!passed.IsDeleted)
            {
                if (count < passed.Length)
                {
                    store.CleanStart(transaction, new(passed.Client, passed.Clock + count));
                }
                count -= passed.Length;
            }
            left = right;
        }
        return (left, right);
    }

    private static int CreateText(Transaction transaction, int branch, int left, int right, ReadOnlySpan<char> text)
    {
        var store = transaction.Doc.Store;
        var handle = store.Create(transaction, left, right, branch, -1, ContentKind.String, text.Length);
        text.CopyTo(store.Chars.Append(text.Length, out store.Items[handle].A));
        store.Integrate(transaction, handle);
        return handle;
    }

    private static void CreateFormat(Transaction transaction, int branch, TextPosition position, int key, int value)
    {
        var store = transaction.Doc.Store;
        var handle = store.Create(transaction, position.Left, position.Right, branch, -1, ContentKind.Format, 1);
        store.Items[handle].A = key;
        store.Items[handle].B = value;
        store.Integrate(transaction, handle);
        position.Right = handle;
        position.Forward();
    }

    /// <summary>Goes on as long as what follows is deleted or sets what is wanted anyway.</summary>
    private static void MinimizeChanges(StructStore store, TextPosition position, FormatMap attributes)
    {
        while (position.Right != 0)
        {
            ref var next = ref store.Items[position.Right];
            if (!next.IsDeleted && !(next.Kind == ContentKind.Format && AreEqual(store, attributes.GetOrNull(next.A), next.B)))
            {
                break;
            }
            position.Forward();
        }
    }

    /// <summary>Sets formats from here on; returns what has to be restored at the end.</summary>
    private static FormatMap InsertFormats(Transaction transaction, int branch, TextPosition position, FormatMap attributes)
    {
        var negated = new FormatMap();
        foreach (var (key, value) in attributes)
        {
            var current = position.Formats.GetOrNull(key);
            if (!AreEqual(transaction.Doc.Store, current, value))
            {
                negated.Set(key, current);
                CreateFormat(transaction, branch, position, key, value);
            }
        }
        return negated;
    }

    private static void InsertNegated(Transaction transaction, int branch, TextPosition position, FormatMap negated)
    {
        var store = transaction.Doc.Store;
        while (position.Right != 0)
        {
            ref var next = ref store.Items[position.Right];
            if (!next.IsDeleted)
            {
                if (next.Kind != ContentKind.Format || !AreEqual(store, negated.Get(next.A), next.B))
                {
                    break;
                }
                negated.Remove(next.A);
            }
            position.Forward();
        }
        foreach (var (key, value) in negated)
        {
            CreateFormat(transaction, branch, position, key, value);
        }
    }
}
