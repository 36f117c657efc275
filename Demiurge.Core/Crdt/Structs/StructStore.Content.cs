using System.Text;
using System.Text.Unicode;

namespace Demiurge.Core.Crdt;

/// <summary>The part of the store that knows what items hold.</summary>
internal sealed partial class StructStore
{
    private const char Replacement = '\uFFFD';

    /// <summary>
    /// Where in the run that begins with an id a value lies: the one that was appended last. Encoding the change that appended it starts
    /// there instead of walking over all values before it. Stays true whatever happens: once integrated, the values of an id never change.
    /// </summary>
    private (ItemId Run, int Index, int Offset) lastAppended = (new(-1, 0), 0, 0);

    /// <summary>Copies the content of a decoded struct into the store.</summary>
    private void TakeContent(ref Item item, ref StructRef source, ReadOnlySpan<byte> update)
    {
        var decoder = new LibDecoder(update[source.ContentStart..source.End]);
        switch (source.Kind)
        {
            case ContentKind.String:
                var utf8 = decoder.ReadVarStringBytes();
                Utf8.ToUtf16(utf8, Chars.Append(source.Length, out item.A), out _, out _);
                break;
            case ContentKind.Json or ContentKind.Any:
                decoder.ReadVarUint();
                StoreBytes(ref item, decoder.ReadBytes(decoder.Remaining));
                break;
            case ContentKind.Binary or ContentKind.Embed:
                StoreBytes(ref item, decoder.ReadVarBytes());
                break;
            case ContentKind.Doc:
                StoreBytes(ref item, decoder.ReadBytes(decoder.Remaining));
                break;
            case ContentKind.Format:
                item.A = Names.Add(decoder.ReadVarBytes());
                item.B = AddValue(decoder.ReadVarBytes());
                break;
            case ContentKind.Type:
                var kind = (BranchKind)decoder.ReadVarUint();
                item.A = CreateBranch(kind, kind is BranchKind.XmlElement or BranchKind.XmlHook ? Names.Add(decoder.ReadVarBytes()) : -1);
                break;
        }
    }

    public void StoreBytes(ref Item item, ReadOnlySpan<byte> content)
    {
        content.CopyTo(Bytes.Append(content.Length, out item.A));
        item.B = content.Length;
    }

    /// <summary>Forgets the first clocks of content that has not been integrated.</summary>
    private void SkipContent(ref Item item, int count)
    {
        var rest = item;
        rest.Length = item.Length - count;
        SplitContent(ref item, ref rest, count);
        if (item.Kind == ContentKind.String)
        {
            Chars.Discard(count, false);
        }
        else if (item.Kind is ContentKind.Any or ContentKind.Json)
        {
            Bytes.Discard(item.B, false);
        }
        item = rest;
    }

    /// <summary>Gives the content from <paramref name="length"/> on to <paramref name="right"/>, which is a copy of <paramref name="left"/>.</summary>
    private void SplitContent(ref Item left, ref Item right, int length)
    {
        switch (left.Kind)
        {
            case ContentKind.String:
                if ((left.Flags & ItemFlags.Slack) != 0)
                {
                    Chars.Discard(RunHeap<char>.Capacity(left.Length) - left.Length, false);
                }
                right.A = left.A + length;
                if (char.IsHighSurrogate(Chars[left.A + length - 1, 1][0]))
                {
                    if (views.Any)
                    {
                        // Somebody may be reading the run: it is written to elsewhere.
                        Chars.Append(left.Length, out var copy);
                        Chars[left.A, left.Length].CopyTo(Chars[copy, left.Length]);
                        Chars.Discard(left.Length, false);
                        (left.A, right.A) = (copy, copy + length);
                    }
                    // Half a character can't be encoded, and yjs replaces both halves.
                    Chars[left.A + length - 1, 2].Fill(Replacement);
                }
                break;
            case ContentKind.Any or ContentKind.Json:
                if ((left.Flags & ItemFlags.Slack) != 0)
                {
                    Bytes.Discard(RunHeap<byte>.Capacity(left.B) - left.B, false);
                }
                var size = SizeOf(left, length);
                right.A = left.A + size;
                right.B = left.B - size;
                left.B = size;
                break;
        }
        left.Flags &= ~ItemFlags.Slack;
        right.Flags &= ~ItemFlags.Slack;
    }

    /// <summary>Bytes taken by the first <paramref name="count"/> values.</summary>
    private int SizeOf(in Item item, int count)
    {
        var decoder = new LibDecoder(Bytes[item.A, item.B]);
        SkipValues(ref decoder, item.Kind, count);
        return decoder.Position;
    }

    /// <summary>The encoded values of an integrated item from an index on.</summary>
    public ReadOnlySpan<byte> ValuesFrom(ref Item item, int index)
    {
        var (run, known, offset) = lastAppended;
        if (run != new ItemId(item.Client, item.Clock) || known > index)
        {
            (known, offset) = (0, 0);
        }
        var decoder = new LibDecoder(Bytes[item.A + offset, item.B - offset]);
        SkipValues(ref decoder, item.Kind, index - known);
        return decoder.ReadBytes(decoder.Remaining);
    }

    private static void SkipValues(ref LibDecoder decoder, ContentKind kind, int count)
    {
        for (; count > 0; count--)
        {
            if (kind == ContentKind.Json)
            {
                decoder.ReadVarBytes();
            }
            else
            {
                AnyCodec.Skip(ref decoder);
            }
        }
    }

