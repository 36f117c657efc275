using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Snapshots;

/// <summary>Web, as a process, is killed in the middle of a snapshot of a container that runs on a real engine.</summary>
[Trait("Profile", "full")]
public sealed class SnapshotKillTests(SnapshotKillTests.Installation installation) : IClassFixture<SnapshotKillTests.Installation>
{
    [DockerFact]
    public async Task Web_KilledInTheMiddleOfASnapshot_TakesItAgain_AndNothingIsLost()
    {
        var (owner, organizationId, projectId) = await installation.CreateProject();
        var templates = await Account.Read(await owner.Http.GetAsync($"organizations/{organizationId}/templates"));
        var template = (Guid)templates.AsArray().Single(row => (string)row!["slug"]! == "image")!["id"]!;
        // The first account administers the installation. Its own tier fits any machine.
        var tier = (Guid)(await Account.Read(await owner.Http.PostAsJsonAsync(
            "tiers", new { name = "small test", cpus = 0.5, memoryBytes = 64 << 20, diskBytes = 1 << 30, pids = 64, pricePerHour = 1, enabled = true, order = 9 })))["id"]!;
        var container = (string)(await Account.Read(await owner.Http.PostAsJsonAsync(
            $"projects/{projectId}/containers", new { templateId = template, tierId = tier, options = new { image = DockerFixture.Tiny, data = "/home/user" } })))["id"]!;
        await PlatformFixture.Until(async () => (string)(await Get($"containers/{container}"))["state"]! == "running", "the container to run");
        var engine = (await installation.Docker.Engine.ListContainers()).Single(found => found.Labels?.GetValueOrDefault(RuntimeNames.ContainerLabel) == container).Id;
        await Shell("dd if=/dev/urandom of=/home/user/big bs=1048576 count=100 2>/dev/null; echo kept > /home/user/note");
        var hash = await Shell("sha256sum /home/user/big");
        var startedAt = (await installation.Docker.Engine.FindContainer(engine))!.State.StartedAt;

        var snapshot = (string)(await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{container}/snapshots", new { name = "interrupted" })))["id"]!;
        await PlatformFixture.Until(() => Task.FromResult(Files() is [{ Length: > 1 << 20 }]), "the first megabyte to be written");
        await installation.Site.Kill();
        // Half a file, and a container that nobody lets go on.
        var half = Assert.Single(Files());
        Assert.EndsWith(".part", half.Name, StringComparison.Ordinal);
        Assert.Equal("paused", await State());

        await installation.Site.Start();

        await PlatformFixture.Until(
            async () => await Get($"snapshots/{snapshot}") is var found && ((string?)found["step"] == "Reading it back" || (string)found["state"]! == "ready"), "the volumes to be read again");
        await PlatformFixture.Until(async () => (string)(await Get($"snapshots/{snapshot}"))["state"]! == "ready", "the snapshot to be taken after all");
        Assert.Equal("running", await State());
        Assert.Equal((1, startedAt), (await Attempts(), (await installation.Docker.Engine.FindContainer(engine))!.State.StartedAt));
        Assert.Equal((hash, "kept"), (await Shell("sha256sum /home/user/big"), await Shell("cat /home/user/note")));
        Assert.Equal("running", (string)(await Get($"containers/{container}"))["state"]!);
        // One whole file, which is what the row says and what people get.
        var file = Assert.Single(Files());
        Assert.False(File.Exists(half.FullName));
        var whole = await Get($"snapshots/{snapshot}");
        Assert.Equal((file.Length, (string)whole["sha256"]!), ((long)whole["bytes"]!, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file.FullName)))));
        Assert.DoesNotContain(await installation.Docker.Engine.ListContainers(), found => found.Names!.Any(name => name.Contains("-helper-", StringComparison.Ordinal)));

        async Task<JsonNode> Get(string path) => await Account.Read(await owner.Http.GetAsync(path));
        async Task<string> State() => (await installation.Docker.Engine.FindContainer(engine))!.State.Status;
        async Task<string> Shell(string command) => (await installation.Docker.Exec(engine, "sh", "-c", command)).Output.Trim();
        FileInfo[] Files() => new DirectoryInfo(Path.Combine(installation.Site.DataPath, "snapshots")) is { Exists: true } folder ? folder.GetFiles("*", SearchOption.AllDirectories) : [];

        async Task<int> Attempts()
        {
            await using var command = installation.Database.CreateCommand("SELECT attempts FROM container_snapshots WHERE id = $1");
            command.Parameters.AddWithValue(Guid.Parse(snapshot));
            return (int)(await command.ExecuteScalarAsync())!;
        }
    }

    /// <summary>A platform over the tests' engine.</summary>
    public sealed class Installation : PlatformFixture, IAsyncLifetime
    {
        internal DockerFixture Docker { get; } = new();

        protected override (string Key, string Value)[] Settings => [("Demiurge:Containers:Engine", Docker.Endpoint), ("Demiurge:Snapshots:Interval", "00:00:01")];

        async Task IAsyncLifetime.InitializeAsync()
        {
            if (DockerFactAttribute.WhyNot is not null)
                return;
            await Docker.InitializeAsync();
            await InitializeAsync();
        }

        async Task IAsyncLifetime.DisposeAsync()
        {
            await DisposeAsync();
            await Docker.DisposeAsync();
        }
    }
}
