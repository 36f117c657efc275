using System.Text;
using System.Text.Json;

namespace Demiurge.Core.Crdt;

/// <summary>The id of one clock of one client: of a character, an element, a type.</summary>
public readonly record struct StructId(ulong Client, int Clock);

/// <summary>An index in a type as it is now, found from a <see cref="RelativePosition"/>. In UTF-16 units for texts, in elements for lists.</summary>
public sealed record AbsolutePosition(YType Type, int Index, int Assoc);

/// <summary>
/// A place in a text or a list that moves with what is around it: tied to the character or element behind it, or with a negative <see cref="Assoc"/> to the
/// one before it, or to an end of the type. Immutable; the methods that take a type or a document follow their thread rules. Source: <c>yjs/src/utils/RelativePosition.js</c>.
/// </summary>
public sealed record RelativePosition
{
    /// <summary>The item that holds the type, for a place at an end of a type that is no root.</summary>
    public StructId? Type { get; init; }

    /// <summary>Name of the root, for a place at an end of one.</summary>
    public string? TypeName { get; init; }

    /// <summary>What the place is tied to; null at an end of a type.</summary>
    public StructId? Item { get; init; }

    /// <summary>Negative: tied to what stands before the place, or to the beginning of the type. Otherwise: to what stands behind it, or to the end.</summary>
    public int Assoc { get; init; }