    /// <summary>Joins the content of two neighbours that <see cref="CanMerge"/>; lengths are left to the caller.</summary>
    private void JoinContent(ref Item left, ref Item right)
    {
        var slack = (left.Flags & ItemFlags.Slack) != 0;
        var rightSlack = (right.Flags & ItemFlags.Slack) != 0;
        if (left.Kind == ContentKind.String)
        {
            Chars.Join(ref left.A, left.Length, ref slack, right.A, right.Length, rightSlack);
        }
        else if (left.Kind is ContentKind.Any or ContentKind.Json)
        {
            lastAppended = (new(left.Client, left.Clock), left.Length, left.B);
            Bytes.Join(ref left.A, left.B, ref slack, right.A, right.B, rightSlack);
            left.B += right.B;
        }
        left.Flags = slack ? left.Flags | ItemFlags.Slack : left.Flags & ~ItemFlags.Slack;
    }

    /// <summary>Drops what an item holds; a shared type is the caller's affair.</summary>
    private void DropContent(ref Item item)
    {
        var slack = (item.Flags & ItemFlags.Slack) != 0;
        switch (item.Kind)
        {
            case ContentKind.String:
                Chars.Discard(item.Length, slack);
                break;
            case ContentKind.Any or ContentKind.Json or ContentKind.Binary or ContentKind.Embed or ContentKind.Doc:
                Bytes.Discard(item.B, slack);
                break;
        }
        item.A = item.B = 0;
        item.Flags &= ~ItemFlags.Slack;
    }

    /// <summary>Gives an item that is being created the same content as another; a shared type becomes an empty one of its kind.</summary>
    public void CopyContent(ref Item source, ref Item target)
    {
        switch (source.Kind)
        {
            case ContentKind.String:
                var chars = Chars.Append(source.Length, out target.A);
                Chars[source.A, source.Length].CopyTo(chars);
                break;
            case ContentKind.Any or ContentKind.Json or ContentKind.Binary or ContentKind.Embed or ContentKind.Doc:
                var bytes = Bytes.Append(source.B, out target.A);
                Bytes[source.A, source.B].CopyTo(bytes);
                target.B = source.B;
                break;
            case ContentKind.Type:
                ref var branch = ref Branches[source.A];
                target.A = CreateBranch(branch.Kind, branch.Name);
                break;
            default:
                target.A = source.A;
                target.B = source.B;
                break;
        }
    }

    public ReadOnlySpan<char> TextOf(int item) => Chars[Items.Peek(item).A, Items.Peek(item).Length];

    /// <summary>One value of a countable item, other than a shared type.</summary>
    public object? ReadValue(ref Item item, int index)
    {
        switch (item.Kind)
        {
            case ContentKind.Any:
                var any = new LibDecoder(Bytes[item.A, item.B]);
                SkipValues(ref any, item.Kind, index);
                return AnyCodec.Read(ref any);
            case ContentKind.Json:
                var json = new LibDecoder(Bytes[item.A, item.B]);
                SkipValues(ref json, item.Kind, index);
                return ReadJson(ref json);
            case ContentKind.String:
                return Chars[item.A + index, 1].ToString();
            case ContentKind.Binary:
                return Bytes[item.A, item.B].ToArray();
            case ContentKind.Embed:
                return JsonCodec.Read(Bytes[item.A, item.B]);
            default:
                return null;
        }
    }

    /// <summary>All values of a countable item, other than a shared type.</summary>
    public void ReadValues(ref Item item, List<object?> values)
    {
        if (item.Kind is ContentKind.Any or ContentKind.Json)
        {
            var decoder = new LibDecoder(Bytes[item.A, item.B]);
            for (var i = 0; i < item.Length; i++)
            {
                values.Add(item.Kind == ContentKind.Any ? AnyCodec.Read(ref decoder) : ReadJson(ref decoder));
            }
            return;
        }
        for (var i = 0; i < item.Length; i++)
        {
            values.Add(ReadValue(ref item, i));
        }
    }

    private static object? ReadJson(ref LibDecoder decoder)
    {
        var text = decoder.ReadVarBytes();
        return text.SequenceEqual("undefined"u8) ? null : JsonCodec.Read(text);
    }

    /// <summary>Rewrites the heaps without what has been left behind, when that is most of them.</summary>
    public void CompactHeaps()
    {
        if (views.Any)
        {
            // Every item would have to be copied, too.
            return;
        }
        if (Chars.ShouldCompact)
        {
            Chars.BeginCompaction(out var old);
            foreach (var client in Clients)
            {
                for (var position = 0; position < client.Count; position++)
                {
                    ref var item = ref Items[client[position]];
                    if (item.Kind == ContentKind.String)
                    {
                        old.AsSpan(item.A, item.Length).CopyTo(Chars.Append(item.Length, out item.A));
                        item.Flags &= ~ItemFlags.Slack;
                    }
                }
            }
        }
        if (Bytes.ShouldCompact)
        {
            Bytes.BeginCompaction(out var old);
            foreach (var client in Clients)
            {
                for (var position = 0; position < client.Count; position++)
                {
                    ref var item = ref Items[client[position]];
                    if (item.Kind is ContentKind.Any or ContentKind.Json or ContentKind.Binary or ContentKind.Embed or ContentKind.Doc)
                    {
                        old.AsSpan(item.A, item.B).CopyTo(Bytes.Append(item.B, out item.A));
                        item.Flags &= ~ItemFlags.Slack;
                    }
                }
            }
        }
    }
}
