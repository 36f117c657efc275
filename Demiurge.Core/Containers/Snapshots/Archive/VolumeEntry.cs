using System.Formats.Tar;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>An entry of a volume.</summary>
/// <param name="Name">Below the volume, without slashes at the ends; empty for the volume itself.</param>
/// <param name="Link">Of a symbolic link what it says, of a hard link another name below the volume.</param>
internal sealed record VolumeEntry(string Name, string? Link)
{
    public static bool IsFile(TarEntry entry) => entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile;

    /// <summary>
    /// From an engine's tar of a folder, in which all names begin with the folder's own. Null for what isn't kept: devices, which no
    /// container of ours can make.
    /// </summary>
    /// <exception cref="SnapshotArchiveException">The name can't be kept.</exception>
    public static VolumeEntry? OfEngine(TarEntry entry) => entry.EntryType switch
    {
        _ when IsFile(entry) => new VolumeEntry(Below(entry.Name), null),
        TarEntryType.Directory or TarEntryType.Fifo => new VolumeEntry(Below(entry.Name), null),
        TarEntryType.SymbolicLink => new VolumeEntry(Below(entry.Name), Readable(entry.LinkName)),
        TarEntryType.HardLink => new VolumeEntry(Below(entry.Name), Below(entry.LinkName)),
        TarEntryType.CharacterDevice or TarEntryType.BlockDevice => null,
        _ => throw new SnapshotArchiveException($"{entry.Name} is of a kind that can't be kept ({entry.EntryType})."),
    };

    private static string Below(string name)
    {
        name = Readable(name).Trim('/');
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? "" : name[(slash + 1)..];
    }

    private static string Readable(string name) => name.Contains('\uFFFD', StringComparison.Ordinal)
        ? throw new SnapshotArchiveException($"The name of {name} isn't UTF-8. Rename that file in the container, then try again.")
        : name;
}
