using System.Text;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Docker.Wire;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Containers.Repositories;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Permissions;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Repositories;

/// <summary>Containers made from a real Git server (dropbear and git) in the organization's network, on a real engine.</summary>
public sealed class RepositoryTests(PostgresFixture database, DockerFixture docker) : IClassFixture<PostgresFixture>, IClassFixture<DockerFixture>
{
    private const string Yaml =
        """
        version: 1
        template: TEMPLATE
        tier: medium
        services:
          - { name: app, title: The app, port: 9000 }
        install:
          - name: Greet
            run: echo "installing for $GREETING"; test -f /home/user/ready
          - run: echo second > /home/user/second
        processes:
          - name: web
            run: echo up; exec httpd -f -p 9000 -h /www
            health: { port: 9000, path: /nothing, interval: 1s, start: 5s }
        tabs:
          - { title: Shell, service: terminal }
          - { title: Start, service: app, path: /index.html }
        """;

    [DockerFact]
    public async Task Container_FromGit_IsSetUp_AndGoesOnWhereAStepFailed()
    {
        Assert.True(GitImage.Missing is null, $"Install {GitImage.Missing}: .ci/run shows how.");
        await GitImage.Load(docker.Engine);
        await using var host = await EngineHost.Start(database, docker, null, ("Demiurge:Containers:Images:Terminal", GitImage.Name));
        var workspace = await Workspace.Create(database);
        var template = await host.TinyTemplate(GitImage.Name);
        string slug;
        await using (var db = host.CreateContext())
            slug = (await db.Set<Template>().SingleAsync(row => row.Id == template)).Slug;
        var yaml = Yaml.Replace("TEMPLATE", slug, StringComparison.Ordinal);
        // The server is a container of the organization, as its own forge could be.
        var server = await host.Create(workspace, template);
        var address = (await docker.Engine.FindContainer(await host.Name(server.Id)))!.NetworkSettings.Networks!.Values.First().IPAddress!;
        await host.Shell(
            server.Id,
            "mkdir -p ~/.ssh ~/work && dropbearkey -t ed25519 -f ~/hostkey >/dev/null 2>&1 && dropbear -r ~/hostkey -p 2222 -P ~/dropbear.pid -s 2>/dev/null; "
            + "export GIT_CONFIG_GLOBAL=/home/user/.gitconfig; git config --global user.email a@b; git config --global user.name a; git config --global init.defaultBranch main; "
            + "git init -q --bare ~/app.git && cd ~/work && git init -q && git remote add origin ~/app.git");
        await Push(host, server.Id, yaml.Replace("tier: medium", "tier: huge", StringComparison.Ordinal), "fault");
        var repositories = host.Get<RepositoryService>();

        var added = await repositories.Add(workspace.Owner, workspace.ProjectId, $"ssh://user@{address}:2222/home/user/app.git", "main");
        Assert.True(added.Succeeded, added.Error?.Message);
        Assert.StartsWith("ssh-ed25519 ", added.Value.DeployKey);
        var refused = await repositories.TestAccess(workspace.Owner, added.Value.Id);
        Assert.False(refused.Value!.Succeeded);
        Assert.Contains("deploy key", refused.Value.Message);
        await host.Shell(server.Id, $"echo '{added.Value.DeployKey}' > ~/.ssh/authorized_keys; chmod 700 ~ ~/.ssh; chmod 600 ~/.ssh/authorized_keys");
        // Each is a container that no quota counts: one at a time.
        var twice = await Task.WhenAll(repositories.TestAccess(workspace.Owner, added.Value.Id), repositories.TestAccess(workspace.Owner, added.Value.Id));
        Assert.Equal("repository.test_under_way", Assert.Single(twice, each => !each.Succeeded).Error?.Code);
        var tested = Assert.Single(twice, each => each.Succeeded);
        Assert.True(tested.Value!.Succeeded, tested.Value.Message);
        Assert.True((await repositories.Get(workspace.Owner, added.Value.Id)).Value!.HostKeysKnown);

        // Its file is read along, and told by line and column before anything is made of it.
        Assert.Equal((3, 7), (Assert.Single(tested.Value.File!.Problems).Line, tested.Value.File.Problems[0].Column));
        Assert.Equal("repository.no_template", (await host.Containers.Create(workspace.Owner, new NewContainer(workspace.ProjectId, RepositoryId: added.Value.Id))).Error?.Code);
        await Push(host, server.Id, yaml, "first");
        tested = await repositories.TestAccess(workspace.Owner, added.Value.Id);
        Assert.Equal(yaml, tested.Value!.Text);
        Assert.Equal((slug, "medium", "app", "web"), (tested.Value.File!.Template, tested.Value.File.Tier, Assert.Single(tested.Value.File.Services), Assert.Single(tested.Value.File.Processes)));
        Assert.Equal((slug, "medium"), ((await repositories.Get(workspace.Owner, added.Value.Id)).Value!.Template, (await repositories.List(workspace.Owner, workspace.ProjectId)).Value![0].Tier));

        var set = await host.Get<EnvSetService>().Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Project, workspace.ProjectId, "Secrets", new Dictionary<string, string> { ["GREETING"] = "a-secret-word" });
        Assert.True(set.Succeeded, set.Error?.Message);
        var created = await host.Containers.Create(
            workspace.Owner, new NewContainer(workspace.ProjectId, EnvSetIds: [set.Value.Id], RepositoryId: added.Value.Id));
        Assert.True(created.Succeeded, created.Error?.Message);
        Assert.Equal((template, "medium"), (created.Value.Template.Id, created.Value.Tier.Name));
        var id = created.Value.Id;

