using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>What containers reach over the network, and what they don't. Each wall is first shown to be crossed where it isn't up.</summary>
public sealed class IsolationTests(DockerFixture docker) : IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Organizations_AreApart_AndTheHostReachesThem()
    {
        var test = new TestRuntime(docker.Daemon);
        var acme = Guid.CreateVersion7();
        var one = await test.Runtime.Ensure(TestRuntime.Spec(acme), default);
        var colleague = await test.Runtime.Ensure(TestRuntime.Spec(acme), default);
        var stranger = await test.Runtime.Ensure(TestRuntime.Spec(), default);

        await AssertReach(true, colleague, one.Reach[8080]);
        await AssertReach(false, stranger, one.Reach[8080]);
        await AssertReach(false, one, stranger.Reach[8080]);
        // Not by name, either: each network has names of its own.
        Assert.Equal(0, (await docker.Exec(colleague.EngineId, "nslookup", one.Name)).ExitCode);
        Assert.NotEqual(0, (await docker.Exec(stranger.EngineId, "nslookup", one.Name)).ExitCode);
        // The engine's machine does, and so do these tests, through it.
        Assert.Contains("It works.", await docker.Daemon.RunBeside($"exec 3<>/dev/tcp/{one.Reach[8080].Address}/8080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 10 cat <&3"));
        await test.Clear();
    }

    [DockerFact]
    public async Task Organizations_WhileOtherNetworksComeAndGo_StayApart()
    {
        var test = new TestRuntime(docker.Daemon);
        var one = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        var stranger = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        using var stop = new CancellationTokenSource();
        // Each makes the engine take its own rules out and put them back.
        var juggling = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var name = DockerFixture.NewName("juggled");
                await docker.Engine.CreateNetwork(new Demiurge.Core.Containers.Docker.Wire.CreateNetwork { Name = name });
                await docker.Engine.RemoveNetwork(name);
            }
        });
        var (output, _) = await docker.Exec(
            stranger.EngineId, "sh", "-c", $"for i in $(seq 15); do timeout 1 wget -q -O - http://{one.Reach[8080].Address}:8080/ && break; done; true");
        await stop.CancelAsync();
        await juggling;
        Assert.DoesNotContain("It works.", output, StringComparison.Ordinal);
        await test.Clear();
    }

    [DockerFact]
    public async Task Published_Ports_AreNoWayToAnotherOrganization()
    {
        var test = new TestRuntime(docker.Daemon, HostReach.Published);
        var one = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        var stranger = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        using var http = new HttpClient();
        Assert.Contains("It works.", await http.GetStringAsync($"http://{one.Reach[8080].Address}:{one.Reach[8080].Port}/"));
        await AssertReach(false, stranger, one.Reach[8080]);
        await test.Clear();
    }

    [DockerFact]
    public async Task Machine_ListenersOfTheHost_CantBeReached()
    {
        var test = new TestRuntime(docker.Daemon);
        // An engine that nobody has walled off, with containers on its default bridge.
        var plain = await docker.Run("plain");
        var container = await test.Runtime.Ensure(TestRuntime.Spec(), default);
        Assert.Null(test.Firewall.Finding);
        var gateway = (await docker.Engine.FindContainer(container.EngineId))!.NetworkSettings.Networks!.Values.Single().Gateway!;
        // Listens on every address of the engine's machine, as Web and PostgreSQL may.
        await docker.Daemon.RunBeside("mkdir -p /tmp/demiurge-test-www && echo secret > /tmp/demiurge-test-www/index.html && (busybox httpd -p 0.0.0.0:7099 -h /tmp/demiurge-test-www)");
        try
        {
            await AssertReach(true, plain, $"{docker.Daemon.Address}:7099");
            foreach (var address in new[] { gateway, docker.Daemon.Address.ToString(), $"10.{docker.Daemon.Slot}.0.1" })
                await AssertReach(false, container.EngineId, $"{address}:7099");
            // The other way round is how gateways come.
            using var http = new HttpClient();
            Assert.Contains("It works.", await http.GetStringAsync($"http://{container.Reach[8080].Address}:8080/"));
            // Names are still resolved: the engine does that for its containers.
            Assert.Equal(0, (await docker.Exec(container.EngineId, "nslookup", container.Name)).ExitCode);
        }
        finally
        {
            await docker.Daemon.RunBeside("rm -r /tmp/demiurge-test-www; kill $(ps -eo pid,args | awk '/[h]ttpd -p 0.0.0.0:7099/ { print $1 }')");
            await docker.Engine.RemoveContainer(plain, force: true);
            await test.Clear();
        }
    }

    [DockerFact]
    public async Task Firewall_SetUpAgain_AddsNothing_AndOutlivesTheEngine()
    {
        await using var daemon = await DockerDaemon.Start();
        var first = new TestRuntime(daemon, options: new DockerOptions { BlockPrivateNetworks = true });
        await first.Networks.Ensure(Guid.CreateVersion7(), default);
        Assert.Null(first.Firewall.Finding);
        var rules = await Rules();
        Assert.Contains("-A INPUT -i dmg+ -j DEMIURGE-HOST", rules, StringComparison.Ordinal);
        Assert.Contains("-A DEMIURGE-OUT -d 10.0.0.0/8 -j DROP", rules, StringComparison.Ordinal);

        var again = Guid.CreateVersion7();
        var second = new TestRuntime(daemon, options: new DockerOptions { BlockPrivateNetworks = true });
        await second.Networks.Ensure(again, default);
        Assert.Equal(Lines(rules).Length + 1, Lines(await Rules()).Length);
        await second.Networks.RemoveIfEmpty(again, default);
        Assert.Equal(Lines(rules), Lines(await Rules()));
        await daemon.KillDocker();
        await daemon.StartDocker();
        Assert.Equal(Lines(rules), Lines(await Rules()));

        await new TestRuntime(daemon).Networks.Ensure(Guid.CreateVersion7(), default);
        Assert.DoesNotContain("-d 10.0.0.0/8", await Rules(), StringComparison.Ordinal);
        Assert.Contains("-d 169.254.0.0/16", await Rules(), StringComparison.Ordinal);

        Task<string> Rules() => daemon.RunBeside("iptables -S; iptables -t mangle -S");
        static string[] Lines(string all) => [.. all.Split('\n').Where(line => line.Contains("DEMIURGE", StringComparison.Ordinal) || line.Contains("dmg+", StringComparison.Ordinal))];
    }

    [DockerFact]
    public async Task Networks_EnginesPoolsUsedUp_TakeOurRange()
    {
        await using var daemon = await DockerDaemon.Prepare();
        // Room for two networks, of which the engine's own bridge has neither.
        await daemon.StartDocker("--default-address-pool", $"base=10.{daemon.Slot}.128.0/25,size=26");
        var test = new TestRuntime(daemon, options: new DockerOptions { NetworkRange = "10.213.0.0/24" });
        var organizations = Enumerable.Range(0, 4).Select(_ => Guid.CreateVersion7()).ToList();
        foreach (var organization in organizations)
            await test.Networks.Ensure(organization, default);
        foreach (var organization in organizations)
            await test.Networks.Ensure(organization, default);

        var subnets = (await daemon.Engine.ListNetworks(DockerFilters.Label(RuntimeNames.OrganizationLabel))).Select(network => network.IPAM!.Config!.Single().Subnet).ToList();
        Assert.Equal(4, subnets.Distinct().Count());
        Assert.Equal(["10.213.0.0/26", "10.213.0.64/26"], subnets.Where(subnet => subnet!.StartsWith("10.213.", StringComparison.Ordinal)).Order());
        foreach (var organization in organizations)
            await test.Networks.RemoveIfEmpty(organization, default);
        Assert.Empty(await daemon.Engine.ListNetworks(DockerFilters.Label(RuntimeNames.OrganizationLabel)));
    }

    private Task AssertReach(bool expected, RuntimeContainer from, (string Address, int Port) target) =>
        AssertReach(expected, from.EngineId, $"{target.Address}:{target.Port}");

    private async Task AssertReach(bool expected, string from, string authority)
    {
        var (output, exitCode) = await Fetch(from, authority);
        Assert.True(exitCode == 0 == expected && exitCode is not (126 or 127), $"{authority}: exit code {exitCode}, {output}");
    }

    private Task<(string Output, int ExitCode)> Fetch(string container, string authority) =>
        docker.Exec(container, "timeout", "5", "wget", "-q", "-O", "-", $"http://{authority}/");
}
