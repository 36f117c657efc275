using System.Net;
using System.Text;
using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Tests.Containers.Docker;

public sealed class DockerEngineTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    private static readonly string[] Fetch = ["timeout", "10", "wget", "-q", "-O", "-", "http://web:8080/"];

    private DockerEngine Engine => docker.Engine;

    [DockerFact]
    public async Task Ping_RealEngine_TellsVersionAndMachine()
    {
        var spoken = await Engine.Ping();
        var version = await Engine.Version();
        var info = await Engine.Info();

        Assert.False(spoken < ApiVersion.Oldest);
        Assert.False(ApiVersion.Newest < spoken);
        Assert.NotEmpty(version.Version);
        Assert.Equal(Environment.ProcessorCount, info.NCPU);
        Assert.True(info.MemTotal > 100 << 20);
        Assert.Contains(info.DefaultRuntime, info.Runtimes!.Keys);
        Assert.NotEmpty(info.ID);
    }

    [DockerFact]
    public async Task Container_WholeLife_IsDrivenAndObserved()
    {
        var name = DockerFixture.NewName("life");
        var id = await Engine.CreateContainer(name, new CreateContainer
        {
            Image = DockerFixture.Tiny,
            Labels = new() { ["demiurge-test.life"] = name },
            HostConfig = new HostConfig { Memory = 64 << 20, MemorySwap = 64 << 20, NanoCpus = 500_000_000, PidsLimit = 32, CapDrop = ["ALL"], SecurityOpt = ["no-new-privileges"] },
        });
        Assert.Equal("created", (await Engine.FindContainer(id))!.State.Status);

        Assert.True(await Engine.StartContainer(id));
        Assert.False(await Engine.StartContainer(id));
        var running = (await Engine.FindContainer(name))!;
        Assert.Equal(id, running.Id);
        Assert.Equal("/" + name, running.Name);
        Assert.True(running.State is { Running: true, Status: "running", Pid: > 0 });
        Assert.True(running.HostConfig is { Memory: 64 << 20, NanoCpus: 500_000_000, PidsLimit: 32, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] });
        using var http = new HttpClient();
        Assert.Contains("It works.", await http.GetStringAsync($"http://{running.NetworkSettings.Networks!["bridge"].IPAddress}:8080/"));

        await Engine.UpdateLimits(id, new UpdateContainer(Memory: 96 << 20, MemorySwap: 96 << 20, PidsLimit: 40));
        Assert.Equal(96 << 20, (await Engine.FindContainer(id))!.HostConfig.Memory);

        var renamed = DockerFixture.NewName("renamed");
        await Engine.RenameContainer(id, renamed);
        var listed = Assert.Single(await Engine.ListContainers(DockerFilters.Label("demiurge-test.life", name)));
        Assert.Equal(["/" + renamed], listed.Names);
        Assert.Empty(await Engine.ListContainers(DockerFilters.Label("demiurge-test.life", "another")));

        var waiting = Engine.WaitContainer(id);
        Assert.True(await Engine.StopContainer(id, TimeSpan.FromSeconds(10)));
        Assert.False(await Engine.StopContainer(id, TimeSpan.FromSeconds(10)));
        Assert.Equal(0, await waiting);
        Assert.Equal("exited", (await Engine.FindContainer(id))!.State.Status);
        Assert.Empty(await Engine.ListContainers(DockerFilters.Label("demiurge-test.life"), all: false));

        await Engine.RestartContainer(id);
        await Engine.KillContainer(id);
        Assert.Equal(137, await Engine.WaitContainer(id));
        Assert.True(await Engine.RemoveContainer(id));
        Assert.False(await Engine.RemoveContainer(id));
        Assert.Null(await Engine.FindContainer(id));
    }

    [DockerFact]
    public async Task Calls_ThatFail_AreToldApart()
    {
        var missing = await Assert.ThrowsAsync<DockerException>(() => Engine.CreateContainer(DockerFixture.NewName("x"), new CreateContainer { Image = "demiurge-test/none:1" }));
        Assert.Equal((DockerFailure.NotFound, HttpStatusCode.NotFound), (missing.Failure, missing.Status));
        Assert.Contains("demiurge-test/none", missing.Message, StringComparison.Ordinal);

        var name = DockerFixture.NewName("conflict");
        var id = await Engine.CreateContainer(name, new CreateContainer { Image = DockerFixture.Tiny });
        var taken = await Assert.ThrowsAsync<DockerException>(() => Engine.CreateContainer(name, new CreateContainer { Image = DockerFixture.Tiny }));
        Assert.Equal(DockerFailure.Conflict, taken.Failure);
        var stopped = await Assert.ThrowsAsync<DockerException>(() => Engine.KillContainer(id));
        Assert.Equal(DockerFailure.Conflict, stopped.Failure);
        await Engine.RemoveContainer(id);

        var invalid = await Assert.ThrowsAsync<DockerException>(() =>
            Engine.CreateContainer(DockerFixture.NewName("x"), new CreateContainer { Image = DockerFixture.Tiny, HostConfig = new() { Memory = 1 } }));
        Assert.Equal(DockerFailure.Invalid, invalid.Failure);
        var runtime = await Assert.ThrowsAsync<DockerException>(() =>
            Engine.CreateContainer(DockerFixture.NewName("x"), new CreateContainer { Image = DockerFixture.Tiny, HostConfig = new() { Runtime = "nosuch" } }));
        Assert.Equal(DockerFailure.Invalid, runtime.Failure);
        await Assert.ThrowsAsync<DockerException>(() => Engine.FindImage("../containers/json"));

        using var nobody = new DockerEngine(DockerEndpoint.Parse("unix:///tmp/demiurge-no-such.sock").Value!);
        var unreachable = await Assert.ThrowsAsync<DockerException>(() => nobody.Info());
        Assert.Equal((DockerFailure.Unreachable, null), (unreachable.Failure, unreachable.Status));
        Assert.Contains("/tmp/demiurge-no-such.sock", unreachable.Message, StringComparison.Ordinal);
    }

    [DockerFact]
    public async Task Logs_OutputAndErrors_AreSeparateAndTimed()
    {
        var id = await docker.Run("logs", c => c with { Cmd = ["sh", "-c", "echo one; echo two >&2; printf 'no end'; sleep 0.2; echo ' now'; printf %70000d 7 | tr 0 ' '; echo; echo 'gr\u00fc\u00df'"] });
        await Engine.WaitContainer(id);

        var lines = await All(Engine.Logs(id, new DockerLogQuery()));
        Assert.Contains(lines, line => line is { Source: DockerSource.Output, Text: "one", Time: not null });
        Assert.Contains(lines, line => line is { Source: DockerSource.Error, Text: "two" });
        Assert.All(lines, line => Assert.True(line.Time is null || DateTimeOffset.UtcNow - line.Time < TimeSpan.FromMinutes(5)));
        Assert.Contains(lines, line => line.Text == "gr\u00fc\u00df");
        Assert.All(lines, line => Assert.True(Encoding.UTF8.GetByteCount(line.Text) <= LogLines.MaxLineBytes));
        Assert.Equal("gr\u00fc\u00df", Assert.Single(await All(Engine.Logs(id, new DockerLogQuery { Tail = 1 }))).Text);
        var last = lines[^1].Time!.Value;
        Assert.DoesNotContain(await All(Engine.Logs(id, new DockerLogQuery { Since = last })), line => line.Text == "one");
        await Engine.RemoveContainer(id);
    }

    [DockerFact]
    public async Task Logs_Followed_ComeAtOnceAndEndWithTheContainer()
    {
        var id = await docker.Run("follow", c => c with { Cmd = ["sh", "-c", "echo ready; trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done"], Tty = true });
        var seen = new List<string>();
        await foreach (var line in Engine.Logs(id, new DockerLogQuery { Follow = true }))
        {
            seen.Add(line.Text);
            if (line.Text == "ready")
                await Engine.StopContainer(id, TimeSpan.FromSeconds(10));
        }

        Assert.Equal(["ready", "bye"], seen);
        Assert.Equal(3, (await Engine.FindContainer(id))!.State.ExitCode);
        await Engine.RemoveContainer(id);
    }

    [DockerFact]
    public async Task Stream_Cancelled_EndsAtOnce()
    {
        var id = await docker.Run("cancel");
        using var stop = new CancellationTokenSource();
        await using var lines = Engine.Logs(id, new DockerLogQuery { Follow = true }, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = lines.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(TimeSpan.FromSeconds(30)));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Engine.WaitContainer(id, new CancellationTokenSource(50).Token));
        await Engine.RemoveContainer(id, force: true);
    }

    [DockerFact]
    public async Task Stats_RunningContainer_ShowWhatItUses()
    {
        var id = await docker.Run("stats", c => c with { Cmd = ["sh", "-c", "while :; do :; done"], HostConfig = new() { Memory = 64 << 20, NanoCpus = 500_000_000 } });
        var once = await Engine.Stats(id);
        Assert.Equal(64 << 20, once.Memory!.Limit);
        Assert.InRange(once.MemoryUsed, 1, 64 << 20);

        var readings = 0;
        await foreach (var reading in Engine.StatsStream(id))
        {
            // The first has no reading before it.
            if (reading.CpusUsed is not { } cpus)
                continue;
            Assert.InRange(cpus, 0.01, 1.5);
            Assert.True(reading.Pids!.Current >= 1);
            if (++readings == 2)
                break;
        }
        await Engine.RemoveContainer(id, force: true);
    }

    [DockerFact]
    public async Task Exec_InputOutputAndExit_PassThrough()
    {
        var id = await docker.Run("exec");
        var exec = await Engine.CreateExec(id, new CreateExec { Cmd = ["sh", "-c", "echo oops >&2; tr a-z A-Z; exit 5"], AttachStdin = true });
        await using (var session = await Engine.StartExec(exec, tty: false))
        {
            // More than any buffer on the way holds, so both directions have to flow.
            var sent = new string('a', 1 << 20);
            var writing = Task.Run(async () =>
            {
                await session.Write(Encoding.ASCII.GetBytes(sent));
                await session.CloseInput();
            });
            var (output, errors) = (new MemoryStream(), new MemoryStream());
            var buffer = new byte[8192];
            while (await session.Read(buffer) is { Count: > 0 } read)
                (read.Source == DockerSource.Error ? errors : output).Write(buffer, 0, read.Count);
            await writing;
            Assert.Equal(sent.ToUpperInvariant(), Encoding.ASCII.GetString(output.ToArray()));
            Assert.Equal("oops\n", Encoding.ASCII.GetString(errors.ToArray()));
        }

        Assert.True(await Engine.FindExec(exec) is { Running: false, ExitCode: 5 });
        await Engine.RemoveContainer(id, force: true);
        Assert.Equal(DockerFailure.NotFound, (await Assert.ThrowsAsync<DockerException>(() => Engine.CreateExec(id, new CreateExec { Cmd = ["true"] }))).Failure);
    }

    [DockerFact]
    public async Task Exec_Terminal_HasASizeAndAShell()
    {
        var id = await docker.Run("tty");
        var exec = await Engine.CreateExec(id, new CreateExec { Cmd = ["sh"], AttachStdin = true, Tty = true, Env = ["PS1=# "] });
        await using var session = await Engine.StartExec(exec, tty: true);
        var seen = new StringBuilder();
        await Until("# ");
        await Engine.ResizeExec(exec, columns: 101, rows: 33);
        await session.Write("stty size\n"u8.ToArray());
        await Until("33 101");
        await session.Write("exit 4\n"u8.ToArray());
        await Until(null);
        Assert.Equal(4, (await Engine.FindExec(exec))!.ExitCode);
        await Engine.RemoveContainer(id, force: true);

        async Task Until(string? text)
        {
            var buffer = new byte[1024];
            while (text is null || !seen.ToString().Contains(text, StringComparison.Ordinal))
            {
                var (_, count) = await session.Read(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
                if (count == 0)
                {
                    Assert.Null(text);
                    return;
                }
                seen.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
    }

    [DockerFact]
    public async Task Exec_Disposed_EndsItsInput()
    {
        var id = await docker.Run("hangup");
        var exec = await Engine.CreateExec(id, new CreateExec { Cmd = ["cat"], AttachStdin = true });
        var session = await Engine.StartExec(exec, tty: false);
        Assert.True((await Engine.FindExec(exec))!.Running);
        await session.DisposeAsync();
        await Infrastructure.PlatformFixture.Until(async () => await Engine.FindExec(exec) is { Running: false }, "the command to end with its input");
        await Engine.RemoveContainer(id, force: true);
    }

    [DockerFact]
    public async Task Archive_PutAndGot_IsTheSame()
    {
        var id = await docker.Run("archive");
        var content = new byte[3 << 20];
        Random.Shared.NextBytes(content);
        using var tar = new MemoryStream();
        await using (var writer = new System.Formats.Tar.TarWriter(tar, leaveOpen: true))
            await writer.WriteEntryAsync(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "data.bin") { DataStream = new MemoryStream(content) });
        tar.Position = 0;
        await Engine.PutArchive(id, "/home/user", tar);
        Assert.True(tar.CanRead);

        await using (var got = await Engine.GetArchive(id, "/home/user"))
        {
            await using var reader = new System.Formats.Tar.TarReader(got);
            System.Formats.Tar.TarEntry? entry;
            while ((entry = await reader.GetNextEntryAsync())?.Name != "user/data.bin")
                Assert.NotNull(entry);
            using var copy = new MemoryStream();
            await entry.DataStream!.CopyToAsync(copy);
            Assert.Equal(content, copy.ToArray());
        }

        Assert.Equal(DockerFailure.NotFound, (await Assert.ThrowsAsync<DockerException>(() => Engine.GetArchive(id, "/none"))).Failure);
        await Engine.RemoveContainer(id, force: true);
    }

    [DockerFact]
    public async Task Networks_MadeAndJoined_ConnectContainers()
    {
        var name = DockerFixture.NewName("net");
        var network = await Engine.CreateNetwork(new CreateNetwork { Name = name, Labels = new() { ["demiurge-test.net"] = name } });
        Assert.Equal(DockerFailure.Conflict, (await Assert.ThrowsAsync<DockerException>(() => Engine.CreateNetwork(new CreateNetwork { Name = name }))).Failure);
        var server = await docker.Run("server", c => c with
        {
            HostConfig = new() { NetworkMode = name },
            NetworkingConfig = new(new() { [name] = new NetworkEndpoint { Aliases = ["web"] } }),
        });
        var client = await docker.Run("client");

        Assert.NotEqual(0, (await docker.Exec(client, Fetch)).ExitCode);
        await Engine.ConnectNetwork(network, client);
        Assert.Contains("It works.", (await docker.Exec(client, Fetch)).Output);
        Assert.Equal(2, (await Engine.FindNetwork(name))!.Containers!.Count);
        await Engine.DisconnectNetwork(network, client);
        Assert.Equal(network, Assert.Single(await Engine.ListNetworks(DockerFilters.Label("demiurge-test.net", name))).Id);

        Assert.Equal(DockerFailure.Denied, (await Assert.ThrowsAsync<DockerException>(() => Engine.RemoveNetwork(network))).Failure);
        await Engine.RemoveContainer(server, force: true);
        await Engine.RemoveContainer(client, force: true);
        Assert.True(await Engine.RemoveNetwork(network));
        Assert.False(await Engine.RemoveNetwork(network));
        Assert.Null(await Engine.FindNetwork(name));
    }

    [DockerFact]
    public async Task Volumes_OutliveContainers_AndAreRemovedByName()
    {
        var name = DockerFixture.NewName("volume");
        await Engine.CreateVolume(new CreateVolume(name, new() { ["demiurge-test.volume"] = name }));
        var mounted = new HostConfig { Mounts = [new VolumeMount(name, "/home/user")], ReadonlyRootfs = true, Tmpfs = new() { ["/tmp"] = "size=1m" } };
        var first = await docker.Run("first", c => c with { HostConfig = mounted });
        Assert.Equal(0, (await docker.Exec(first, "sh", "-c", "echo kept > /home/user/file")).ExitCode);
        Assert.NotEqual(0, (await docker.Exec(first, "touch", "/bin/new")).ExitCode);
        Assert.Equal(DockerFailure.Conflict, (await Assert.ThrowsAsync<DockerException>(() => Engine.RemoveVolume(name))).Failure);
        await Engine.RemoveContainer(first, force: true);

        var second = await docker.Run("second", c => c with { HostConfig = mounted });
        Assert.Equal("kept\n", (await docker.Exec(second, "cat", "/home/user/file")).Output);
        await Engine.RemoveContainer(second, force: true);

        Assert.Equal(name, Assert.Single(await Engine.ListVolumes(DockerFilters.Label("demiurge-test.volume", name))).Name);
        Assert.Contains((await Engine.DiskUsage()).Volumes!, volume => volume.Name == name && volume.UsageData!.Size > 0);
        Assert.True(await Engine.RemoveVolume(name));
        Assert.False(await Engine.RemoveVolume(name));
        Assert.Null(await Engine.FindVolume(name));
    }

    [DockerFact]
    public async Task Events_Filtered_TellAContainersStory()
    {
        var label = Guid.NewGuid().ToString("N");
        var from = DateTimeOffset.UtcNow.AddSeconds(-1);
        await docker.Run("other");
        var id = await docker.Run("events", c => c with { Labels = new() { ["demiurge-test.events"] = label }, Cmd = ["sh", "-c", "exit 7"] });
        await Engine.WaitContainer(id);
        await Engine.RemoveContainer(id);

        var seen = new List<EngineEvent>();
        await foreach (var happened in Engine.Events(DockerFilters.Label("demiurge-test.events", label).And("type", "container"), since: from))
        {
            seen.Add(happened);
            if (happened.Action == "destroy")
                break;
        }

        Assert.Equal(["create", "start", "die", "destroy"], seen.Select(happened => happened.Action));
        Assert.All(seen, happened => Assert.Equal(id, happened.Actor.ID));
        Assert.Equal("7", seen[2].Actor.Attributes!["exitCode"]);
        Assert.True(seen[0].Time >= from && seen[0].Time <= DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [DockerFact]
    public async Task Images_Tagged_AreFoundAndRemoved()
    {
        var image = (await Engine.FindImage(DockerFixture.Tiny))!;
        Assert.Equal("user", image.Config!.User);
        Assert.Contains("8080/tcp", image.Config.ExposedPorts!.Keys);
        await Engine.Tag(DockerFixture.Tiny, "demiurge-test/other:2");
        Assert.Equal(image.Id, (await Engine.FindImage("demiurge-test/other:2"))!.Id);
        Assert.True(await Engine.RemoveImage("demiurge-test/other:2"));
        Assert.False(await Engine.RemoveImage("demiurge-test/other:2"));
        Assert.Null(await Engine.FindImage("demiurge-test/other:2"));
        Assert.NotNull(await Engine.FindImage(image.Id));
    }

    private static async Task<List<DockerLogLine>> All(IAsyncEnumerable<DockerLogLine> lines)
    {
        var all = new List<DockerLogLine>();
        await foreach (var line in lines)
            all.Add(line);
        return all;
    }
}