        // The first install step fails, says so, and nothing of the secret is shown.
        var failed = await Ended(host, workspace, id, RunState.Failed);
        Assert.Equal([StepState.Succeeded, StepState.Succeeded, StepState.Failed, StepState.Waiting, StepState.Waiting], failed.Steps.Select(step => step.State));
        Assert.Contains("installing for •••", failed.Steps[2].Output);
        Assert.Equal("It ended with exit code 1.", failed.Reason);
        Assert.Equal(1, failed.Steps[2].ExitCode);
        Assert.Equal("", await host.Shell(id, "ls /dev/shm | grep demiurge-git || true"));

        await host.Shell(id, "touch /home/user/ready");
        Assert.Null((await repositories.Retry(workspace.Owner, failed.Id)).Error);
        var done = await Ended(host, workspace, id, RunState.Succeeded);
        Assert.Equal(failed.Id, done.Id);
        Assert.Equal(failed.Steps[0].FinishedAt, done.Steps[0].FinishedAt);
        Assert.Equal("second", await host.Shell(id, "cat /home/user/second"));
        Assert.Equal("page", await host.Shell(id, "wget -q -O - http://127.0.0.1:9000/index.html"));
        var info = (await host.Containers.Get(workspace.Owner, id)).Value!;
        Assert.Contains(info.Services, service => service is { Name: "app", Title: "The app" });
        Assert.Equal([("Shell", null, null), ("Start", "app", "/index.html")], info.Tabs.Select(tab => (tab.Title, tab.Service, tab.Path)));
        // A gateway leads people there, and says at which port.
        var reach = (await host.Get<ContainerReach>().Resolve(info.OrganizationId, [id], CancellationToken.None)).Containers[0]!;
        Assert.Contains(reach.Services, service => service is { Name: "app", ContainerPort: 9000, Address: not null });
        Assert.Contains((await host.Row(id)).Endpoints, endpoint => endpoint is { Service: "app", Port: 9000 });
        var process = Assert.Single((await repositories.Processes(workspace.Owner, id)).Value!);
        Assert.Equal(("web", "healthy", "up"), (process.Name, process.State, process.Log));

        // A process that dies is started again, and after a restart of the container all of them are.
        await host.Shell(id, "kill -9 $(cat /dev/shm/demiurge/web/supervisor | while read s; do ps -o pid,ppid | while read p pp; do [ \"$pp\" = \"$s\" ] && echo $p; done; done | head -1) || true");
        await PlatformFixture.Until(async () => (await repositories.Processes(workspace.Owner, id)).Value is [{ State: "healthy" }], "the process to be back");
        await host.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(async () => (await repositories.Runs(workspace.Owner, id)).Value is [{ OnlyProcesses: true, State: RunState.Succeeded }, ..], "the processes to be started again");

