namespace Demiurge.Core.Crdt;

/// <summary>Writes structs straight from the store, in either format. Source: <c>writeClientsStructs</c> in <c>yjs/src/utils/encoding.js</c>.</summary>
internal static class UpdateWriter
{
    /// <summary>Everything from given clocks on. Clients with the highest id come first: their structs are the likeliest to need no conflict scan.</summary>
    public static void WriteStructs<T>(T encoder, StructStore store, StateVector from) where T : struct, IUpdateEncoder
    {
        var clients = store.ClientsHighestFirst();
        clients.RemoveAll(client => from.TryGetValue(client.Id, out var clock) && client.State <= clock);
        encoder.Rest.WriteVarUint((uint)clients.Count);
        foreach (var client in clients)
        {
            WriteClient(encoder, store, client, from.GetValueOrDefault(client.Id));
        }
    }

    /// <summary>What a transaction added.</summary>
    public static void WriteStructs<T>(T encoder, Transaction transaction) where T : struct, IUpdateEncoder
    {
        var store = transaction.Doc.Store;
        var touched = transaction.Touched;
        encoder.Rest.WriteVarUint((uint)touched.Count);
        if (touched.Count == 1)
        {
            WriteClient(encoder, store, store.Clients[touched[0].Client], touched[0].Before);
            return;
        }
        foreach (var (client, before, _) in HighestFirst(touched, store))
        {
            WriteClient(encoder, store, store.Clients[client], before);
        }
    }

    // A method of its own: the lambda would cost an allocation in the one above, used or not.
    private static IEnumerable<TouchedClient> HighestFirst(List<TouchedClient> touched, StructStore store) =>
        touched.OrderByDescending(one => store.Clients[one.Client].Id);

    private static void WriteClient<T>(T encoder, StructStore store, ClientBlocks client, int clock) where T : struct, IUpdateEncoder =>
        WriteClient(encoder, store, client, clock, client.Count);

    /// <summary>Structs of one client from a clock on, up to a position.</summary>
    public static void WriteClient<T>(T encoder, StructStore store, ClientBlocks client, int clock, int end) where T : struct, IUpdateEncoder
    {
        var first = client.Find(clock);
        encoder.Rest.WriteVarUint((uint)(end - first));
        encoder.WriteClient(client.Id);
        encoder.Rest.WriteVarUint((uint)clock);
        WriteStruct(encoder, store, ref store.Items[client[first]], clock - client.ClockAt(first));
        for (var position = first + 1; position < end; position++)
        {
            WriteStruct(encoder, store, ref store.Items[client[position]], 0);
        }
    }

    private static void WriteStruct<T>(T encoder, StructStore store, ref Item item, int offset) where T : struct, IUpdateEncoder
    {
        if (item.IsGc)
        {
            encoder.WriteInfo((byte)ContentKind.Gc);
            encoder.WriteLength(item.Length - offset);
            return;
        }
        var origin = offset > 0 ? new ItemId(item.Client, item.Clock + offset - 1) : new ItemId(item.OriginClient, item.OriginClock);
        var hasOrigin = origin.Client >= 0;
        var hasRightOrigin = item.RightOriginClient >= 0;
        encoder.WriteInfo((byte)((int)item.Kind | (hasOrigin ? 0x80 : 0) | (hasRightOrigin ? 0x40 : 0) | (item.Key >= 0 ? 0x20 : 0)));
        if (hasOrigin)
        {
            encoder.WriteLeftId(store.Clients[origin.Client].Id, origin.Clock);
        }
        if (hasRightOrigin)
        {
            encoder.WriteRightId(store.Clients[item.RightOriginClient].Id, item.RightOriginClock);
        }
        if (!hasOrigin && !hasRightOrigin)
        {
            WriteParent(encoder, store, ref item);
        }
        WriteContent(encoder, store, ref item, offset);
    }

    private static void WriteParent<T>(T encoder, StructStore store, ref Item item) where T : struct, IUpdateEncoder
    {
        ref var parent = ref store.Branches[item.Parent];
        if (parent.Item == 0)
        {
            encoder.WriteParentInfo(true);
            encoder.WriteString(store.Names[parent.Name]);
        }
        else
        {
            ref var holder = ref store.Items[parent.Item];
            encoder.WriteParentInfo(false);
            encoder.WriteLeftId(store.Clients[holder.Client].Id, holder.Clock);
        }
        if (item.Key >= 0)
        {
            encoder.WriteString(store.Names[item.Key]);
        }
    }

    private static void WriteContent<T>(T encoder, StructStore store, ref Item item, int offset) where T : struct, IUpdateEncoder
    {
        switch (item.Kind)
        {
            case ContentKind.Deleted:
                encoder.WriteLength(item.Length - offset);
                break;
            case ContentKind.String:
                encoder.WriteString(store.Chars[item.A + offset, item.Length - offset]);
                break;
            case ContentKind.Json:
                encoder.WriteLength(item.Length - offset);
                for (var texts = new LibDecoder(store.ValuesFrom(ref item, offset)); !texts.IsAtEnd;)
                {
                    encoder.WriteUtf8(texts.ReadVarBytes());
                }
                break;
            case ContentKind.Any:
                encoder.WriteLength(item.Length - offset);
                encoder.Rest.WriteBytes(store.ValuesFrom(ref item, offset));
                break;
            case ContentKind.Binary:
                encoder.Rest.WriteVarBytes(store.Bytes[item.A, item.B]);
                break;
            case ContentKind.Embed when T.WritesAny:
                AnyJson.WriteAny(encoder.Rest, store.Bytes[item.A, item.B]);
                break;
            case ContentKind.Embed:
                encoder.Rest.WriteVarBytes(store.Bytes[item.A, item.B]);
                break;
            case ContentKind.Doc:
                var doc = new LibDecoder(store.Bytes[item.A, item.B]);
                encoder.WriteUtf8(doc.ReadVarBytes());
                encoder.Rest.WriteBytes(doc.ReadBytes(doc.Remaining));
                break;
            case ContentKind.Format:
                encoder.WriteKey(store.Names[item.A]);
                if (T.WritesAny)
                {
                    encoder.Rest.WriteBytes(store.AnyValue(item.B));
                }
                else
                {
                    encoder.Rest.WriteVarString(store.Values[item.B]);
                }
                break;
            case ContentKind.Type:
                ref var branch = ref store.Branches[item.A];
                encoder.WriteTypeRef((byte)branch.Kind);
                if (branch.Name >= 0)
                {
                    encoder.WriteKey(store.Names[branch.Name]);
                }
                break;
        }
    }
}
