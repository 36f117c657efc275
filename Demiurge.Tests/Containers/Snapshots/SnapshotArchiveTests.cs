using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Demiurge.Core.Containers.Snapshots.Archive;

namespace Demiurge.Tests.Containers.Snapshots;

public sealed class SnapshotArchiveTests
{
    private static readonly string[] TwoVolumes = ["/home/user", "/var/data"];
    private static readonly string LongName = string.Join('/', Enumerable.Range(0, 12).Select(i => $"a-rather-long-folder-name-{i}"));

    private static byte[] Home => new TarBuilder()
        .Folder("user/").File("user/note.txt", "hello").Folder("user/.cache/").File("user/empty", "").File($"user/{LongName}", "deep")
        .Link("user/python", "/usr/bin/python3").Link("user/up", "../../etc/hosts").HardLink("user/again", "user/note.txt").File("user/grüße.txt", "ä").Bytes();

    private static byte[] Data => new TarBuilder().Folder("data/", uid: 7).File("data/user/note.txt", "other").Bytes();

    [Fact]
    public async Task Archive_OfTwoVolumes_UnpacksToWhatWasThere()
    {
        var (file, written) = await Write(TwoVolumes, Home, Data);

        var check = await SnapshotArchive.Check(new MemoryStream(file), ArchiveLimits.None, null, default);
        Assert.Equal(written.Digest, check.Digest);
        Assert.Equal((written.Entries, written.Bytes), (check.Entries, check.Bytes));
        Assert.Equal(TwoVolumes, check.Manifest!.Volumes);

        using var tar = new MemoryStream();
        await SnapshotArchive.Unpack(new MemoryStream(file), tar, ["/srv/elsewhere", "/d"], ArchiveLimits.None, null, default);
        tar.Position = 0;
        var entries = await TarBuilder.Read(tar);
        Assert.Contains(("srv/elsewhere/", TarEntryType.Directory, "", ""), entries);
        Assert.Contains(("srv/elsewhere/note.txt", TarEntryType.RegularFile, "", "hello"), entries);
        Assert.Contains(("srv/elsewhere/grüße.txt", TarEntryType.RegularFile, "", "ä"), entries);
        Assert.Contains(($"srv/elsewhere/{LongName}", TarEntryType.RegularFile, "", "deep"), entries);
        Assert.Contains(("srv/elsewhere/python", TarEntryType.SymbolicLink, "/usr/bin/python3", ""), entries);
        Assert.Contains(("srv/elsewhere/again", TarEntryType.HardLink, "srv/elsewhere/note.txt", ""), entries);
        Assert.Contains(("d/user/note.txt", TarEntryType.RegularFile, "", "other"), entries);
        Assert.Equal(11, entries.Count);
    }

    [Fact]
    public async Task Digest_OfTheSameFilesInAnotherOrder_IsTheSame_AndOfOthersIsNot()
    {
        var first = new TarBuilder().Folder("u/").File("u/a", "1").File("u/b", "2").Bytes();
        var turned = new TarBuilder().File("u/b", "2").Folder("u/").File("u/a", "1").Bytes();
        var other = new TarBuilder().Folder("u/").File("u/a", "2").File("u/b", "1").Bytes();

        Assert.Equal(await Digest(first), await Digest(turned));
        Assert.NotEqual(await Digest(first), await Digest(other));

        static async Task<string> Digest(byte[] tar) =>
            (await SnapshotArchive.Digest(1, (_, _) => Task.FromResult<Stream>(new MemoryStream(tar)), null, default)).Digest;
    }

