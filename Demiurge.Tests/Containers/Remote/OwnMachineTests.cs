using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Demiurge.Tests.Infrastructure;
using Xunit.Abstractions;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>People's own machines with everything real: the command that the API gives, containers that run it, OpenVPN at both ends.</summary>
public sealed class OwnMachineTests(OwnMachineFixture machines, ITestOutputHelper output) : IClassFixture<OwnMachineFixture>
{
    [OwnMachineFact]
    public async Task Machines_OfOneOrganization_AreReachedAndSeeNeitherEachOtherNorTheHost()
    {
        var (owner, organization, ids) = await machines.Containers(2);
        var first = await machines.Join(owner, ids[0]);
        var second = await machines.Join(owner, ids[1]);
        var toFirst = await machines.UntilReached(ids[0], first);
        var toSecond = await machines.UntilReached(ids[1], second);
        using var http = new HttpClient();

        // Each is reached as itself, by the gateway's own address.
        Assert.Equal($"{first[..12]} {GatewayOf(toFirst)}", await http.GetStringAsync(new Uri(toFirst, "cgi-bin/who")));
        Assert.Equal($"{second[..12]} {GatewayOf(toSecond)}", await http.GetStringAsync(new Uri(toSecond, "cgi-bin/who")));
        Assert.Equal(GatewayOf(toFirst), GatewayOf(toSecond));

        // A machine has what it asks for when it asks where that is served; so the refusals below are refusals.
        var web = machines.Platform.Site.Url.Port;
        Assert.Equal(0, (await machines.In(first, $"busybox wget -q -O- http://127.0.0.1:8080/")).ExitCode);
        Assert.Equal(0, (await machines.In(first, $"printf 'GET /health HTTP/1.0\r\n\r\n' | busybox nc -w 3 {machines.Here} {web}")).ExitCode);

        // Neither machine sees the other, nor the ports of the gateway's machine through the tunnel, nor what lies behind it.
        foreach (var (machine, other) in new[] { (first, toSecond), (second, toFirst) })
        {
            Assert.NotEqual(0, (await machines.In(machine, $"busybox nc -w 3 {other.Host} 8080 </dev/null")).ExitCode);
            Assert.NotEqual(0, (await machines.In(machine, $"busybox nc -w 3 {GatewayOf(other)} {web} </dev/null")).ExitCode);
        }
        // Also not with a route of its own making, for which it has the capability.
        Assert.Equal(0, (await machines.In(first, $"busybox ip route add {machines.Here} dev demiurge0")).ExitCode);
        Assert.NotEqual(0, (await machines.In(first, $"busybox nc -w 3 {machines.Here} {web} </dev/null")).ExitCode);
        Assert.Equal(0, (await machines.In(first, $"busybox ip route del {machines.Here} dev demiurge0")).ExitCode);
        Assert.NotNull(await machines.Platform.GatewayOf(organization));
    }

