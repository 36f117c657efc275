using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Containers.Snapshots.Archive;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Permissions;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Snapshots;

/// <summary>Snapshots of real containers on a real engine.</summary>
public sealed class SnapshotTests(PostgresFixture database, DockerFixture docker, S3Server s3) :
    IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>, IClassFixture<S3Server>, IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("demiurge-snapshots-").FullName;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return Task.CompletedTask;
    }

    [DockerFact]
    public async Task Snapshot_OfARunningContainer_BringsItsDataBack()
    {
        await using var host = await Start();
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        await host.Shell(container.Id, "echo precious > note; mkdir -p a/b; ln -s /etc/passwd link; ln note again; chmod 640 note; dd if=/dev/urandom of=a/b/big bs=1024 count=3000 2>/dev/null");
        await host.Shell(container.Id, "echo data > /var/data/d", user: "root");
        var before = await host.Shell(container.Id, "sha256sum a/b/big note; ls -ln note; stat -c '%u:%g %a' /var/data . note");

        var snapshot = await Taken(host, workspace, container.Id, "first");

        Assert.Equal((container.Name, "first", "tar+gzip"), (snapshot.ContainerName, snapshot.Name, snapshot.Format));
        Assert.InRange(snapshot.UnpackedBytes, 3_000_000, 3_200_000);
        var file = Assert.Single(Directory.GetFiles(folder, "*", SearchOption.AllDirectories));
        Assert.Equal((snapshot.Bytes, snapshot.Sha256), (new FileInfo(file).Length, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file)))));

        await host.Shell(container.Id, "rm -rf note a link; echo other > new");
        await host.Shell(container.Id, "rm /var/data/d", user: "root");
        var begun = await host.Snapshots.Restore(workspace.Owner, snapshot.Id);
        Assert.True(begun.Succeeded, begun.Error?.Message);
        await Restored(host, workspace, container.Id);

        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal(before, await host.Shell(container.Id, "sha256sum a/b/big note; ls -ln note; stat -c '%u:%g %a' /var/data . note"));
        Assert.Equal("data", await host.Shell(container.Id, "cat /var/data/d"));
        Assert.Equal("no", await host.Shell(container.Id, "test -e new && echo yes || echo no"));
        Assert.Equal((await host.Name(container.Id)) + "-s1-0", (await Volumes(host, container.Id))[0]);
        Assert.Equal(2, (await Volumes(host, container.Id)).Count);
        Assert.DoesNotContain(await docker.Engine.ListContainers(), found => found.Names!.Any(name => name.Contains("-helper-", StringComparison.Ordinal)));

        // And stopped, from what the first restore made.
        await host.Containers.Stop(workspace.Owner, container.Id);
        await host.Reaches(container.Id, ContainerState.Stopped);
        var second = await Taken(host, workspace, container.Id, "");
        Assert.NotEqual(snapshot.Id, second.Id);
        Assert.Null((await host.Snapshots.Restore(workspace.Owner, second.Id)).Error);
        await Restored(host, workspace, container.Id);
        Assert.Equal(ContainerState.Stopped, (await host.Row(container.Id)).State);
        await host.Containers.Start(workspace.Owner, container.Id);
        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal("precious", await host.Shell(container.Id, "cat again"));

        // As a new container, while the first one is as it was.
        var made = await host.Snapshots.RestoreAsNew(workspace.Owner, snapshot.Id, "Second life");
        Assert.True(made.Succeeded, made.Error?.Message);
        await Restored(host, workspace, made.Value.Id);
        await host.Reaches(made.Value.Id, ContainerState.Running);
        Assert.Equal("precious", await host.Shell(made.Value.Id, "cat note"));
        Assert.Equal("Second life", (await host.Row(made.Value.Id)).Name);

        // Downloaded, it is a tar that any program reads.
        var download = await host.Snapshots.Download(workspace.Owner, snapshot.Id);
        await using (var content = download.Value!.Content)
        await using (var unpacked = new GZipStream(content, CompressionMode.Decompress))
        {
            var entries = await TarBuilder.Read(unpacked);
            Assert.Equal("demiurge.json", entries[0].Name);
            Assert.Contains(entries, entry => entry.Text == "precious\n");
            Assert.Contains(("volumes/0/link", TarEntryType.SymbolicLink, "/etc/passwd", ""), entries);
        }

        Assert.Null((await host.Snapshots.Delete(workspace.Owner, snapshot.Id)).Error);
        Assert.Null((await host.Snapshots.Delete(workspace.Owner, second.Id)).Error);
        await PlatformFixture.Until(() => Task.FromResult(Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Length == 0), "the files to be removed");
        await PlatformFixture.Until(async () => (await host.Snapshots.Of(workspace.Owner, container.Id)).Value!.Snapshots.Count == 0, "the rows to be removed");
    }

    [DockerFact]
    public async Task Snapshot_OfARunningContainer_IsOfOneTime()
    {
        await using var host = await Start();
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        // Two files that differ by one step at most, and what takes a while to read between them.
        await host.Shell(container.Id, "dd if=/dev/urandom of=m bs=1024 count=40000 2>/dev/null");
        await host.Shell(
            container.Id, "(i=0; while :; do i=$((i+1)); echo $i > a.new; mv a.new a; echo $i > z.new; mv z.new z; done) >/dev/null 2>&1 </dev/null &");

        var snapshot = await Taken(host, workspace, container.Id, "");

        var download = await host.Snapshots.Download(workspace.Owner, snapshot.Id);
        await using var content = download.Value!.Content;
        await using var unpacked = new GZipStream(content, CompressionMode.Decompress);
        var entries = await TarBuilder.Read(unpacked);
        var (first, last) = (Counter("volumes/0/a"), Counter("volumes/0/z"));
        Assert.InRange(first - last, 0, 1);
        // It goes on as if nothing had been.
        var found = await docker.Engine.FindContainer(await host.Name(container.Id));
        Assert.Equal("running", found!.State.Status);
        await PlatformFixture.Until(async () => int.Parse(await host.Shell(container.Id, "cat a"), System.Globalization.CultureInfo.InvariantCulture) > first + 100, "it to go on");

        int Counter(string name) => int.Parse(entries.Single(entry => entry.Name == name).Text, System.Globalization.CultureInfo.InvariantCulture);
    }

    [DockerFact]
    public async Task Snapshot_InABucket_IsRestoredFromThere()
    {
        await using var host = await Start(
            ("Demiurge:Snapshots:Store", "s3"), ("Demiurge:Snapshots:S3:Endpoint", s3.Options.Endpoint!), ("Demiurge:Snapshots:S3:Bucket", S3Server.Bucket),
            ("Demiurge:Snapshots:S3:AccessKey", "S3RVER"), ("Demiurge:Snapshots:S3:SecretKey", "S3RVER"), ("Demiurge:Snapshots:S3:PathStyle", "true"),
            ("Demiurge:Snapshots:S3:PartBytes", "5242880"));
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        await host.Shell(container.Id, "dd if=/dev/urandom of=big bs=1024 count=12000 2>/dev/null");
        var hash = await host.Shell(container.Id, "sha256sum big");

        var snapshot = await Taken(host, workspace, container.Id, "");
        await host.Shell(container.Id, "rm big");
        Assert.Null((await host.Snapshots.Restore(workspace.Owner, snapshot.Id)).Error);
        await Restored(host, workspace, container.Id);

        Assert.Empty(Directory.GetFiles(folder));
        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal(hash, await host.Shell(container.Id, "sha256sum big"));
    }

    [DockerFact]
    public async Task Work_ThatADeadProcessBegan_IsDoneByTheNext()
    {
        var host = await Start();
        await using var _ = host;
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        await host.Shell(container.Id, "echo kept > note");
        await host.Stop();
        // As kill -9 leaves it: a row under way, half a file, a helper.
        var taken = await host.Snapshots.Take(workspace.Owner, container.Id, "interrupted");
        var part = Path.Combine(folder, "x", "half.tar.gz.part");
        Directory.CreateDirectory(Path.GetDirectoryName(part)!);
        await File.WriteAllBytesAsync(part, [1, 2, 3]);
        await using (var db = host.CreateContext())
        {
            await db.Set<Snapshot>().Where(row => row.Id == taken.Value!.Id)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Step, "Reading the volumes").SetProperty(row => row.Location, "disk:x/half.tar.gz"));
        }
        var mark = await host.Get<Installation>().Mark();
        await docker.Engine.CreateContainer(
            $"dmg-{mark}-helper-dead", new Core.Containers.Docker.Wire.CreateContainer { Image = DockerFixture.Tiny, Labels = new() { ["demiurge.helper"] = mark } });
        Assert.Equal("snapshot.under_way", (await host.Snapshots.Take(workspace.Owner, container.Id)).Error?.Code);
        await docker.Engine.PauseContainer(await host.Name(container.Id));
        var startedAt = (await host.Row(container.Id)).StartedAt;
        // And another container's, whose taking had ended every process so far.
        var second = (await host.Containers.Create(workspace.Owner, new NewContainer(workspace.ProjectId, container.Template.Id))).Value!;
        var deadly = Guid.CreateVersion7();
        await using (var db = host.CreateContext())
        {
            db.Add(new Snapshot
            {
                Id = deadly, ContainerId = second.Id, OrganizationId = second.OrganizationId, ProjectId = second.ProjectId, Name = "deadly", ContainerName = second.Name,
                TemplateId = second.Template.Id, TemplateVersion = 1, TierId = second.Tier.Id, Location = "disk:x/deadly.tar.gz", Attempts = 2,
            });
            await db.SaveChangesAsync();
        }

        await host.Run();

        var snapshot = await Reaches(host, workspace, taken.Value!.Id, SnapshotState.Ready);
        Assert.False(File.Exists(part));
        Assert.Null(await docker.Engine.FindContainer($"dmg-{mark}-helper-dead"));
        Assert.Equal("Demiurge ended in the middle of it, 3 times.", (await Reaches(host, workspace, deadly, SnapshotState.Failed)).Reason);
        // It was held still, and goes on without a new start.
        Assert.Equal("kept", await host.Shell(container.Id, "cat note"));
        Assert.Equal(startedAt, (await host.Row(container.Id)).StartedAt);

        // A restore that died while it wrote: what it wrote is thrown away, and written again.
        await host.Stop();
        await using (var db = host.CreateContext())
        {
            db.Add(new SnapshotRestore
            {
                SnapshotId = snapshot.Id, ContainerId = container.Id, RequestedBy = workspace.Owner.UserId, State = RestoreState.Writing, VolumeSet = 1, StartsAfter = true,
                CreatedAt = DateTimeOffset.UtcNow,
            });
            await db.SaveChangesAsync();
        }
        await host.Run();
        await Restored(host, workspace, container.Id);
        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal("kept", await host.Shell(container.Id, "cat note"));
    }

    [DockerFact]
    public async Task Snapshot_ThatWasTamperedWith_IsNotRestored_AndTheContainerKeepsItsData()
    {
        await using var host = await Start();
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        await host.Shell(container.Id, "echo mine > note");
        var snapshot = await Taken(host, workspace, container.Id, "");
        var file = Assert.Single(Directory.GetFiles(folder, "*", SearchOption.AllDirectories));

        await File.WriteAllBytesAsync(file, new TarBuilder().Manifest("/home/user", "/var/data").Folder("volumes/0/").File("volumes/0/note", "theirs").Folder("volumes/1/").Gzip());
        Assert.Null((await host.Snapshots.Restore(workspace.Owner, snapshot.Id)).Error);
        Assert.Contains("changed since", (await Failed(host, workspace, container.Id)).Reason);

        // Even one whose hash was put into the row climbs nowhere.
        var hostile = new TarBuilder().Manifest("/home/user", "/var/data").Folder("volumes/0/").Link("volumes/0/out", "/etc").File("volumes/0/out/passwd", "x").Gzip();
        await File.WriteAllBytesAsync(file, hostile);
        await using (var db = host.CreateContext())
            await db.Set<Snapshot>().Where(row => row.Id == snapshot.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.Sha256, Convert.ToHexStringLower(SHA256.HashData(hostile))));
        Assert.Null((await host.Snapshots.Restore(workspace.Owner, snapshot.Id)).Error);
        await PlatformFixture.Until(
            async () => (await host.Snapshots.Of(workspace.Owner, container.Id)).Value!.Restore is { State: RestoreState.Failed, Reason: var reason } && reason!.Contains("symbolic link", StringComparison.Ordinal),
            "the hostile one to be refused");

        Assert.Equal("mine", await host.Shell(container.Id, "cat note"));
        Assert.Equal(0, (await host.Row(container.Id)).VolumeSet);
    }

    [DockerFact]
    public async Task Snapshots_AreForThoseWhoMay_AndWithinTheQuota()
    {
        await using var host = await Start();
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        var snapshot = await Taken(host, workspace, container.Id, "");
        var viewer = (await workspace.Join(ProjectRole.View)).Actor;
        var editor = (await workspace.Join(ProjectRole.Edit)).Actor;
        var outsider = (await database.Register()).Actor;

        Assert.False(Assert.Single((await host.Snapshots.Of(viewer, container.Id)).Value!.Snapshots).CanRestore);
        Assert.Equal("snapshot.forbidden", (await host.Snapshots.Take(viewer, container.Id)).Error?.Code);
        Assert.Equal("container.not_found", (await host.Snapshots.Of(outsider, container.Id)).Error?.Code);
        Assert.Equal("snapshot.not_found", (await host.Snapshots.Download(outsider, snapshot.Id)).Error?.Code);
        foreach (var actor in new[] { viewer, editor })
        {
            Assert.Equal("snapshot.forbidden", (await host.Snapshots.Download(actor, snapshot.Id)).Error?.Code);
            Assert.Equal("snapshot.forbidden", (await host.Snapshots.Restore(actor, snapshot.Id)).Error?.Code);
            Assert.Equal("snapshot.forbidden", (await host.Snapshots.RestoreAsNew(actor, snapshot.Id)).Error?.Code);
            Assert.Equal("snapshot.forbidden", (await host.Snapshots.Delete(actor, snapshot.Id)).Error?.Code);
            Assert.Equal("snapshot.forbidden", (await host.Snapshots.SetSchedule(actor, container.Id, "daily")).Error?.Code);
        }
        Assert.Equal("snapshot.schedule_invalid", (await host.Snapshots.SetSchedule(workspace.Owner, container.Id, "often")).Error?.Code);
        Assert.Equal("snapshot.schedule_too_often", (await host.Snapshots.SetSchedule(workspace.Owner, container.Id, "*/5 * * * *")).Error?.Code);

        // Two automatic ones are kept, and a clock that leaps makes one up, not hundreds.
        Assert.Null((await host.Snapshots.SetSchedule(workspace.Owner, container.Id, "hourly", keep: 2)).Error);
        for (var i = 1; i <= 3; i++)
        {
            database.Time.Advance(TimeSpan.FromHours(5));
            var expected = Math.Min(i, 2);
            await PlatformFixture.Until(
                async () =>
                {
                    await using var db = host.CreateContext();
                    var rows = await db.Set<Snapshot>().Where(row => row.Automatic).OrderBy(row => row.Id).ToListAsync();
                    return rows.Count == expected && rows.All(row => row.State == SnapshotState.Ready) && rows[^1].CreatedAt > database.Time.GetUtcNow() - TimeSpan.FromHours(4);
                },
                $"{expected} automatic snapshots");
        }
        Assert.Null((await host.Snapshots.SetSchedule(workspace.Owner, container.Id, null)).Error);

        // The quota ends the one that would burst it, in the middle.
        await using (var db = host.CreateContext())
        {
            var used = await db.Set<Snapshot>().SumAsync(row => row.Bytes);
            db.Add(new ContainerQuota { OrganizationId = workspace.Team.Id, SnapshotBytes = used + 1_000_000 });
            await db.SaveChangesAsync();
        }
        await host.Shell(container.Id, "dd if=/dev/urandom of=big bs=1024 count=4000 2>/dev/null");
        var large = await host.Snapshots.Take(workspace.Owner, container.Id, "large");
        var failed = await Reaches(host, workspace, large.Value!.Id, SnapshotState.Failed);
        Assert.Contains("quota", failed.Reason);
        Assert.Equal(0, failed.Bytes);
        await host.Shell(container.Id, "rm big");
        Assert.Null((await host.Snapshots.Retry(workspace.Owner, large.Value.Id)).Error);
        await Reaches(host, workspace, large.Value.Id, SnapshotState.Ready);
        Assert.Equal(4, Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Length);
    }

    private Task<EngineHost> Start(params (string Key, string Value)[] settings) => EngineHost.Start(database, docker, null, [("Demiurge:Snapshots:Path", folder), .. settings]);

    private static async Task<SnapshotInfo> Taken(EngineHost host, Workspace workspace, Guid containerId, string name)
    {
        var taken = await host.Snapshots.Take(workspace.Owner, containerId, name);
        Assert.True(taken.Succeeded, taken.Error?.Message);
        return await Reaches(host, workspace, taken.Value.Id, SnapshotState.Ready);
    }

    private static async Task<SnapshotInfo> Reaches(EngineHost host, Workspace workspace, Guid snapshotId, SnapshotState state)
    {
        Result<SnapshotInfo> found = default;
        await PlatformFixture.Until(
            async () =>
            {
                found = await host.Snapshots.Get(workspace.Owner, snapshotId);
                Assert.False(found.Value!.State == SnapshotState.Failed && state != SnapshotState.Failed, found.Value.Reason);
                return found.Value!.State == state;
            },
            $"the snapshot to be {state}");
        return found.Value!;
    }

    private static async Task Restored(EngineHost host, Workspace workspace, Guid containerId) => await PlatformFixture.Until(
        async () =>
        {
            var restore = (await host.Snapshots.Of(workspace.Owner, containerId)).Value!.Restore;
            Assert.False(restore?.State == RestoreState.Failed, restore?.Reason);
            return restore?.State == RestoreState.Done;
        },
        "the restore");

    private static async Task<RestoreInfo> Failed(EngineHost host, Workspace workspace, Guid containerId)
    {
        RestoreInfo? restore = null;
        await PlatformFixture.Until(async () => (restore = (await host.Snapshots.Of(workspace.Owner, containerId)).Value!.Restore)?.State == RestoreState.Failed, "the restore to fail");
        return restore!;
    }

    private async Task<List<string>> Volumes(EngineHost host, Guid containerId)
    {
        var name = await host.Name(containerId);
        return [.. (await docker.Engine.ListVolumes()).Select(volume => volume.Name).Where(volume => volume.StartsWith(name, StringComparison.Ordinal)).Order()];
    }
}
