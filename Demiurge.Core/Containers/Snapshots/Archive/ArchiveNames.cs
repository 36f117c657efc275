using System.Formats.Tar;
using System.Globalization;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>
/// Decides, entry by entry, what may be unpacked: names below the archive's volumes, nothing through a symbolic link of the archive, hard
/// links only to the same volume, no devices. Symbolic links themselves may say what they like, as they may in a container. One walk an instance.
/// </summary>
internal sealed class ArchiveNames
{
    private const string Root = "volumes";

    private readonly HashSet<string> symbolicLinks = [];

    public static string Folder(int volume) => $"{Root}/{volume.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The volume and the name below it, and for links what they point to.</summary>
    /// <exception cref="SnapshotArchiveException">It must not be unpacked.</exception>
    public (int Volume, string Name, string? Link) Checked(TarEntry entry, int volumes)
    {
        var name = entry.Name.EndsWith('/') ? entry.Name[..^1] : entry.Name;
        var (volume, below) = Place(name, entry.Name, volumes);
        switch (entry.EntryType)
        {
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.Directory or TarEntryType.Fifo:
                return below.Length == 0 && entry.EntryType != TarEntryType.Directory ? throw Outside(entry.Name) : (volume, below, null);
            case TarEntryType.SymbolicLink:
                if (below.Length == 0)
                    throw Outside(entry.Name);
                symbolicLinks.Add(name);
                return (volume, below, entry.LinkName);
            case TarEntryType.HardLink:
                var (linked, target) = Place(entry.LinkName, entry.LinkName, volumes);
                return linked != volume || target.Length == 0 || below.Length == 0
                    ? throw new SnapshotArchiveException($"{entry.Name} is a link out of its volume, to {entry.LinkName}.")
                    : (volume, below, target);
            default:
                throw new SnapshotArchiveException($"{entry.Name} is of a kind that isn't restored ({entry.EntryType}).");
        }
    }

    private (int Volume, string Below) Place(string name, string told, int volumes)
    {
        var parts = name.Split('/');
        if (parts.Length < 2 || parts[0] != Root || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var volume)
            || volume >= volumes || parts[1] != volume.ToString(CultureInfo.InvariantCulture))
        {
            throw Outside(told);
        }
        foreach (var part in parts)
        {
            if (part is "" or "." or ".." || part.Contains('\0', StringComparison.Ordinal))
                throw Outside(told);
        }
        var end = Root.Length + 1 + parts[1].Length;
        for (var slash = name.IndexOf('/', Math.Min(end + 1, name.Length)); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            if (symbolicLinks.Contains(name[..slash]))
                throw new SnapshotArchiveException($"{told} leads through a symbolic link.");
        }
        return (volume, end < name.Length ? name[(end + 1)..] : "");
    }

    private static SnapshotArchiveException Outside(string name) => new($"{name} lies outside of the snapshot's volumes.");
}
