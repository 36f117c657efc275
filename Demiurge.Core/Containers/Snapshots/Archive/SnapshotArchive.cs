using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>What an archive is of; its first entry, <c>demiurge.json</c>.</summary>
/// <param name="Volumes">Absolute paths; the n-th is the folder <c>volumes/n</c>.</param>
public sealed record SnapshotManifest(int Version, Guid ContainerId, string Container, string Template, IReadOnlyList<string> Volumes, DateTimeOffset CreatedAt);

/// <summary>What a walk found.</summary>
/// <param name="Digest">Of the volumes' content; see <see cref="ContentDigest"/>.</param>
internal sealed record ArchiveContent(SnapshotManifest? Manifest, long Bytes, long Entries, string Digest);

/// <summary>
/// The format of a snapshot: a tar under gzip. <c>demiurge.json</c> tells what it is of; after it come the volumes as the folders
/// <c>volumes/0</c>, <c>volumes/1</c> … in the order of the manifest. Everything is streamed; memory doesn't grow with the content.
/// </summary>
internal static class SnapshotArchive
{
    /// <summary>As rows name the format, so that another one can stand beside it.</summary>
    public const string Format = "tar+gzip";

    private const string ManifestName = "demiurge.json";
    private const int ManifestLimit = 1 << 20;
    private const int ManifestVersion = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static SnapshotManifest Describe(Guid containerId, string container, string template, IReadOnlyList<string> volumes, DateTimeOffset at) =>
        new(ManifestVersion, containerId, container, template, volumes, at);

    /// <summary>Writes an archive.</summary>
    /// <param name="output">Not closed.</param>
    /// <param name="readVolume">An engine's tar of the folder with that number.</param>
    /// <param name="progress">Told the unpacked bytes so far, now and then.</param>
    public static async Task<ArchiveContent> Write(
        Stream output, SnapshotManifest manifest, Func<int, CancellationToken, Task<Stream>> readVolume, ArchiveLimits limits, IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        var digest = new ContentDigest();
        long bytes = 0, entries = 0;
        await using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
        await using (var writer = new TarWriter(gzip, TarEntryFormat.Pax, leaveOpen: true))
        {
            using var json = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(manifest, Json));
            await writer.WriteEntryAsync(
                new PaxTarEntry(TarEntryType.RegularFile, ManifestName) { ModificationTime = manifest.CreatedAt, DataStream = json }, cancellationToken);
            for (var volume = 0; volume < manifest.Volumes.Count; volume++)
            {
                await using var tar = await readVolume(volume, cancellationToken);
                var walk = new TarWalk(tar, new ArchiveLimits(limits.Bytes - bytes, limits.Entries - entries));
                await foreach (var entry in walk.Read(cancellationToken))
                {
                    if (VolumeEntry.OfEngine(entry) is not { } found)
                        continue;
                    await Copy(entry, $"{ArchiveNames.Folder(volume)}/{found.Name}", found.Link is null ? null : LinkIn(volume, entry, found.Link), volume, found, writer, digest, cancellationToken);
                    progress?.Report(bytes + walk.Bytes);
                }
                bytes += walk.Bytes;
                entries += walk.Entries;
            }
        }
        return new ArchiveContent(manifest, bytes, entries, digest.ToString());

