namespace Demiurge.Core.Containers.Snapshots.Stores;

/// <summary>The stores by the location's first word (<c>disk:…</c>, <c>s3:…</c>). Immutable.</summary>
public sealed class SnapshotStores(IEnumerable<ISnapshotStore> stores, string current)
{
    private readonly Dictionary<string, ISnapshotStore> byKind = stores.ToDictionary(store => store.Kind);

    /// <summary>Where new snapshots go.</summary>
    public ISnapshotStore Current => byKind[current];

    public IEnumerable<ISnapshotStore> All => byKind.Values;

    public static string LocationOf(ISnapshotStore store, string key) => $"{store.Kind}:{key}";

    /// <summary>The store of a location, and the key there.</summary>
    /// <exception cref="IOException">The store isn't set up here.</exception>
    public (ISnapshotStore Store, string Key) Of(string location)
    {
        var colon = location.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && byKind.TryGetValue(location[..colon], out var store)
            ? (store, location[(colon + 1)..])
            : throw new IOException($"Snapshots at {location} are in a store that isn't set up any more (Demiurge:Snapshots).");
    }
}
