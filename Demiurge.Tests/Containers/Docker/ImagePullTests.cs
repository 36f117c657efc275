using System.Collections.Concurrent;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>Images that an engine fetches from a real registry.</summary>
public sealed class ImagePullTests(PostgresFixture database, DockerFixture docker) : IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>
{
    [RegistryFact]
    public async Task Image_FromARegistry_IsFetchedWithProgressAndRuns()
    {
        await using var registry = await ImageRegistry.Start(docker.Daemon);
        var image = await registry.Push("acme/page", "1", ballast: 24 << 20);
        await using var web = await ReconcilerHost.StartOn(docker.Endpoint, database);
        var workspace = await Workspace.Create(database);
        var seen = new ConcurrentQueue<(ContainerState State, double? Progress)>();
        web.Get<ContainerChanges>().Changed += change =>
        {
            var row = web.Row(change.ContainerId).GetAwaiter().GetResult();
            seen.Enqueue((row.State, row.Progress));
        };

        var id = (await web.Create(workspace, "image", new Dictionary<string, string> { ["image"] = image })).Id;
        await web.Reaches(workspace, id, ContainerState.Running);

        Assert.Contains(seen, one => one is { State: ContainerState.Pulling, Progress: > 0 and <= 1 });
        var story = (await web.Containers.Events(workspace.Owner, id)).Value!;
        Assert.Contains(story, entry => entry.Text == $"Fetching the image {image}.");
        await web.Containers.Delete(workspace.Owner, id);
        await PlatformFixture.Until(async () => (await (await web.Runtime()).List(default)).Count == 0, "its removal");
        await docker.Engine.RemoveImage(image, force: true);
    }

    [RegistryFact]
    public async Task Image_ThatItsRegistryHasNot_OrWhoseRegistryIsAway_IsSaidInWords()
    {
        var runtime = new TestRuntime(docker.Daemon).Runtime;
        string absent;
        await using (var registry = await ImageRegistry.Start(docker.Daemon))
        {
            await registry.Push("acme/page", "1", ballast: 0);
            foreach (var missing in new[] { $"{registry.Name}/acme/page:2", $"{registry.Name}/acme/other:1" })
            {
                var state = await runtime.EnsureImage(missing, new Progress<PullProgress>(), default);
                Assert.False(state.Present);
                Assert.StartsWith($"There is no image {missing} in its registry. (", state.Error, StringComparison.Ordinal);
            }
            absent = $"{registry.Name}/acme/page:1";
        }
        // That may be over in a moment: another attempt follows.
        var away = await Assert.ThrowsAsync<RuntimeException>(() => runtime.EnsureImage(absent, new Progress<PullProgress>(), default));
        Assert.Equal(RuntimeFailure.Failed, away.Failure);
        Assert.StartsWith($"The registry of the image {absent} can't be reached. (", away.Message, StringComparison.Ordinal);
    }
}

/// <summary>A <see cref="DockerFactAttribute">test on an engine</see> that needs a registry, too.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RegistryFactAttribute : FactAttribute
{
    public RegistryFactAttribute()
    {
        var missing = DockerFactAttribute.WhyNot ?? (ImageRegistry.IsInstalled ? null : "Tests of fetching images run a registry; install docker-registry.");
        if (missing is not null && Environment.GetEnvironmentVariable("CI") is null or "" or "false")
            Skip = missing;
    }
}