    [OwnMachineFact]
    public async Task Machine_IsReachedThroughEdgeAndGateway_AtTheAddressOfItsContainer()
    {
        var (owner, organization, ids) = await machines.Containers(2);
        var tokens = new string[2];
        for (var i = 0; i < 2; i++)
            tokens[i] = (string)(await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{ids[i]}/tokens", new { name = "script" })))["token"]!;
        var (before, _) = await machines.Visit(organization, ids[0], tokens[0]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, before);

        var joined = new[] { await machines.Join(owner, ids[0]), await machines.Join(owner, ids[1]) };
        for (var i = 0; i < 2; i++)
        {
            var gateway = GatewayOf(await machines.UntilReached(ids[i], joined[i]));
            var (status, body) = (default(HttpStatusCode), "");
            await PlatformFixture.Until(
                async () => ((status, body) = await machines.Visit(organization, ids[i], tokens[i], "/cgi-bin/who")).status == HttpStatusCode.OK, "the address to lead to the machine");
            // Each address leads to its own machine, by way of the gateway.
            Assert.Equal($"{joined[i][..12]} {gateway}", body);
        }
        Assert.Equal(HttpStatusCode.Unauthorized, (await machines.Visit(organization, ids[0], null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await machines.Visit(organization, ids[0], tokens[1])).Status);

        // Silent, it is dropped, and whoever comes is told so. Its neighbour goes on.
        await machines.Docker($"pause {joined[0]}");
        await PlatformFixture.Until(
            async () => (await machines.Visit(organization, ids[0], tokens[0])).Body.Contains("\"code\":\"container.machine_away\"", StringComparison.Ordinal), "the silent machine to be dropped");
        Assert.Contains("heard of for 5 seconds", (await machines.Visit(organization, ids[0], tokens[0])).Body, StringComparison.Ordinal);
        var (told, page) = await machines.Visit(organization, ids[0], tokens[0], asPerson: true);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, told);
        Assert.Contains("Its machine isn&#39;t connected", page, StringComparison.Ordinal);
        Assert.DoesNotContain("data-testid=\"start\"", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await machines.Visit(organization, ids[1], tokens[1])).Status);

        // Back, it is there again, at the same address.
        await machines.Docker($"unpause {joined[0]}");
        await PlatformFixture.Until(
            async () => (await machines.Visit(organization, ids[0], tokens[0])).Body.Contains("It runs here.", StringComparison.Ordinal), "the machine to be back");
    }

    [OwnMachineFact]
    public async Task Machine_ThatFallsSilent_IsDroppedAndComesBackByItself()
    {
        var (owner, _, ids) = await machines.Containers(1);
        var machine = await machines.Join(owner, ids[0]);
        await machines.UntilReached(ids[0], machine);

        await machines.Docker($"pause {machine}");
        await PlatformFixture.Until(async () => (await machines.StateOf(ids[0])).State == "Stopped", "the silent machine to be dropped");
        Assert.Equal("Your machine hasn't been heard of for 5 seconds.", (await machines.StateOf(ids[0])).Reason);
        Assert.Null(await machines.EndpointOf(ids[0]));

        await machines.Docker($"unpause {machine}");
        await machines.UntilReached(ids[0], machine);

        // One that ends in order says so.
        await machines.Docker($"stop {machine}");
        await PlatformFixture.Until(async () => (await machines.StateOf(ids[0])).Reason == "Your machine has left.", "the leave to be seen");
        // And started again it needs no other command.
        await machines.Docker($"start {machine}");
        await machines.UntilReached(ids[0], machine);
    }

