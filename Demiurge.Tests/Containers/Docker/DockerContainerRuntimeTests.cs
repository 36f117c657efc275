using System.Text;
using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Docker;

public sealed class DockerContainerRuntimeTests(DockerFixture docker) : IClassFixture<DockerFixture>, IAsyncLifetime
{
    private TestRuntime? made;

    private TestRuntime Test => made ??= new TestRuntime(docker.Daemon);

    private IContainerRuntime Runtime => Test.Runtime;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (made is not null)
            await made.Clear();
    }

    [DockerFact]
    public async Task Ensure_Repeated_AdoptsWhatIsThere()
    {
        var spec = TestRuntime.Spec() with { Volumes = ["/home/user"], Environment = new Dictionary<string, string> { ["GREETING"] = "hello" } };
        var first = await Runtime.Ensure(spec, default);
        var again = await Runtime.Ensure(spec, default);

        Assert.Equal(first.EngineId, again.EngineId);
        Assert.Equal((spec.ContainerId, 1, RuntimeState.Running, null), (first.ContainerId, first.Generation, first.State, first.ExitCode));
        Assert.Equal(Test.Names.Container(spec.ContainerId), first.Name);
        Assert.NotNull(first.StartedAt);
        Assert.StartsWith("sha256:", first.ImageId, StringComparison.Ordinal);
        using var http = new HttpClient();
        Assert.Contains("It works.", await http.GetStringAsync($"http://{first.Reach[8080].Address}:{first.Reach[8080].Port}/"));

        await docker.Engine.KillContainer(first.EngineId);
        var dead = (await Runtime.Find(first.Name, default))!;
        Assert.True(dead is { State: RuntimeState.Exited, ExitCode: 137, OutOfMemory: false, FinishedAt: not null, Reach.Count: 0 });
        var restarted = await Runtime.Ensure(spec, default);
        Assert.Equal((first.EngineId, RuntimeState.Running), (restarted.EngineId, restarted.State));
    }

    [DockerFact]
    public async Task Ensure_NewGenerationOrSpec_ReplacesAndKeepsVolumes()
    {
        var spec = TestRuntime.Spec() with { Volumes = ["/home/user"] };
        var first = await Runtime.Ensure(spec, default);
        await docker.Exec(first.EngineId, "sh", "-c", "echo kept > /home/user/file");

        var second = await Runtime.Ensure(spec with { Generation = 2 }, default);
        var third = await Runtime.Ensure(spec with { Generation = 2, Environment = new Dictionary<string, string> { ["NEW"] = "1" } }, default);

        Assert.Equal(3, new HashSet<string> { first.EngineId, second.EngineId, third.EngineId }.Count);
        Assert.Equal(2, third.Generation);
        Assert.Equal(third.EngineId, Assert.Single(await Runtime.List(default)).EngineId);
        Assert.Equal("kept\n", (await docker.Exec(third.EngineId, "cat", "/home/user/file")).Output);
    }

    [DockerFact]
    public async Task Ensure_AtOnceAndAfterHalfOfIt_MakesOneContainer()
    {
        var spec = TestRuntime.Spec() with { Volumes = ["/home/user"] };
        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Runtime.Ensure(spec, default)));
        Assert.Single(all.Select(container => container.EngineId).Distinct());

        // As a process that died between two calls leaves it: made, not started, and its network gone.
        await docker.Engine.StopContainer(all[0].EngineId, TimeSpan.FromSeconds(5));
        await docker.Engine.RemoveNetwork(Test.Names.Network(spec.OrganizationId));
        Assert.Equal(RuntimeState.Running, (await Runtime.Ensure(spec, default)).State);
        Assert.Single(await Runtime.List(default));
    }

    [DockerFact]
    public async Task Spec_ReachesTheEngine_WithEveryWallUp()
    {
        var spec = TestRuntime.Spec() with { Volumes = ["/home/user"] };
        var container = await Runtime.Ensure(spec, default);
        var engine = (await docker.Engine.FindContainer(container.EngineId))!;

        Assert.True(engine.HostConfig is
        {
            CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"], ReadonlyRootfs: true, PidsLimit: 64, NanoCpus: 500_000_000, Memory: 64 << 20, MemorySwap: 64 << 20,
            RestartPolicy.Name: "no", LogConfig.Type: "json-file", Init: true,
        });
        Assert.Equal(Test.Names.Network(spec.OrganizationId), Assert.Single(engine.NetworkSettings.Networks!).Key);
        Assert.All(engine.Mounts!, mount => Assert.Equal("volume", mount.Type));
        // Not what we asked for, but what the processes have.
        var status = (await docker.Exec(container.EngineId, "cat", "/proc/self/status")).Output;
        Assert.Contains("CapBnd:\t0000000000000000", status, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t0000000000000000", status, StringComparison.Ordinal);
        Assert.Contains("NoNewPrivs:\t1", status, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2", status, StringComparison.Ordinal);
        Assert.NotEqual(0, (await docker.Exec(container.EngineId, "touch", "/bin/x")).ExitCode);
        Assert.Equal(0, (await docker.Exec(container.EngineId, "touch", "/tmp/x", "/home/user/x")).ExitCode);
        Assert.NotEqual(0, (await docker.Exec(container.EngineId, "mount", "-t", "tmpfs", "x", "/tmp")).ExitCode);
    }

    [DockerFact]
    public async Task Remove_WithVolumes_LeavesNothing_AndCanBeRepeated()
    {
        var spec = TestRuntime.Spec() with { Volumes = ["/home/user", "/data"] };
        var container = await Runtime.Ensure(spec, default);

        await Runtime.Remove(container.Name, volumes: false, default);
        Assert.NotNull(await docker.Engine.FindVolume(Test.Names.Volume(spec.ContainerId, 1)));
        Assert.Null(await docker.Engine.FindNetwork(Test.Names.Network(spec.OrganizationId)));
        await Runtime.Remove(container.Name, volumes: true, default);
        await Runtime.Remove(container.Name, volumes: true, default);

        Assert.Null(await Runtime.Find(container.Name, default));
        Assert.Null(await docker.Engine.FindVolume(Test.Names.Volume(spec.ContainerId, 0)));
        Assert.Null(await docker.Engine.FindVolume(Test.Names.Volume(spec.ContainerId, 1)));
        await Runtime.Stop(container.Name, TimeSpan.FromSeconds(1), default);
    }

    [DockerFact]
    public async Task Failures_OfEveryKind_AreToldApart()
    {
        var noImage = await Assert.ThrowsAsync<RuntimeException>(() => Runtime.Ensure(TestRuntime.Spec() with { Image = "demiurge-test/none:1" }, default));
        Assert.Equal(RuntimeFailure.NotFound, noImage.Failure);
        var noRuntime = await Assert.ThrowsAsync<RuntimeException>(() => Runtime.Ensure(TestRuntime.Spec() with { Runtime = "nosuch" }, default));
        Assert.Equal(RuntimeFailure.Refused, noRuntime.Failure);
        Assert.Contains("nosuch", noRuntime.Message, StringComparison.Ordinal);
        var noProgram = await Runtime.Ensure(TestRuntime.Spec() with { Command = ["/no/such/program"] }, default);
        Assert.Equal(127, await docker.Engine.WaitContainer(noProgram.EngineId));
        Assert.Contains("/no/such/program", Assert.Single(await All(Runtime.Logs(noProgram.Name, null, follow: false, tail: 5, default))).Text, StringComparison.Ordinal);
        var noRegistry = await Assert.ThrowsAsync<RuntimeException>(() => Runtime.EnsureImage("127.0.0.1:9/none:1", new Progress<PullProgress>(), default));
        Assert.Equal(RuntimeFailure.Failed, noRegistry.Failure);
        Assert.Contains("127.0.0.1:9/none:1", noRegistry.Message, StringComparison.Ordinal);
        Assert.True((await Runtime.EnsureImage(DockerFixture.Tiny, new Progress<PullProgress>(), default)).Present);
        Assert.Equal(RuntimeFailure.NotFound, (await Assert.ThrowsAsync<RuntimeException>(() => Runtime.ReadArchive("none", "/", default))).Failure);
        Assert.Null(await Runtime.Find("none", default));

        var stranger = await docker.Run("stranger");
        var name = (await docker.Engine.FindContainer(stranger))!.Name.TrimStart('/');
        Assert.Null(await Runtime.Find(name, default));
        await Assert.ThrowsAsync<RuntimeException>(() => Runtime.Remove(name, volumes: true, default));
        await docker.Engine.RemoveContainer(stranger, force: true);
    }

    [DockerFact]
    public async Task Watch_OurContainers_TellsWhatHappens()
    {
        var other = new TestRuntime(docker.Daemon);
        var events = Runtime.Watch(default);
        await other.Runtime.Ensure(TestRuntime.Spec(), default);
        var spec = TestRuntime.Spec() with { MemoryBytes = 16 << 20, Command = ["sh", "-c", "echo about to; exec tail /dev/zero"] };
        var container = await Runtime.Ensure(spec, default);

        var seen = new List<string>();
        await foreach (var happened in events)
        {
            Assert.Equal((spec.ContainerId, container.Name), (happened.ContainerId, happened.Name));
            seen.Add(happened.Kind);
            if (happened.Kind == "die")
                break;
        }
        Assert.Contains("start", seen);
        await Infrastructure.PlatformFixture.Until(async () => (await Runtime.Find(container.Name, default))!.State == RuntimeState.Exited, "the end to be known");
        Assert.True((await Runtime.Find(container.Name, default)) is { ExitCode: 137, OutOfMemory: true });
        var line = Assert.Single(await All(Runtime.Logs(container.Name, null, follow: false, tail: 10, default)));
        Assert.Equal("about to", line.Text);
        await other.Clear();
    }

    [DockerFact]
    public async Task Exec_Terminal_CanBeResizedAndEnds()
    {
        var container = await Runtime.Ensure(TestRuntime.Spec(), default);
        await using var exec = await Runtime.Exec(container.Name, new ExecSpec(["sh"], 91, 27) { Environment = new Dictionary<string, string> { ["PS1"] = "# " } }, default);
        var seen = new StringBuilder();
        await exec.Write("stty size\n"u8.ToArray(), default);
        await Until("27 91");
        await exec.Resize(80, 24, default);
        await exec.Write("stty size; exit 9\n"u8.ToArray(), default);
        await Until("24 80");
        Assert.Equal(9, await exec.ExitCode(default));
        await exec.Resize(81, 24, default);

        async Task Until(string text)
        {
            var buffer = new byte[1024];
            while (!seen.ToString().Contains(text, StringComparison.Ordinal))
            {
                var count = await exec.Read(buffer, default).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
                Assert.NotEqual(0, count);
                seen.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
    }

    [DockerFact]
    public async Task Exec_TerminalDisposed_EndsItsShell()
    {
        var container = await Runtime.Ensure(TestRuntime.Spec(), default);
        var exec = await Runtime.Exec(container.Name, new ExecSpec(["sh"], 80, 24), default);
        await exec.Write("sleep 1000\n"u8.ToArray(), default);
        await Infrastructure.PlatformFixture.Until(async () => (await docker.Exec(container.EngineId, "ps")).Output.Contains("sleep 1000", StringComparison.Ordinal), "the command to run");
        await exec.DisposeAsync();
        await Infrastructure.PlatformFixture.Until(async () => !(await docker.Exec(container.EngineId, "ps")).Output.Contains("sleep 1000", StringComparison.Ordinal), "the command to end");
    }

    [DockerFact]
    public async Task Stats_OfARunningContainer_EndWithIt()
    {
        var container = await Runtime.Ensure(TestRuntime.Spec(), default);
        var readings = 0;
        await foreach (var reading in Runtime.Stats(container.Name, default))
        {
            Assert.True(reading is { MemoryBytes: > 0, MemoryLimitBytes: 64 << 20, Pids: > 0 });
            if (++readings == 1)
                await Runtime.Stop(container.Name, TimeSpan.FromSeconds(5), default);
        }
        Assert.True(readings >= 1);
    }

    [DockerFact]
    public async Task Reach_Published_IsTheHostsAddress()
    {
        var published = new TestRuntime(docker.Daemon, HostReach.Published);
        var container = await published.Runtime.Ensure(TestRuntime.Spec(), default);
        var (address, port) = container.Reach[8080];
        Assert.Equal(docker.Daemon.Address.ToString(), address);
        using var http = new HttpClient();
        // The container has started; its server listens a moment later.
        await PlatformFixture.Until(async () =>
        {
            try
            {
                return (await http.GetStringAsync($"http://{address}:{port}/")).Contains("It works.", StringComparison.Ordinal);
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the published port to answer");
        await published.Clear();
    }

    private static async Task<List<LogLine>> All(IAsyncEnumerable<LogLine> lines)
    {
        var all = new List<LogLine>();
        await foreach (var line in lines)
            all.Add(line);
        return all;
    }
}
