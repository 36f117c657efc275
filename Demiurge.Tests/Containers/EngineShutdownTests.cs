using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers;

/// <summary>What ends with its engine is started again, what ends by itself is not; on an engine that is shut down in order.</summary>
public sealed class EngineShutdownTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    [DockerFact]
    public async Task Engine_ShutDownInOrder_WithOrWithoutWeb_ComesBackWithWhatRan_AndWhatEndedByItselfStays()
    {
        await using var daemon = await DockerDaemon.Start();
        await TestImages.LoadTiny(daemon.Engine);
        await using var web = await ReconcilerHost.StartOn(daemon.EndpointText, database, ("RetryDelay", "00:00:00.200"));
        var workspace = await Workspace.Create(database);
        var request = await web.Request(workspace.ProjectId, "image", new Dictionary<string, string> { ["image"] = DockerFixture.Tiny });
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
            ids.Add((await web.Containers.Create(workspace.Owner, request)).Value!.Id);
        foreach (var id in ids)
            await web.Reaches(workspace, id, ContainerState.Running);
        var ended = ids[0];
        await daemon.Engine.KillContainer((await web.Get<Installation>().Names()).Container(ended), "TERM");
        Assert.Equal("It ended by itself.", (await web.Reaches(workspace, ended, ContainerState.Stopped)).Reason);

        // Web sees all of it.
        await daemon.StopDocker();
        await PlatformFixture.Until(async () => (await web.Row(ids[1])).Reason is not null, "a word on the host");
        foreach (var id in ids[1..])
            Assert.Equal((DesiredState.Running, ContainerState.Running), ((await web.Row(id)).Desired, (await web.Row(id)).State));
        await daemon.StartDocker();
        await Agree();

        // Web sees containers end, and dies before the engine is gone.
        await Task.WhenAll(daemon.StopDocker(), Task.Run(async () =>
        {
            await PlatformFixture.Until(async () => { await Task.Yield(); return !await (await web.Runtime()).TakesConnections(default); }, "an engine on its way down");
            await web.Stop();
        }));
        foreach (var id in ids[1..])
            Assert.Equal(DesiredState.Running, (await web.Row(id)).Desired);
        await daemon.StartDocker();
        await web.Run();
        await Agree();

        async Task Agree()
        {
            var names = await web.Get<Installation>().Names();
            foreach (var id in ids[1..])
            {
                await PlatformFixture.Until(
                    async () => await web.Row(id) is { State: ContainerState.Running, Reason: null } && await (await web.Runtime()).Find(names.Container(id), default) is { State: RuntimeState.Running },
                    "it runs again");
            }
            Assert.Equal((DesiredState.Stopped, ContainerState.Stopped), ((await web.Row(ended)).Desired, (await web.Row(ended)).State));
            Assert.Equal(RuntimeState.Exited, (await (await web.Runtime()).Find(names.Container(ended), default))!.State);
        }
    }
}