    [OwnMachineFact]
    public async Task Machine_Revoked_IsCutAndItsCertificateIsOfNoUse()
    {
        var (owner, _, ids) = await machines.Containers(1);
        var machine = await machines.Join(owner, ids[0]);
        var endpoint = await machines.UntilReached(ids[0], machine);
        // Somebody made a copy of all that the machine has, and connects with it when it is too late.
        var copy = await machines.Docker($"create --cap-add NET_ADMIN --device /dev/net/tun --entrypoint sleep {JoinImage.Name} 600");
        var folder = Directory.CreateTempSubdirectory("demiurge-test-").FullName;
        try
        {
            await machines.Docker($"cp {machine}:/var/lib/demiurge-join {folder}/state");
            await machines.Docker($"cp {folder}/state {copy}:/state");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        var arguments = (await machines.In(machine, "cat /proc/$(busybox pidof openvpn)/cmdline | busybox tr '\\0' '\\n'")).Output.Split('\n');
        var at = Array.IndexOf(arguments, "--remote");
        var (host, port, name) = (machines.Here, arguments[at + 2], arguments[Array.IndexOf(arguments, "--verify-x509-name") + 1]);

        var started = Stopwatch.GetTimestamp();
        (await owner.Http.DeleteAsync($"containers/{ids[0]}/machine")).EnsureSuccessStatusCode();
        await PlatformFixture.Until(async () => !await OwnMachineFixture.Answers(endpoint), "the tunnel to be cut");
        output.WriteLine($"cut within {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s (the look itself takes up to 3 s)");

        Assert.Equal("Its machine was cut off. Copy a new command to join again.", (await machines.StateOf(ids[0])).Reason);
        await PlatformFixture.Until(async () => await machines.Docker($"inspect -f {{{{.State.Status}}}}:{{{{.State.ExitCode}}}} {machine}") == "exited:0", "the agent to end by itself");
        Assert.Contains("This machine was cut off", await machines.Docker($"logs {machine}"), StringComparison.Ordinal);
        await machines.Docker($"start {copy}");
        var (said, _) = await machines.In(
            copy, $"openvpn --client --dev tun0 --dev-type tun --nobind --proto udp4 --remote {host} {port} --ca /state/authority.pem --cert /state/machine.pem --key /state/machine.key "
                + $"--tls-crypt /state/channel.key --verify-x509-name {name} name --remote-cert-tls server --auth SHA256 --disable-dco");
        Assert.Contains("AUTH_FAILED", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Initialization Sequence Completed", said, StringComparison.Ordinal);
        await machines.Docker($"rm -f {copy}");
        Assert.False(await OwnMachineFixture.Answers(endpoint));
    }

    [OwnMachineFact]
    public async Task Gateway_Killed_LeavesNothing_AndMachinesComeBackThroughTheNext()
    {
        var (owner, organization, ids) = await machines.Containers(2);
        var both = new[] { await machines.Join(owner, ids[0]), await machines.Join(owner, ids[1]) };
        var before = await machines.UntilReached(ids[0], both[0]);
        await machines.UntilReached(ids[1], both[1]);
        var gateway = (await machines.Platform.GatewayOf(organization))!;
        var device = await DeviceOf(before);
        Assert.NotEmpty(await FirewallOf(device));

        gateway.Kill();

        await PlatformFixture.Until(async () => await machines.Platform.GatewayOf(organization) is { } next && next.Epoch > gateway.Epoch, "the next gateway");
        await PlatformFixture.Until(async () => !Directory.Exists($"/sys/class/net/{device}") && (await FirewallOf(device)).Length == 0, "the first one's server and firewall to be gone");
        for (var i = 0; i < 2; i++)
            await machines.UntilReached(ids[i], both[i]);
        Assert.NotEmpty(await FirewallOf(await DeviceOf((await machines.EndpointOf(ids[0]))!)));

        // A server that dies is started again by its gateway.
        var present = (await machines.EndpointOf(ids[0]))!;
        var server = await Shell($"pgrep -f 'openvpn.*' | while read -r p; do grep -qs {await DeviceOf(present)} /proc/$p/fdinfo/* 2>/dev/null && echo $p; done | head -n 1");
        Assert.NotEqual("", server);
        await Shell($"kill -KILL {server}");
        await PlatformFixture.Until(() => Task.FromResult(!Directory.Exists($"/proc/{server}")), "the server's end");
        for (var i = 0; i < 2; i++)
            await machines.UntilReached(ids[i], both[i]);
    }

    private static string GatewayOf(Uri endpoint)
    {
        var bytes = System.Net.IPAddress.Parse(endpoint.Host).GetAddressBytes();
        return $"172.16.{bytes[2] & 0xF0}.1";
    }

    private static Task<string> DeviceOf(Uri endpoint) => Shell($"ip -o -4 addr show | awk '$4 == \"{GatewayOf(endpoint)}/20\" {{ print $2 }}'");

    private static Task<string> FirewallOf(string device) => Shell($"iptables -w 10 -t mangle -S | grep -w -- {device} || true");

    private static async Task<string> Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true, Environment = { ["PATH"] = "/usr/sbin:/sbin:/usr/bin:/bin" } })!;
        var text = (await process.StandardOutput.ReadToEndAsync()).Trim();
        await process.WaitForExitAsync();
        return text;
    }
}