    [Fact]
    public async Task Reading_AHugeFile_TakesNoMoreMemory()
    {
        const long length = 1L << 30;
        var head = new TarBuilder().Folder("u/").Bytes()[..^1024];
        using var header = new MemoryStream();
        await using (var writer = new TarWriter(header, TarEntryFormat.Pax, leaveOpen: true))
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "u/huge") { DataStream = new Zeros(1) });
        // The same header for 3 GB.
        var block = header.ToArray();
        var at = block.Length - 1024 - 512 - 512;
        Encoding.ASCII.GetBytes(Convert.ToString(length, 8).PadLeft(11, '0')).CopyTo(block, at + 124);
        Array.Fill(block, (byte)' ', at + 148, 8);
        Encoding.ASCII.GetBytes(Convert.ToString(block.AsSpan(at, 512).ToArray().Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, at + 148);
        await using var tar = new Parts(new MemoryStream(head), new MemoryStream(block[..(at + 512)]), new Zeros(length + 1024));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var found = await SnapshotArchive.Digest(1, (_, _) => Task.FromResult<Stream>(tar), null, default);

        Assert.Equal(length, found.Bytes);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 200 << 20);
    }

    [Fact]
    public async Task Archive_LargerThanAllowed_IsRefused()
    {
        var (file, _) = await Write(["/v"], new TarBuilder().Folder("v/").File("v/bomb", new byte[5 << 20]).Bytes());
        Assert.InRange(file.Length, 0, 100_000);

        var bytes = await Refused(file, new ArchiveLimits(4 << 20, 100));
        var entries = await Refused(file, new ArchiveLimits(1 << 30, 1));

        Assert.Contains("larger than 4 MB", bytes);
        Assert.Contains("more than 1 files", entries);
    }

    public static TheoryData<string, Action<object>, string> Hostile() => new()
    {
        { "climbs", tar => ((TarBuilder)tar).File("volumes/0/../../etc/passwd", "x"), "outside" },
        { "rooted", tar => ((TarBuilder)tar).File("/etc/passwd", "x"), "outside" },
        { "no volume", tar => ((TarBuilder)tar).File("etc/passwd", "x"), "outside" },
        { "missing volume", tar => ((TarBuilder)tar).File("volumes/1/x", "x"), "outside" },
        { "odd number", tar => ((TarBuilder)tar).File("volumes/00/x", "x"), "outside" },
        { "dots", tar => ((TarBuilder)tar).File("volumes/0/./x", "x"), "outside" },
        { "double slash", tar => ((TarBuilder)tar).File("volumes/0//x", "x"), "outside" },
        { "volume as link", tar => ((TarBuilder)tar).Link("volumes/0", "/etc"), "outside" },
        { "volume as file", tar => ((TarBuilder)tar).File("volumes/0", "x"), "outside" },
        { "through a link", tar => ((TarBuilder)tar).Link("volumes/0/a", "/etc").File("volumes/0/a/passwd", "x"), "symbolic link" },
        { "through a deep link", tar => ((TarBuilder)tar).Link("volumes/0/d/a", "..").File("volumes/0/d/a/b/c", "x"), "symbolic link" },
        { "hard link out", tar => ((TarBuilder)tar).HardLink("volumes/0/a", "/etc/shadow"), "outside" },
        { "hard link up", tar => ((TarBuilder)tar).HardLink("volumes/0/a", "volumes/0/../../etc/shadow"), "outside" },
        { "hard link through", tar => ((TarBuilder)tar).Link("volumes/0/l", "/etc").HardLink("volumes/0/a", "volumes/0/l/shadow"), "symbolic link" },
        { "device", tar => ((TarBuilder)tar).Device("volumes/0/null"), "isn't restored" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Archive_ThatReachesOutside_IsRefused(string what, Action<object> add, string why)
    {
        var tar = new TarBuilder().Manifest("/v").Folder("volumes/0/");
        add(tar);

        Assert.True((await Refused(tar.Gzip(), ArchiveLimits.None)).Contains(why, StringComparison.Ordinal), what);
    }

    [Fact]
    public async Task Archive_Damaged_IsRefused()
    {
        var (file, _) = await Write(TwoVolumes, Home, Data);
        using var plain = new MemoryStream();
        await new GZipStream(new MemoryStream(file), CompressionMode.Decompress).CopyToAsync(plain);

        foreach (var cut in new[] { 1, 600, 1024, 1600, (int)plain.Length / 2 })
            Assert.Contains("cut off", await Refused(Packed(plain.ToArray()[..^cut]), ArchiveLimits.None));
        var turned = plain.ToArray();
        turned[turned.AsSpan().LastIndexOf("ustar"u8) - 130] = (byte)'z';
        await Refused(Packed(turned), ArchiveLimits.None);
        await Refused([1, 2, 3, 4], ArchiveLimits.None);
        await Refused([], ArchiveLimits.None);
        await Refused(new TarBuilder().File("volumes/0/x", "x").Gzip(), ArchiveLimits.None);
        await Refused(new TarBuilder().Gzip(), ArchiveLimits.None);
    }

    [Fact]
    public async Task Header_ThatClaimsGigabytes_EndsTheWalk()
    {
        var tar = new TarBuilder().Manifest("/v").File("volumes/0/" + new string('n', 200), "x").Bytes();
        // The length of the extended attributes before the file: 2 GB less a bit, of which there are only zeros.
        var at = Enumerable.Range(0, tar.Length / 512).Select(i => i * 512).Last(i => tar[i + 156] == 'x');
        Encoding.ASCII.GetBytes("17700000000").CopyTo(tar, at + 124);
        Array.Fill(tar, (byte)' ', at + 148, 8);
        Encoding.ASCII.GetBytes(Convert.ToString(tar.AsSpan(at, 512).ToArray().Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, at + 148);
        using var gz = new MemoryStream();
        await using (var gzip = new GZipStream(gz, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(tar);
            await new Zeros(64 << 20).CopyToAsync(gzip);
        }

        await Refused(gz.ToArray(), ArchiveLimits.None);
    }

    [Fact]
    public async Task Name_ThatIsNotUtf8_FailsTheSnapshotByName()
    {
        var tar = new TarBuilder().Folder("v/").File("v/plain-name", "x").Bytes();
        for (var i = 0; i + 10 < tar.Length; i++)
        {
            if (Encoding.Latin1.GetString(tar, i, 10) == "plain-name")
                tar[i + 2] = 0xE9;
        }
        for (var at = 0; at < tar.Length - 1024; at += 512)
        {
            if (tar.AsSpan(at + 257, 5).SequenceEqual("ustar"u8))
            {
                Array.Fill(tar, (byte)' ', at + 148, 8);
                Encoding.ASCII.GetBytes(Convert.ToString(tar.AsSpan(at, 512).ToArray().Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, at + 148);
            }
        }

        var exception = await Assert.ThrowsAsync<SnapshotArchiveException>(() => Write(["/v"], tar));

        Assert.Contains("isn't UTF-8", exception.Message);
    }

    private static byte[] Packed(byte[] tar)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar);
        return packed.ToArray();
    }

    private static async Task<(byte[] File, ArchiveContent Content)> Write(IReadOnlyList<string> volumes, params byte[][] tars)
    {
        using var file = new MemoryStream();
        var manifest = SnapshotArchive.Describe(Guid.NewGuid(), "c", "t", volumes, DateTimeOffset.UnixEpoch);
        var content = await SnapshotArchive.Write(file, manifest, (n, _) => Task.FromResult<Stream>(new MemoryStream(tars[n])), ArchiveLimits.None, null, default);
        return (file.ToArray(), content);
    }

    private static async Task<string> Refused(byte[] file, ArchiveLimits limits) =>
        (await Assert.ThrowsAsync<SnapshotArchiveException>(() => SnapshotArchive.Check(new MemoryStream(file), limits, null, default))).Message;

    private sealed class Zeros(long length) : Stream
    {
        private long position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get => position; set => position = value; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = (int)Math.Min(count, length - position);
            Array.Clear(buffer, offset, count);
            position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class Parts(params Stream[] parts) : Stream
    {
        private int current;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            for (; count > 0 && current < parts.Length; current++)
            {
                if (parts[current].Read(buffer, offset, count) is > 0 and var read)
                    return read;
            }
            return 0;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