        // An update brings what was pushed; a fault in the file is told by its line.
        await Push(host, server.Id, yaml.Replace("echo second", "echo third", StringComparison.Ordinal), "second");
        Assert.Null((await repositories.Update(workspace.Owner, id)).Error);
        await Ended(host, workspace, id, RunState.Succeeded);
        Assert.Equal("third", await host.Shell(id, "cat /home/user/second"));
        await Push(host, server.Id, yaml + "\nproceses: []\n", "third");
        Assert.Null((await repositories.Update(workspace.Owner, id)).Error);
        var faulty = await Ended(host, workspace, id, RunState.Failed);
        Assert.Contains("Did you mean `processes`?", faulty.Reason);
        Assert.Contains($"line {Yaml.Split('\n').Length + 1},", faulty.Reason);

        // Another host key is not trusted.
        await host.Shell(server.Id, "kill $(cat ~/dropbear.pid); rm ~/hostkey; dropbearkey -t ed25519 -f ~/hostkey >/dev/null 2>&1; sleep 1; dropbear -r ~/hostkey -p 2222 -P ~/dropbear.pid -s");
        Assert.Null((await repositories.Update(workspace.Owner, id)).Error);
        Assert.Contains("another key than at the first connection", (await Ended(host, workspace, id, RunState.Failed)).Reason);

        var viewer = (await workspace.Join(ProjectRole.View)).Actor;
        Assert.Equal("container.forbidden", (await repositories.Update(viewer, id)).Error?.Code);
        Assert.Equal("container.forbidden", (await repositories.Add(viewer, workspace.ProjectId, "git@h:x")).Error?.Code);
        Assert.Equal("repository.in_use", (await repositories.Delete(workspace.Owner, added.Value.Id)).Error?.Code);
    }

    [Theory]
    [InlineData("https://example.org/team/app.git", true)]
    [InlineData("git@example.org:team/app.git", true)]
    [InlineData("ssh://git@example.org:2222/team/app.git", true)]
    [InlineData("https://user:password@example.org/app.git", false)]
    [InlineData("http://example.org/app.git", false)]
    [InlineData("file:///etc", false)]
    [InlineData("/etc", false)]
    [InlineData("ext::sh -c id", false)]
    [InlineData("--upload-pack=id", false)]
    [InlineData("-oProxyCommand=id@host:x", false)]
    [InlineData("ssh://-oProxyCommand=id/x", false)]
    [InlineData("git@example.org:app.git\nx", false)]
    [InlineData("", false)]
    public void Url_IsTaken_OnlyWhenHarmless(string url, bool taken) => Assert.Equal(taken, Core.Containers.Repositories.Running.GitScript.IsUrl(url));

    private static async Task Push(EngineHost host, Guid server, string yaml, string message) => await host.Shell(
        server,
        $"export GIT_CONFIG_GLOBAL=/home/user/.gitconfig; cd ~/work && echo {Convert.ToBase64String(Encoding.UTF8.GetBytes(yaml))} | busybox base64 -d > demiurge.yaml && git add . && git commit -q -m {message} && git push -q origin HEAD:main");

    private static async Task<RepositoryRunInfo> Ended(EngineHost host, Workspace workspace, Guid containerId, RunState state)
    {
        RepositoryRunInfo? run = null;
        await PlatformFixture.Until(
            async () =>
            {
                run = (await host.Get<RepositoryService>().Runs(workspace.Owner, containerId)).Value is [var last, ..] ? last : null;
                return run?.FinishedAt is not null;
            },
            "the run to end");
        Assert.True(run!.State == state, $"{run.Reason}\n{string.Join('\n', run.Steps.Select(step => $"{step.Name}: {step.State} {step.Output}"))}");
        return run;
    }
}
