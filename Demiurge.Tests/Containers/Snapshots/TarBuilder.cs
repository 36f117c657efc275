using System.Formats.Tar;
using System.Text;

namespace Demiurge.Tests.Containers.Snapshots;

/// <summary>Tars as an engine, or somebody hostile, would make them.</summary>
internal sealed class TarBuilder
{
    private readonly MemoryStream tar = new();
    private readonly TarWriter writer;

    public TarBuilder()
    {
        writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true);
    }

    public TarBuilder Folder(string name, int uid = 1000) => Add(new PaxTarEntry(TarEntryType.Directory, name) { Mode = (UnixFileMode)0x1ED, Uid = uid, Gid = uid });

    public TarBuilder File(string name, string content) => File(name, Encoding.UTF8.GetBytes(content));

    public TarBuilder File(string name, byte[] content) =>
        Add(new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = (UnixFileMode)0x1A4, Uid = 1000, Gid = 1000, DataStream = new MemoryStream(content) });

    public TarBuilder Link(string name, string target) => Add(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });

    public TarBuilder HardLink(string name, string target) => Add(new PaxTarEntry(TarEntryType.HardLink, name) { LinkName = target });

    public TarBuilder Device(string name) => Add(new PaxTarEntry(TarEntryType.CharacterDevice, name) { DeviceMajor = 1, DeviceMinor = 3 });

    public TarBuilder Manifest(params string[] volumes) => File(
        "demiurge.json",
        $$"""{"version":1,"containerId":"{{Guid.Empty}}","container":"c","template":"t","volumes":[{{string.Join(',', volumes.Select(v => $"\"{v}\""))}}],"createdAt":"2026-01-01T00:00:00Z"}""");

    public byte[] Bytes()
    {
        writer.Dispose();
        return tar.ToArray();
    }

    public byte[] Gzip()
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Bytes());
        return packed.ToArray();
    }

    public static async Task<List<(string Name, TarEntryType Type, string Link, string Text)>> Read(Stream tar)
    {
        var entries = new List<(string, TarEntryType, string, string)>();
        await using var reader = new TarReader(tar);
        while (await reader.GetNextEntryAsync() is { } entry)
        {
            using var text = new MemoryStream();
            if (entry.DataStream is { } data)
                await data.CopyToAsync(text);
            entries.Add((entry.Name, entry.EntryType, entry.LinkName, Encoding.UTF8.GetString(text.ToArray())));
        }
        return entries;
    }

    private TarBuilder Add(TarEntry entry)
    {
        writer.WriteEntry(entry);
        return this;
    }
}
