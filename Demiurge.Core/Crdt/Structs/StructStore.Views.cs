namespace Demiurge.Core.Crdt;

/// <summary>
/// The part of the store that lets another thread read while this one writes. A view is a store of its own that shares everything with this one: of
/// items, branches and blocks, the writer copies what it is about to change (<see cref="ChunkedTable{T}"/>, <see cref="ClientBlocks"/>); content, names
/// and values are only ever appended to, so a view sees what was there and ends where it ended.
/// </summary>
internal sealed partial class StructStore
{
    private readonly ViewCount views = new();

    /// <summary>The store as it is now, for one thread to read; give it back by <see cref="Release"/>. Costs a reference for each 256 structs and an object for each client.</summary>
    public StructStore Freeze()
    {
        // The tables ask while they freeze: what an earlier view released need not be copied, what this one takes must be.
        var view = new StructStore
        {
            Items = Items.Freeze(views),
            Branches = Branches.Freeze(views),
            Clients = Clients.ConvertAll(client => client.Freeze(views)),
            Names = Names.Freeze(),
            Values = Values.Freeze(),
            Chars = Chars.Freeze(),
            Bytes = Bytes.Freeze(),
        };
        views.Add();
        return view;
    }

    /// <summary>A view of this store is not read any more. From any thread.</summary>
    public void Release() => views.Release();
}
