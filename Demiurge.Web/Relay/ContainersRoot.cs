using System.Globalization;
using Demiurge.Core.Containers;
using Demiurge.Core.Crdt;

namespace Demiurge.Web.Relay;

/// <summary>
/// The room's root <c>containers</c>: id → Map of what a container is and does, so that any Yjs client sees it. Written by Web's peer alone,
/// from the database; never read back. The fields: <c>name</c>, <c>template</c> (slug), <c>title</c> (the template's name), <c>icon</c>,
/// <c>place</c> (engine, remote), <c>state</c>, <c>reason</c>, <c>progress</c> (0 to 1), <c>owner</c> {id, name}, <c>share</c>, <c>pinned</c>,
/// <c>startedAt</c> (ISO 8601), <c>services</c> [{name, title, url, embeddable, up}]. What is unknown is left out. Never a secret.
/// </summary>
internal static class ContainersRoot
{
    public const string Name = "containers";

    /// <summary>Makes the root say just that, touching only what differs. On the document's thread. False when it did.</summary>
    public static bool Write(YDoc doc, IReadOnlyList<ContainerInfo> containers, object origin)
    {
        var root = doc.GetMap(Name);
        var wanted = containers.ToDictionary(info => info.Id.ToString(), Fields);
        var changes = new List<Action>();
        foreach (var id in root.Keys.Where(id => !wanted.ContainsKey(id)).ToList())
            changes.Add(() => root.Remove(id));
        foreach (var (id, fields) in wanted)
        {
            var entry = root[id] as YMap;
            if (entry is null)
            {
                changes.Add(() =>
                {
                    var fresh = new YMap();
                    root.Set(id, fresh);
                    foreach (var (key, value) in fields)
                        fresh.Set(key, value);
                });
                continue;
            }
            foreach (var key in entry.Keys.Where(key => !fields.ContainsKey(key)).ToList())
                changes.Add(() => entry.Remove(key));
            foreach (var (key, value) in fields)
            {
                if (!Same(entry[key], value))
                    changes.Add(() => entry.Set(key, value));
            }
        }
        if (changes.Count > 0)
            doc.Transact(_ => changes.ForEach(change => change()), origin);
        return changes.Count > 0;
    }

    private static Dictionary<string, object?> Fields(ContainerInfo info)
    {
        var fields = new Dictionary<string, object?>
        {
            ["name"] = info.Name,
            ["template"] = info.Template.Slug,
            ["title"] = info.Template.Name,
            ["icon"] = info.Template.Icon,
            ["place"] = Word(info.Place),
            ["state"] = Word(info.State),
            ["reason"] = info.Reason,
            ["progress"] = info.Progress is { } progress ? Math.Round(progress, 2) : null,
            ["owner"] = new Dictionary<string, object?> { ["id"] = info.OwnerId.ToString(), ["name"] = info.OwnerName },
            ["share"] = Word(info.Share),
            ["pinned"] = info.Pinned,
            ["startedAt"] = info.StartedAt?.ToString("O", CultureInfo.InvariantCulture),
            ["services"] = info.Services.Select(service => (object?)new Dictionary<string, object?>
            {
                ["name"] = service.Name, ["title"] = service.Title, ["url"] = service.Url, ["embeddable"] = service.Embeddable, ["up"] = service.Up,
            }).ToArray(),
        };
        foreach (var key in fields.Where(field => field.Value is null).Select(field => field.Key).ToList())
            fields.Remove(key);
        return fields;
    }

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static bool Same(object? a, object? b) => (a, b) switch
    {
        (IReadOnlyDictionary<string, object?> x, IReadOnlyDictionary<string, object?> y) => x.Count == y.Count && x.All(field => y.TryGetValue(field.Key, out var other) && Same(field.Value, other)),
        (IReadOnlyList<object?> x, IReadOnlyList<object?> y) => x.Count == y.Count && x.Zip(y).All(pair => Same(pair.First, pair.Second)),
        (IConvertible x and not string and not bool, IConvertible y and not string and not bool) => x.ToDouble(CultureInfo.InvariantCulture) == y.ToDouble(CultureInfo.InvariantCulture),
        _ => Equals(a, b),
    };
}
