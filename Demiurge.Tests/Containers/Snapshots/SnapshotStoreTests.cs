using System.Security.Cryptography;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Containers.Snapshots.Stores.S3;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demiurge.Tests.Containers.Snapshots;

/// <summary>What both stores promise, on a folder and on a server that speaks S3.</summary>
public abstract class SnapshotStoreTests
{
    private const string Key = "org/container/snapshot.tar.gz";

    protected abstract ISnapshotStore Store { get; }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(5 << 20)]
    [InlineData((13 << 20) + 7)]
    public async Task File_Committed_IsReadAsWritten(int length)
    {
        var bytes = RandomNumberGenerator.GetBytes(length);
        var key = $"sized/{length}.tar.gz";
        await using (var file = await Store.Create(key, default))
        {
            for (var at = 0; at < length; at += 1_000_003)
                await file.Content.WriteAsync(bytes.AsMemory(at, Math.Min(1_000_003, length - at)));
            await Assert.ThrowsAsync<FileNotFoundException>(() => Store.Open(key, default));
            await file.Commit(default);
        }

        Assert.Equal(bytes, await Read(key));
        await Store.Delete(key, default);
        await Assert.ThrowsAsync<FileNotFoundException>(() => Store.Open(key, default));
        await Store.Delete(key, default);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(11 << 20)]
    public async Task File_NotCommitted_LeavesNothing(int length)
    {
        await using (var file = await Store.Create(Key, default))
            await file.Content.WriteAsync(new byte[length]);

        await Assert.ThrowsAsync<FileNotFoundException>(() => Store.Open(Key, default));
        Assert.Equal(0, await Store.RemoveUnfinished(default));
    }

    protected async Task<byte[]> Read(string key)
    {
        await using var stream = await Store.Open(key, default);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}

public sealed class DiskSnapshotStoreTests : SnapshotStoreTests, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("demiurge-snapshots-").FullName;

    protected override ISnapshotStore Store => new DiskSnapshotStore(folder);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Unfinished_OfAProcessThatDied_IsRemoved_AndTheRestStays()
    {
        await using (var file = await Store.Create("a/whole.tar.gz", default))
        {
            await file.Content.WriteAsync(new byte[] { 1 });
            await file.Commit(default);
        }
        await File.WriteAllBytesAsync(Path.Combine(folder, "a", "half.tar.gz.part"), [1, 2]);

        Assert.Equal(1, await Store.RemoveUnfinished(default));

        Assert.Equal(["whole.tar.gz"], Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder, "a", "whole.tar.gz")));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    public async Task Key_OutsideTheFolder_IsRefused(string key) => await Assert.ThrowsAsync<ArgumentException>(() => Store.Open(key, default));
}

public sealed class S3SnapshotStoreTests(S3Server server) : SnapshotStoreTests, IClassFixture<S3Server>
{
    protected override ISnapshotStore Store => new S3SnapshotStore(server.Options, NullLogger<S3SnapshotStore>.Instance);

    [Fact]
    public async Task Bucket_ThatIsNotThere_IsToldInWords()
    {
        var store = new S3SnapshotStore(server.Options with { Bucket = "nowhere" }, NullLogger<S3SnapshotStore>.Instance);

        var exception = await Assert.ThrowsAsync<IOException>(() => store.Create("x", default));

        Assert.Contains("nowhere", exception.Message);
    }

    [Fact]
    public async Task Server_ThatDoesNotAnswer_IsToldInWords()
    {
        var store = new S3SnapshotStore(server.Options with { Endpoint = "http://127.0.0.1:1" }, NullLogger<S3SnapshotStore>.Instance);

        await Assert.ThrowsAsync<IOException>(() => store.Create("x", default));
    }
}