    /// <summary>The position of an index.</summary>
    /// <param name="type">A text, array or XML fragment that is in a document.</param>
    /// <param name="index">UTF-16 units or elements from the start; beyond the end it means the end.</param>
    /// <param name="assoc">See <see cref="Assoc"/>.</param>
    /// <exception cref="InvalidOperationException">The type is in no document, or has been deleted.</exception>
    public static RelativePosition CreateRelativePositionFromTypeIndex(YType type, int index, int assoc = 0)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (!type.IsAlive)
        {
            throw new InvalidOperationException("Only a type that is in a document has positions.");
        }
        var store = type.Store;
        if (assoc < 0)
        {
            if (index == 0)
            {
                return Of(type, null, assoc);
            }
            index--;
        }
        for (var handle = store.Branches[type.Branch].Start; handle != 0; handle = store.Items[handle].Right)
        {
            ref var item = ref store.Items[handle];
            if (item.IsVisible)
            {
                if (item.Length > index)
                {
                    return Of(type, new(store.Clients[item.Client].Id, item.Clock + index), assoc);
                }
                index -= item.Length;
            }
            if (item.Right == 0 && assoc < 0)
            {
                return Of(type, new(store.Clients[item.Client].Id, item.End - 1), assoc);
            }
        }
        return Of(type, null, assoc);
    }

    /// <exception cref="CrdtDecodingException">The bytes are malformed.</exception>
    public static RelativePosition DecodeRelativePosition(ReadOnlySpan<byte> bytes)
    {
        var decoder = new LibDecoder(bytes);
        StructId? type = null, item = null;
        string? name = null;
        switch (decoder.ReadVarUint())
        {
            case 0:
                item = new(decoder.ReadVarUint(), decoder.ReadVarInt32());
                break;
            case 1:
                name = decoder.ReadVarString();
                break;
            case 2:
                type = new(decoder.ReadVarUint(), decoder.ReadVarInt32());
                break;
            default:
                throw new CrdtDecodingException("A relative position of an unknown kind.");
        }
        var assoc = decoder.IsAtEnd ? 0 : decoder.ReadVarInt();
        if (Math.Abs(assoc) > int.MaxValue)
        {
            throw new CrdtDecodingException("Association out of range.");
        }
        return new() { Type = type, TypeName = name, Item = item, Assoc = (int)assoc };
    }

    /// <summary>Reads what <see cref="ToJson"/> or <c>JSON.stringify</c> in JavaScript has written.</summary>
    /// <exception cref="CrdtDecodingException">The text is not a relative position.</exception>
    public static RelativePosition CreateRelativePositionFromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new()
            {
                Type = ReadId(root, "type"),
                TypeName = Member(root, "tname") is { ValueKind: JsonValueKind.String } name ? name.GetString() : null,
                Item = ReadId(root, "item"),
                Assoc = Member(root, "assoc") is { ValueKind: JsonValueKind.Number } assoc ? assoc.GetInt32() : 0,
            };
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CrdtDecodingException("Not a relative position: " + exception.Message, exception);
        }
    }

    /// <summary>Whether two positions are the same one; null is equal to null only.</summary>
    public static bool CompareRelativePositions(RelativePosition? a, RelativePosition? b) => Equals(a, b);

    /// <exception cref="InvalidOperationException">The position says neither item nor type.</exception>
    public byte[] EncodeRelativePosition()
    {
        using var encoder = new LibEncoder(32);
        if (Item is { } item)
        {
            encoder.WriteByte(0);
            WriteId(encoder, item);
        }
        else if (TypeName is not null)
        {
            encoder.WriteByte(1);
            encoder.WriteVarString(TypeName);
        }
        else if (Type is { } type)
        {
            encoder.WriteByte(2);
            WriteId(encoder, type);
        }
        else
        {
            throw new InvalidOperationException("The position says neither item nor type.");
        }
        encoder.WriteVarInt((ulong)Math.Abs((long)Assoc), Assoc < 0);
        return encoder.ToArray();
    }

    /// <summary>As <c>relativePositionToJSON</c> writes it: members that are null are left out.</summary>
    public string ToJson()
    {
        var members = new List<KeyValuePair<string, object?>>();
        if (Type is { } type)
        {
            members.Add(new("type", Of(type)));
        }
        if (!string.IsNullOrEmpty(TypeName))
        {
            members.Add(new("tname", TypeName));
        }
        if (Item is { } item)
        {
            members.Add(new("item", Of(item)));
        }
        members.Add(new("assoc", Assoc));
        return JsonCodec.Write(members);

        static KeyValuePair<string, object?>[] Of(StructId id) => [new("client", (double)id.Client), new("clock", id.Clock)];
    }

    /// <summary>Where the position is now.</summary>
    /// <param name="doc">The document.</param>
    /// <param name="followUndoneDeletions">
    /// Whether what was deleted and brought back by undo counts as the same thing. Only the replica that did the undo knows: for a result that is the same everywhere say false.
    /// </param>
    /// <returns>Null when the document lacks, or has collected, what the position is tied to.</returns>
    /// <exception cref="InvalidOperationException">The position says neither item nor type.</exception>
    public AbsolutePosition? CreateAbsolutePosition(YDoc doc, bool followUndoneDeletions = true)
    {
        ArgumentNullException.ThrowIfNull(doc);
        var store = doc.Store;
        if (Item is { } id)
        {
            if (Resolve(store, id, followUndoneDeletions) is not (> 0 and var handle, var offset) || store.Items[handle].IsGc)
            {
                return null;
            }
            ref var item = ref store.Items[handle];
            var index = 0;
            if (!store.IsBranchDeleted(item.Parent))
            {
                index = item.IsVisible ? offset + (Assoc >= 0 ? 0 : 1) : 0;
                for (var left = item.Left; left != 0; left = store.Items[left].Left)
                {
                    index += store.Items[left].IsVisible ? store.Items[left].Length : 0;
                }
            }
            return new(doc.TypeOf(item.Parent), index, Assoc);
        }
        int branch;
        if (TypeName is not null)
        {
            branch = store.Root(store.Names.Add(TypeName));
        }
        else if (Type is { } typeId)
        {
            if (Resolve(store, typeId, followUndoneDeletions) is not (> 0 and var handle, _) || store.Items[handle].Kind != ContentKind.Type)
            {
                return null;
            }
            branch = store.Items[handle].A;
        }
        else
        {
            throw new InvalidOperationException("The position says neither item nor type.");
        }
        return new(doc.TypeOf(branch), Assoc >= 0 ? store.Branches[branch].Length : 0, Assoc);
    }

    private static RelativePosition Of(YType type, StructId? item, int assoc)
    {
        var store = type.Store;
        ref var branch = ref store.Branches[type.Branch];
        if (branch.Item == 0)
        {
            return new() { TypeName = store.Names[branch.Name], Item = item, Assoc = assoc };
        }
        ref var holder = ref store.Items[branch.Item];
        return new() { Type = new(store.Clients[holder.Client].Id, holder.Clock), Item = item, Assoc = assoc };
    }

    /// <summary>The item that holds an id, or that undo has put in its place, and how far into it; 0 when the document lacks it.</summary>
    private static (int Handle, int Offset) Resolve(StructStore store, StructId id, bool followUndoneDeletions)
    {
        if (store.FindClient(id.Client) is not { } client || client.State <= id.Clock || id.Clock < 0)
        {
            return (0, 0);
        }
        var next = new ItemId(client.Index, id.Clock);
        while (true)
        {
            var handle = store.Find(next);
            var offset = next.Clock - store.Items[handle].Clock;
            if (!followUndoneDeletions || !store.Redone.TryGetValue(handle, out var copy))
            {
                return (handle, offset);
            }
            next = copy with { Clock = copy.Clock + offset };
        }
    }

    private static void WriteId(LibEncoder encoder, StructId id)
    {
        encoder.WriteVarUint(id.Client);
        encoder.WriteVarUint((uint)id.Clock);
    }

    private static JsonElement? Member(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static StructId? ReadId(JsonElement json, string name)
    {
        if (Member(json, name) is not { } id)
        {
            return null;
        }
        var (client, clock) = (id.GetProperty("client").GetUInt64(), id.GetProperty("clock").GetInt32());
        return client <= LibDecoder.MaxInteger && clock >= 0 ? new(client, clock) : throw new FormatException("an id is out of range.");
    }
}
