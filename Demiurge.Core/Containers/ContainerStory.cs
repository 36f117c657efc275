using Demiurge.Core.Persistence;

namespace Demiurge.Core.Containers;

/// <summary>Adds to a container's story, in the unit of work of the change that it tells of.</summary>
internal static class ContainerStory
{
    /// <summary>Entries kept of each container.</summary>
    public const int Longest = 500;

    public static void Tell(DemiurgeDbContext db, Guid containerId, DateTimeOffset at, string kind, string text) =>
        db.Add(new ContainerEvent { ContainerId = containerId, At = at, Kind = kind, Text = text.Length > 1000 ? text[..1000] : text });
}
