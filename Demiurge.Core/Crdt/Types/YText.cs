using System.Buffers;
using System.Text;

namespace Demiurge.Core.Crdt;

/// <summary>
/// A shared text with formats and embeds. Indexes and lengths are UTF-16 units; an embed counts as one. An index inside a surrogate pair would
/// split it: both halves then become U+FFFD, as in Yjs.
/// </summary>
public class YText : YType
{
    private List<Action<YText>>? preliminary;

    /// <summary>An empty text, to be inserted somewhere.</summary>
    public YText() => preliminary = [];

    /// <param name="text">What it holds once it has been inserted.</param>
    public YText(string text) : this() => Insert(0, text);

    internal YText(YDoc doc, int branch) => Attach(doc, branch);

    internal override BranchKind Kind => BranchKind.Text;

    /// <summary>Length in UTF-16 units; 0 as long as the text has not been inserted.</summary>
    public int Length => IsAlive ? Store.Branches[Branch].Length : 0;

    /// <summary>Inserts text; without attributes it takes the formats of what stands before it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not within the text.</exception>
    public void Insert(int index, string text, IReadOnlyDictionary<string, object?>? attributes = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
        {
            return;
        }
        if (preliminary is not null)
        {
            Postpone(index, text, attributes);
            return;
        }
        CheckIndex(index, 0);
        if (attributes is null && !Store.Branches[Branch].HasFormats)
        {
            InsertPlain(index, text);
            return;
        }
        var formats = attributes is null ? null : FormatMap.From(Store, attributes);
        var transaction = Begin(out var isOuter);
        try
        {
            var position = TextEditor.Find(transaction, Branch, index, formats is null);
            TextEditor.InsertText(transaction, Branch, position, text, formats ?? position.Formats.Copy());
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <param name="index">Where.</param>
    /// <param name="embed">A plain value, or a new shared type.</param>
    /// <param name="attributes">Formats of the embed.</param>
    public void InsertEmbed(int index, object embed, IReadOnlyDictionary<string, object?>? attributes = null)
    {
        ArgumentNullException.ThrowIfNull(embed);
        if (Postpone(self => self.InsertEmbed(index, embed, attributes)))
        {
            return;
        }
        CheckIndex(index, 0);
        var content = Content.OfEmbed(embed);
        var formats = FormatMap.From(Store, attributes);
        var transaction = Begin(out var isOuter);
        try
        {
            var position = TextEditor.Find(transaction, Branch, index, attributes is null);
            TextEditor.InsertEmbed(transaction, Branch, position, content, formats);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The range is not within the text.</exception>
    public void Delete(int index, int length)
    {
        if (preliminary is not null)
        {
            Postpone(index, length);
            return;
        }
        CheckIndex(index, length);
        if (length == 0)
        {
            return;
        }
        var transaction = Begin(out var isOuter);
        try
        {
            if (Store.Branches[Branch].HasFormats)
            {
                TextEditor.Delete(transaction, Branch, TextEditor.Find(transaction, Branch, index, useMarkers: true), length);
            }
            else
            {
                TextEditor.DeletePlain(transaction, Branch, index, length);
            }
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Sets formats of a range; a null value removes one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the text.</exception>
    public void Format(int index, int length, IReadOnlyDictionary<string, object?> attributes)
    {
        ArgumentNullException.ThrowIfNull(attributes);
        if (Postpone(self => self.Format(index, length, attributes)))
        {
            return;
        }
        CheckIndex(index, length);
        if (length == 0)
        {
            return;
        }
        var formats = FormatMap.From(Store, attributes);
        var transaction = Begin(out var isOuter);
        try
        {
            var position = TextEditor.Find(transaction, Branch, index, useMarkers: false);
            if (position.Right != 0)
            {
                TextEditor.Format(transaction, Branch, position, length, formats);
            }
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Applies operations from the start of the text on, in one transaction.</summary>
    /// <param name="delta">The operations, in Quill's sense.</param>
    /// <param name="sanitize">False leaves out a newline with which the last insertion ends the text: editors such as Quill always show one there.</param>
    /// <exception cref="ArgumentOutOfRangeException">The operations reach beyond the end of the text; nothing has changed.</exception>
    public void ApplyDelta(IReadOnlyList<DeltaOp> delta, bool sanitize = true)
    {
        ArgumentNullException.ThrowIfNull(delta);
        if (Postpone(self => self.ApplyDelta(delta, sanitize)))
        {
            return;
        }
        CheckIndex(0, delta.Sum(static op => op.Insert is null ? op.Delete + op.Retain : 0));
        var prepared = delta.Select(op => (Op: op, Formats: FormatMap.From(Store, op.Attributes),
            Embed: op.Insert is null or string ? default : Content.OfEmbed(op.Insert))).ToList();
        var transaction = Begin(out var isOuter);
        try
        {
            var position = TextEditor.Find(transaction, Branch, 0, useMarkers: false);
            for (var i = 0; i < prepared.Count; i++)
            {
                var (op, formats, embed) = prepared[i];
                switch (op.Insert)
                {
                    case null when op.Delete > 0:
                        TextEditor.Delete(transaction, Branch, position, op.Delete);
                        break;
                    case null:
                        TextEditor.Format(transaction, Branch, position, op.Retain, formats);
                        break;
                    case string text:
                        if (!sanitize && i == prepared.Count - 1 && position.Right == 0 && text.EndsWith('\n'))
                        {
                            text = text[..^1];
                        }
                        if (text.Length > 0)
                        {
                            TextEditor.InsertText(transaction, Branch, position, text, formats);
                        }
                        break;
                    default:
                        TextEditor.InsertEmbed(transaction, Branch, position, embed, formats);
                        break;
                }
            }
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    /// <summary>Sets an attribute of the text as a whole. Others see it as a changed key.</summary>
    /// <exception cref="ArgumentException">The value can't be stored.</exception>
    public void SetAttribute(string attributeName, object? attributeValue)
    {
        ArgumentNullException.ThrowIfNull(attributeName);
        if (!Postpone(self => self.SetAttribute(attributeName, attributeValue)))
        {
            SetKey(attributeName, attributeValue);
        }
    }

    /// <summary>Removes an attribute of the text as a whole, if it is there.</summary>
    public void RemoveAttribute(string attributeName)
    {
        if (!Postpone(self => self.RemoveAttribute(attributeName)))
        {
            RemoveKey(attributeName);
        }
    }

    /// <summary>The value of an attribute of the text as a whole; null if it isn't set.</summary>
    public object? GetAttribute(string attributeName) => GetKey(attributeName);

    /// <summary>All attributes of the text as a whole.</summary>
    public IReadOnlyDictionary<string, object?> GetAttributes() => GetKeys(null);

    /// <inheritdoc/>
    public override YType Clone() => CloneInto(new YText());

    /// <summary>What the text was at a snapshot, or what has changed between two.</summary>
    /// <param name="snapshot">The moment that is shown; now when null.</param>
    /// <param name="prevSnapshot">
    /// An earlier moment: what was there then and isn't any more is shown too, with a format "ychange" of {"type": "removed"}; what is new gets {"type": "added"}.
    /// </param>
    /// <param name="computeYChange">Gives the value of "ychange" instead, from "added" or "removed" and the id of the first unit.</param>
    public IReadOnlyList<DeltaOp> ToDelta(Snapshot? snapshot, Snapshot? prevSnapshot = null, Func<string, StructId, object?>? computeYChange = null) =>
        !IsAlive || (snapshot is null && prevSnapshot is null) ? ToDelta() : new SnapshotDelta(this, snapshot, prevSnapshot, computeYChange).Compute();

    /// <summary>The whole text as insertions with their formats.</summary>
    public IReadOnlyList<DeltaOp> ToDelta()
    {
        var delta = new List<DeltaOp>();
        if (!IsAlive)
        {
            return delta;
        }
        var formats = new FormatMap();
        var text = new StringBuilder();
        for (var handle = Store.Branches[Branch].Start; handle != 0; handle = Store.Items[handle].Right)
        {
            ref var item = ref Store.Items[handle];
            if (item.IsDeleted)
            {
                continue;
            }
            switch (item.Kind)
            {
                case ContentKind.String:
                    text.Append(Store.TextOf(handle));
                    break;
                case ContentKind.Type or ContentKind.Embed:
                    Flush();
                    delta.Add(DeltaOp.Inserted(ListReader.Value(Doc, handle, 0) ?? "", formats.ToAttributes(Store)));
                    break;
                case ContentKind.Format:
                    Flush();
                    formats.Apply(ref item);
                    break;
            }
        }
        Flush();
        return delta;

        void Flush()
        {
            if (text.Length > 0)
            {
                delta.Add(DeltaOp.Inserted(text.ToString(), formats.ToAttributes(Store)));
                text.Clear();
            }
        }
    }

    /// <summary>The characters, without embeds and formats.</summary>
    public override string ToString()
    {
        if (!IsAlive)
        {
            return "";
        }
        var chars = ArrayPool<char>.Shared.Rent(Length);
        var used = 0;
        for (var handle = Store.Branches[Branch].Start; handle != 0;)
        {
            ref readonly var item = ref Store.Items.Peek(handle);
            if (item.IsVisible && item.Kind == ContentKind.String)
            {
                Store.TextOf(handle).CopyTo(chars.AsSpan(used));
                used += item.Length;
            }
            handle = item.Right;
        }
        var text = new string(chars, 0, used);
        ArrayPool<char>.Shared.Return(chars);
        return text;
    }

    public override object? ToJson() => ToString();

    private protected override void WritePreliminary(Transaction transaction)
    {
        var actions = preliminary;
        preliminary = null;
        actions?.ForEach(action => action(this));
    }

    private protected YText CloneInto(YText clone)
    {
        if (IsAlive)
        {
            clone.ApplyDelta([.. ToDelta().Select(static op => op.Insert is YType type ? DeltaOp.Inserted(type.Clone(), op.Attributes) : op)]);
            foreach (var (key, value) in GetAttributes())
            {
                clone.SetAttribute(key, value is YType type ? type.Clone() : value);
            }
        }
        return clone;
    }

    private void InsertPlain(int index, string text)
    {
        var transaction = Begin(out var isOuter);
        try
        {
            TextEditor.InsertPlain(transaction, Branch, index, text);
        }
        finally
        {
            Doc!.End(transaction, isOuter);
        }
    }

    // Methods of their own: a lambda in the method that types would cost an allocation there, used or not.
    private void Postpone(int index, string text, IReadOnlyDictionary<string, object?>? attributes) => Postpone(self => self.Insert(index, text, attributes));

    private void Postpone(int index, int length) => Postpone(self => self.Delete(index, length));

    private bool Postpone(Action<YText> action)
    {
        preliminary?.Add(action);
        return preliminary is not null;
    }

    private void CheckIndex(int index, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - index);
    }
}
