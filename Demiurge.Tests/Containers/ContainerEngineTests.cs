using System.Net;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers;

/// <summary>The same, on a real engine.</summary>
public sealed class ContainerEngineTests(PostgresFixture database, DockerFixture docker) : IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Container_OnARealEngine_AnswersKeepsItsDataOverARestartAndIsGoneWhenDeleted()
    {
        await using var web = await ReconcilerHost.StartOn(docker.Endpoint, database);
        var workspace = await Workspace.Create(database);
        var request = await web.Request(workspace.ProjectId, "image", new Dictionary<string, string> { ["image"] = DockerFixture.Tiny, ["data"] = "/www" });
        var id = (await web.Containers.Create(workspace.Owner, request)).Value!.Id;
        var running = await web.Reaches(workspace, id, ContainerState.Running);
        Assert.True(running.Services[0].Up);
        var endpoint = Assert.Single((await web.Row(id)).Endpoints);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"http://{endpoint.Address}:{endpoint.Port}/none")).StatusCode);

        var runtime = await web.Runtime();
        var name = (await web.Get<Installation>().Names()).Container(id);
        await using (var exec = await runtime.Exec(name, new ExecSpec(["sh", "-c", "echo kept > /www/kept.txt"], 80, 24) { User = "0" }, CancellationToken.None))
            Assert.Equal(0, await exec.ExitCode(CancellationToken.None));
        await web.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(async () => await web.Row(id) is { State: ContainerState.Running, Generation: 2 }, "the second generation");
        endpoint = Assert.Single((await web.Row(id)).Endpoints);
        Assert.Equal("kept\n", await http.GetStringAsync($"http://{endpoint.Address}:{endpoint.Port}/kept.txt"));

        await docker.Engine.KillContainer(name, "KILL");
        Assert.Equal("It was killed (exit code 137).", (await web.Reaches(workspace, id, ContainerState.Failed)).Reason);
        await web.Containers.Retry(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Running);

        await web.Containers.Delete(workspace.Owner, id);
        await PlatformFixture.Until(async () => (await runtime.List(CancellationToken.None)).Count == 0, "its removal");
        database.Time.Advance(TimeSpan.FromDays(1.1));
        await PlatformFixture.Until(async () => (await web.Containers.Get(workspace.Owner, id)).Error?.Code == "container.not_found", "its purge");
    }
}
