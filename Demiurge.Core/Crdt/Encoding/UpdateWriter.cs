namespace Demiurge.Core.Crdt;

/// <summary>Writes structs straight from the store in update format v1. Source: <c>writeClientsStructs</c> in <c>yjs/src/utils/encoding.js</c>.</summary>
internal static class UpdateWriter
{
    /// <summary>Everything from given clocks on. Clients with the highest id come first: their structs are the likeliest to need no conflict scan.</summary>
    public static void WriteStructs(LibEncoder encoder, StructStore store, StateVector from)
    {
        var clients = store.ClientsHighestFirst();
        clients.RemoveAll(client => from.TryGetValue(client.Id, out var clock) && client.State <= clock);
        encoder.WriteVarUint((uint)clients.Count);
        foreach (var client in clients)
        {
            WriteClient(encoder, store, client, from.GetValueOrDefault(client.Id));
        }
    }

    /// <summary>What a transaction added.</summary>
    public static void WriteStructs(LibEncoder encoder, Transaction transaction)
    {
        var store = transaction.Doc.Store;
        var touched = transaction.Touched;
        encoder.WriteVarUint((uint)touched.Count);
        if (touched.Count == 1)
        {
            WriteClient(encoder, store, store.Clients[touched[0].Client], touched[0].Before);
            return;
        }
        foreach (var (client, before, _) in touched.OrderByDescending(one => store.Clients[one.Client].Id))
        {
            WriteClient(encoder, store, store.Clients[client], before);
        }
    }

    private static void WriteClient(LibEncoder encoder, StructStore store, ClientBlocks client, int clock)
    {
        var first = client.Find(clock);
        encoder.WriteVarUint((uint)(client.Count - first));
        encoder.WriteVarUint(client.Id);
        encoder.WriteVarUint((uint)clock);
        WriteStruct(encoder, store, ref store.Items[client[first]], clock - client.ClockAt(first));
        for (var position = first + 1; position < client.Count; position++)
        {
            WriteStruct(encoder, store, ref store.Items[client[position]], 0);
        }
    }

    private static void WriteStruct(LibEncoder encoder, StructStore store, ref Item item, int offset)
    {
        if (item.IsGc)
        {
            encoder.WriteByte((byte)ContentKind.Gc);
            encoder.WriteVarUint((uint)(item.Length - offset));
            return;
        }
        var origin = offset > 0 ? new ItemId(item.Client, item.Clock + offset - 1) : new ItemId(item.OriginClient, item.OriginClock);
        var hasOrigin = origin.Client >= 0;
        var hasRightOrigin = item.RightOriginClient >= 0;
        encoder.WriteByte((byte)((int)item.Kind | (hasOrigin ? 0x80 : 0) | (hasRightOrigin ? 0x40 : 0) | (item.Key >= 0 ? 0x20 : 0)));
        if (hasOrigin)
        {
            WriteId(encoder, store, origin.Client, origin.Clock);
        }
        if (hasRightOrigin)
        {
            WriteId(encoder, store, item.RightOriginClient, item.RightOriginClock);
        }
        if (!hasOrigin && !hasRightOrigin)
        {
            WriteParent(encoder, store, ref item);
        }
        WriteContent(encoder, store, ref item, offset);
    }

    private static void WriteParent(LibEncoder encoder, StructStore store, ref Item item)
    {
        ref var parent = ref store.Branches[item.Parent];
        if (parent.Item == 0)
        {
            encoder.WriteByte(1);
            encoder.WriteVarString(store.Names[parent.Name]);
        }
        else
        {
            ref var holder = ref store.Items[parent.Item];
            encoder.WriteByte(0);
            WriteId(encoder, store, holder.Client, holder.Clock);
        }
        if (item.Key >= 0)
        {
            encoder.WriteVarString(store.Names[item.Key]);
        }
    }

    private static void WriteId(LibEncoder encoder, StructStore store, int client, int clock)
    {
        encoder.WriteVarUint(store.Clients[client].Id);
        encoder.WriteVarUint((uint)clock);
    }

    private static void WriteContent(LibEncoder encoder, StructStore store, ref Item item, int offset)
    {
        switch (item.Kind)
        {
            case ContentKind.Deleted:
                encoder.WriteVarUint((uint)(item.Length - offset));
                break;
            case ContentKind.String:
                encoder.WriteVarString(store.Chars[item.A + offset, item.Length - offset]);
                break;
            case ContentKind.Json or ContentKind.Any:
                encoder.WriteVarUint((uint)(item.Length - offset));
                encoder.WriteBytes(store.ValuesFrom(ref item, offset));
                break;
            case ContentKind.Binary or ContentKind.Embed:
                encoder.WriteVarBytes(store.Bytes[item.A, item.B]);
                break;
            case ContentKind.Doc:
                encoder.WriteBytes(store.Bytes[item.A, item.B]);
                break;
            case ContentKind.Format:
                encoder.WriteVarString(store.Names[item.A]);
                encoder.WriteVarString(store.Values[item.B]);
                break;
            case ContentKind.Type:
                ref var branch = ref store.Branches[item.A];
                encoder.WriteByte((byte)branch.Kind);
                if (branch.Name >= 0)
                {
                    encoder.WriteVarString(store.Names[branch.Name]);
                }
                break;
        }
    }
}
