using System.Text.Json.Nodes;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>What a program in a container does to get at its host or to take more of it than its tier allows; see also <see cref="IsolationTests"/> for the network.</summary>
public sealed class EscapeTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Host_IsNotInTheContainer_NeitherAsTheEngineSaysNorAsItsProgramsSee()
    {
        var test = new TestRuntime(docker.Daemon);
        var container = await test.Runtime.Ensure(TestRuntime.Spec() with { Volumes = ["/home/user"] }, default);
        var host = (await Inspect(docker.Daemon, container.EngineId))["HostConfig"]!;

        Assert.False((bool)host["Privileged"]!);
        foreach (var list in new[] { "Binds", "Devices", "DeviceRequests", "CapAdd", "VolumesFrom", "GroupAdd", "DeviceCgroupRules", "Links", "ExtraHosts" })
            Assert.True(host[list] is null or JsonArray { Count: 0 }, $"{list}: {host[list]}");
        foreach (var mode in new[] { "PidMode", "UTSMode", "UsernsMode" })
            Assert.Equal("", (string?)host[mode]);
        Assert.Equal("private", (string?)host["IpcMode"]);
        Assert.All(host["Mounts"]!.AsArray(), mount => Assert.Equal("volume", (string?)mount!["Type"]));
        Assert.NotEmpty(host["MaskedPaths"]!.AsArray());
        Assert.NotEmpty(host["ReadonlyPaths"]!.AsArray());

        await Fails("ls /var/run/docker.sock /run/docker.sock /run/containerd");
        await Fails("echo b > /proc/sysrq-trigger");
        await Fails("echo 1 > /proc/sys/kernel/panic");
        await Fails("echo x > /sys/kernel/uevent_helper");
        await Fails("mkdir /sys/fs/cgroup/escape");
        await Fails("head -c 1 /dev/mem || head -c 1 /dev/kmsg || head -c 1 /dev/sda || head -c 1 /dev/vda || head -c 1 /dev/nvme0n1");
        await Fails("head -c 1 /proc/kcore");
        await Fails("mount -t proc x /tmp || mount --bind / /tmp");
        await Fails("hostname other");
        await Fails("ip link set eth0 down");
        await Fails("ping -c 1 -W 1 127.0.0.1");
        // As root inside as well: a service's user can be root, without what makes root powerful.
        await Fails("chown user /bin/busybox || mount -t tmpfs x /tmp", user: "0");
        var processes = (await Run("ps -o pid | wc -l")).Output;
        Assert.InRange(int.Parse(processes.Trim(), System.Globalization.CultureInfo.InvariantCulture), 1, 10);
        await test.Clear();

        async Task Fails(string command, string? user = null)
        {
            var (output, exitCode) = await Run(command, user);
            Assert.True(exitCode != 0, $"`{command}` worked: {output}");
        }

        async Task<(string Output, int ExitCode)> Run(string command, string? user = null)
        {
            await using var exec = await test.Runtime.Exec(container.Name, new ExecSpec(["/bin/sh", "-c", command], 80, 24) { Tty = false, User = user }, default);
            using var output = new MemoryStream();
            var buffer = new byte[4096];
            while (await exec.Read(buffer, default) is > 0 and var count)
                output.Write(buffer, 0, count);
            return (System.Text.Encoding.UTF8.GetString(output.ToArray()), await exec.ExitCode(default));
        }
    }

    [DockerFact]
    public async Task Bombs_OfProcessesMemoryAndDisk_StopAtTheTier_AndHarmNoNeighbour()
    {
        var test = new TestRuntime(docker.Daemon);
        var organization = Guid.CreateVersion7();
        var bomb = await test.Runtime.Ensure(TestRuntime.Spec(organization), default);
        var neighbour = await test.Runtime.Ensure(TestRuntime.Spec(organization), default);

        var (forks, _) = await docker.Exec(bomb.EngineId, "sh", "-c", "i=0; while [ $i -lt 300 ]; do sleep 20 & i=$((i+1)); done; echo all");
        Assert.DoesNotContain("all", forks, StringComparison.Ordinal);
        Assert.Contains("fork", forks, StringComparison.Ordinal);
        using var http = new HttpClient();
        Assert.Contains("It works.", await http.GetStringAsync($"http://{neighbour.Reach[8080].Address}:8080/"));

        var hog = await test.Runtime.Ensure(TestRuntime.Spec(organization), default);
        var (_, killed) = await docker.Exec(hog.EngineId, "tail", "/dev/zero");
        Assert.Equal(137, killed);
        // Its tmpfs is memory of its own, and only half of that.
        var (full, failed) = await docker.Exec(hog.EngineId, "dd", "if=/dev/zero", "of=/tmp/x", "bs=1M", "count=60");
        Assert.True(failed != 0, full);
        Assert.Contains("It works.", await http.GetStringAsync($"http://{neighbour.Reach[8080].Address}:8080/"));
        await test.Clear();
    }

    [DockerFact]
    public async Task Metadata_OfTheHostsCloud_CantBeReached()
    {
        var test = new TestRuntime(docker.Daemon);
        var plain = await docker.Run("plain");
        var container = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        await docker.Daemon.RunBeside("ip addr add 169.254.169.254/32 dev lo; mkdir -p /tmp/demiurge-test-meta && echo secret >/tmp/demiurge-test-meta/index.html && (busybox httpd -p 169.254.169.254:80 -h /tmp/demiurge-test-meta)");
        try
        {
            Assert.Equal("secret\n", (await docker.Exec(plain, "timeout", "5", "wget", "-q", "-O", "-", "http://169.254.169.254/")).Output);
            Assert.NotEqual(0, (await docker.Exec(container.EngineId, "timeout", "5", "wget", "-q", "-O", "-", "http://169.254.169.254/")).ExitCode);
        }
        finally
        {
            await docker.Daemon.RunBeside("kill $(ps -eo pid,args | awk '/[h]ttpd -p 169.254.169.254:80/ { print $1 }'); ip addr del 169.254.169.254/32 dev lo; rm -r /tmp/demiurge-test-meta");
            await docker.Engine.RemoveContainer(plain, force: true);
            await test.Clear();
        }
    }

    [DockerFact]
    public async Task Runtime_OfTheHost_IsWhatItsContainersRunOn()
    {
        var database = new PostgresFixture();
        await database.InitializeAsync();
        await using var daemon = await DockerDaemon.Prepare();
        await daemon.StartDocker("--add-runtime", $"other={(await daemon.RunBeside("PATH=$PATH:/usr/sbin:/sbin command -v runc")).Trim()}");
        await TestImages.LoadTiny(daemon.Engine);
        await using (var web = await ReconcilerHost.StartOn(daemon.EndpointText, database))
        {
            await using (var db = web.CreateContext())
                await db.Set<ContainerHost>().ExecuteUpdateAsync(set => set.SetProperty(host => host.Runtime, "other"));
            var workspace = await Workspace.Create(database);
            var id = (await web.Create(workspace, "image", new Dictionary<string, string> { ["image"] = DockerFixture.Tiny })).Id;
            await web.Reaches(workspace, id, ContainerState.Running);
            Assert.Equal("other", (string?)(await Inspect(daemon, (await web.Row(id)).EngineId!))["HostConfig"]!["Runtime"]);
        }
        await database.DisposeAsync();
    }

    /// <summary>All that the engine has on a container, beyond what the client reads.</summary>
    private static async Task<JsonNode> Inspect(DockerDaemon daemon, string id) =>
        JsonNode.Parse(await daemon.RunBeside($"curl -sS --unix-socket {daemon.Endpoint.SocketPath} http://docker/v1.41/containers/{id}/json"))!;
}