        static string LinkIn(int volume, TarEntry entry, string link) =>
            entry.EntryType == TarEntryType.HardLink ? $"{ArchiveNames.Folder(volume)}/{link}" : link;
    }

    /// <summary>Walks an archive, refuses what must not be restored, and tells what is in it.</summary>
    /// <param name="input">The stored file; read to its end, not closed.</param>
    public static async Task<ArchiveContent> Check(Stream input, ArchiveLimits limits, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var digest = new ContentDigest();
        SnapshotManifest? manifest = null;
        await using var gzip = new GZipStream(input, CompressionMode.Decompress, leaveOpen: true);
        var walk = new TarWalk(gzip, limits);
        long own = 0;
        var names = new ArchiveNames();
        await foreach (var entry in walk.Read(cancellationToken))
        {
            if (manifest is null)
            {
                manifest = await ReadManifest(entry, cancellationToken);
                own = entry.Length;
                continue;
            }
            var found = names.Checked(entry, manifest.Volumes.Count);
            digest.Add(found.Volume, found.Name, entry, found.Link ?? "", await Hash(entry, cancellationToken));
            progress?.Report(walk.Bytes);
        }
        return manifest is null
            ? throw new SnapshotArchiveException("The archive is empty.")
            : new ArchiveContent(manifest, walk.Bytes - own, walk.Entries - 1, digest.ToString());
    }

    /// <summary>Writes a checked archive's volumes as a tar for the root of a container.</summary>
    /// <param name="paths">Where each volume is mounted.</param>
    public static async Task Unpack(
        Stream input, Stream tar, IReadOnlyList<string> paths, ArchiveLimits limits, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        await using var gzip = new GZipStream(input, CompressionMode.Decompress, leaveOpen: true);
        await using var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true);
        var walk = new TarWalk(gzip, limits);
        var names = new ArchiveNames();
        SnapshotManifest? manifest = null;
        await foreach (var entry in walk.Read(cancellationToken))
        {
            if (manifest is null)
            {
                manifest = await ReadManifest(entry, cancellationToken);
                continue;
            }
            var found = names.Checked(entry, paths.Count);
            var root = paths[found.Volume].Trim('/');
            var link = entry.EntryType == TarEntryType.HardLink ? $"{root}/{found.Link}" : found.Link;
            await Copy(entry, $"{root}/{found.Name}", link, found.Volume, new VolumeEntry(found.Name, found.Link), writer, null, cancellationToken);
            progress?.Report(walk.Bytes);
        }
    }

    /// <summary>What an engine has in volumes now.</summary>
    public static async Task<ArchiveContent> Digest(
        int volumes, Func<int, CancellationToken, Task<Stream>> readVolume, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var digest = new ContentDigest();
        long bytes = 0, entries = 0;
        for (var volume = 0; volume < volumes; volume++)
        {
            await using var tar = await readVolume(volume, cancellationToken);
            var walk = new TarWalk(tar, ArchiveLimits.None);
            await foreach (var entry in walk.Read(cancellationToken))
            {
                if (VolumeEntry.OfEngine(entry) is not { } found)
                    continue;
                digest.Add(volume, found.Name, entry, found.Link ?? "", await Hash(entry, cancellationToken));
                progress?.Report(bytes + walk.Bytes);
            }
            bytes += walk.Bytes;
            entries += walk.Entries;
        }
        return new ArchiveContent(null, bytes, entries, digest.ToString());
    }

    private static async Task<SnapshotManifest> ReadManifest(TarEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Name != ManifestName || entry.DataStream is null || entry.Length > ManifestLimit)
            throw new SnapshotArchiveException($"The archive doesn't begin with {ManifestName}: it is not a snapshot of ours.");
        try
        {
            var manifest = await JsonSerializer.DeserializeAsync<SnapshotManifest>(entry.DataStream, Json, cancellationToken);
            return manifest is { Version: ManifestVersion, Volumes: not null }
                ? manifest
                : throw new SnapshotArchiveException("The snapshot was made by another version of Demiurge that this one can't read.");
        }
        catch (JsonException exception)
        {
            throw new SnapshotArchiveException($"{ManifestName} in the archive can't be read.", inner: exception);
        }
    }

    private static async Task<string?> Hash(TarEntry entry, CancellationToken cancellationToken)
    {
        if (entry.DataStream is not { } data)
            return VolumeEntry.IsFile(entry) ? EmptySha256 : null;
        await using var content = new EntryContent(data, entry.Length);
        await content.CopyToAsync(Stream.Null, cancellationToken);
        return content.Sha256();
    }

    private static string EmptySha256 { get; } = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([]));

    private static async Task Copy(
        TarEntry entry, string name, string? link, int volume, VolumeEntry found, TarWriter writer, ContentDigest? digest, CancellationToken cancellationToken)
    {
        var type = VolumeEntry.IsFile(entry) ? TarEntryType.RegularFile : entry.EntryType;
        if (type == TarEntryType.Directory && !name.EndsWith('/'))
            name += "/";
        var stamp = Stamp(entry.ModificationTime);
        var attributes = new Dictionary<string, string> { ["atime"] = stamp, ["ctime"] = stamp };
        if (entry is PaxTarEntry pax)
        {
            foreach (var (key, value) in pax.ExtendedAttributes)
            {
                // Attributes are kept where they are text; .NET reads all of them as such.
                if (key.StartsWith("SCHILY.xattr.", StringComparison.Ordinal) && !value.Contains('\uFFFD', StringComparison.Ordinal))
                    attributes[key] = value;
            }
        }
        var copy = new PaxTarEntry(type, name, attributes) { Mode = entry.Mode, Uid = entry.Uid, Gid = entry.Gid, ModificationTime = entry.ModificationTime };
        if (link is not null)
            copy.LinkName = link;
        EntryContent? content = null;
        if (type == TarEntryType.RegularFile && entry.DataStream is { } data)
            copy.DataStream = content = new EntryContent(data, entry.Length);
        try
        {
            await writer.WriteEntryAsync(copy, cancellationToken);
        }
        catch (EndOfStreamException exception)
        {
            throw new SnapshotArchiveException($"{name} became shorter while it was read.", passing: true, exception);
        }
        if (content is not null && content.Position != content.Length)
            throw new SnapshotArchiveException($"{name} became shorter while it was read.", passing: true);
        digest?.Add(volume, found.Name, entry, found.Link ?? "", type != TarEntryType.RegularFile ? null : content?.Sha256() ?? EmptySha256);
        content?.Dispose();
    }

    private static string Stamp(DateTimeOffset time) =>
        ((time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / (double)TimeSpan.TicksPerSecond).ToString("0.######", System.Globalization.CultureInfo.InvariantCulture);
}
