namespace Demiurge.Core.Crdt;

/// <summary>What undo or redo is about to delete, or collection about to drop: consecutive clocks of one client within one type.</summary>
/// <param name="Id">Which clocks.</param>
/// <param name="Parent">The type that holds them.</param>
/// <param name="ParentKey">The key under which it does; null in a list or text.</param>
/// <param name="Type">The shared type that goes, if it is one.</param>
public readonly record struct DeletionCandidate(ClockRange Id, YType Parent, string? ParentKey, YType? Type)
{
    internal static DeletionCandidate Of(YDoc doc, int handle)
    {
        var store = doc.Store;
        ref var item = ref store.Items[handle];
        return new(
            new(store.Clients[item.Client].Id, item.Clock, item.Length),
            doc.TypeOf(item.Parent),
            item.Key >= 0 ? store.Names[item.Key] : null,
            item.Kind == ContentKind.Type ? doc.TypeOf(item.A) : null);
    }
}
