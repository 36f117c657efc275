using Demiurge.Core.Containers;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers;

/// <summary>What becomes of a container's data, on a real engine.</summary>
public sealed class ContainerDataTests(PostgresFixture database, DockerFixture docker) : IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Data_OutlivesStopAndDeletion_UntilTheDayIsOver()
    {
        await using var host = await EngineHost.Start(database, docker);
        var workspace = await Workspace.Create(database);
        var container = await host.Create(workspace, await host.TinyTemplate());
        await host.Shell(container.Id, "echo work > note");
        await host.Shell(container.Id, "echo data > /var/data/d", user: "root");

        await host.Containers.Stop(workspace.Owner, container.Id);
        await host.Reaches(container.Id, ContainerState.Stopped);
        Assert.Null((await host.Containers.Start(workspace.Owner, container.Id)).Error);
        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal("work data", await host.Shell(container.Id, "echo $(cat note /var/data/d)"));

        // Deleted, it is gone from the engine; taken back within the day, it has its data.
        var deleted = await host.Containers.Delete(workspace.Owner, container.Id);
        Assert.Equal(TimeSpan.FromDays(1), deleted.Value!.UndoUntil - deleted.Value.DeletedAt);
        var name = await host.Name(container.Id);
        await PlatformFixture.Until(async () => await docker.Engine.FindContainer(name) is null, "it to be removed from the engine");
        database.Time.Advance(TimeSpan.FromHours(23));
        Assert.Null((await host.Containers.Undelete(workspace.Owner, container.Id)).Error);
        await host.Reaches(container.Id, ContainerState.Stopped);
        Assert.Null((await host.Containers.Start(workspace.Owner, container.Id)).Error);
        await host.Reaches(container.Id, ContainerState.Running);
        Assert.Equal("work data", await host.Shell(container.Id, "echo $(cat note /var/data/d)"));

        // After a day it can't be had back, and nothing of it is left.
        await host.Containers.Delete(workspace.Owner, container.Id);
        await PlatformFixture.Until(async () => await docker.Engine.FindContainer(name) is null, "it to be removed from the engine again");
        Assert.Equal(2, await Volumes());
        database.Time.Advance(TimeSpan.FromHours(25));
        Assert.Equal("container.not_found", (await host.Containers.Undelete(workspace.Owner, container.Id)).Error?.Code);
        await PlatformFixture.Until(async () => await Volumes() == 0, "its volumes to be removed");

        async Task<int> Volumes() => (await docker.Engine.ListVolumes()).Count(volume => volume.Name.StartsWith(name, StringComparison.Ordinal));
    }
}
