using System.Net;
using System.Net.Sockets;
using Demiurge.Web.Hosting;
using Microsoft.Extensions.Configuration;

namespace Demiurge.Tests.Hosting;

public sealed class SiteEnvironmentTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("demiurge-environment-").FullName;
    private readonly HeldPorts held = new();

    public void Dispose()
    {
        held.Dispose();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public void Resolve_NothingSet_IsTheLocalOne()
    {
        var environment = Resolve("local", ("Environment", null));

        Assert.Equal("local", environment.Name);
        Assert.Equal("demiurge.localhost", environment.Domain);
        Assert.Equal($"http://demiurge.localhost:{environment.Port}", environment.PublicUrl);
        Assert.False(environment.ListensEverywhere);
    }

    [Fact]
    public void Resolve_Named_HasItsOwnDomainAndPorts()
    {
        var local = Resolve("local").ClaimPorts(held);
        var staging = Resolve("staging").ClaimPorts(held);

        Assert.Equal("staging.demiurge.localhost", staging.Domain);
        Assert.NotEqual(local.Port, staging.Port);
        Assert.NotEqual(local.ControlPort, staging.ControlPort);
        Assert.True(Math.Abs(local.GatewayBasePort - staging.GatewayBasePort) >= 20);
    }

    [Fact]
    public void ClaimPorts_NextStart_KeepsThem()
    {
        var first = Resolve("local", ("Port", Free().ToString())).ClaimPorts(held);

        var second = Resolve("local");

        Assert.Equal((first.Port, first.ControlPort, first.GatewayBasePort), (second.Port, second.ControlPort, second.GatewayBasePort));
    }

    [Fact]
    public void ClaimPorts_PublicPortTaken_SaysHowToChooseAnother()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var error = Assert.Throws<SiteEnvironmentException>(() => Resolve("local", ("Port", $"{port}")).ClaimPorts(held));

        Assert.Contains($"Port {port} is taken", error.Message);
        Assert.Contains("--port", error.Message);
    }

    [Fact]
    public void ClaimPorts_TwoFirstStartsAtOnce_GetDifferentPorts()
    {
        using var others = new HeldPorts();
        // Both have chosen before either has bound.
        var first = Resolve("a/local");
        var second = Resolve("b/local");

        first = first.ClaimPorts(held);
        second = second.ClaimPorts(others);

        Assert.NotEqual(first.Port, second.Port);
        Assert.EndsWith($":{second.Port}", second.PublicUrl);
        Assert.Throws<SocketException>(() => new TcpListener(IPAddress.Loopback, first.Port).Start());
    }

    [Fact]
    public void ClaimPorts_ControlPortTaken_TakesAnother()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;

        var environment = Resolve("local", ("ControlPort", $"{taken}"), ("Port", $"{Free()}")).ClaimPorts(held);

        Assert.NotEqual(taken, environment.ControlPort);
    }

    [Fact]
    public void Resolve_PublicUrlSet_WinsOverThePort()
    {
        var environment = Resolve("local", ("PublicUrl", "https://boards.example.org/"), ("Domain", "boards.example.org"));

        Assert.Equal("https://boards.example.org", environment.PublicUrl);
        Assert.Equal("boards.example.org", environment.Domain);
    }

    [Theory]
    [InlineData("Environment", "Über", "Demiurge:Environment")]
    [InlineData("Environment", "a.b", "Demiurge:Environment")]
    [InlineData("Environment", "../up", "Demiurge:Environment")]
    [InlineData("Port", "http", "Demiurge:Port")]
    [InlineData("Port", "70000", "Demiurge:Port")]
    [InlineData("Gateways:BasePort", "-1", "Demiurge:Gateways:BasePort")]
    [InlineData("Listen", "0.0.0.0", "Demiurge:Listen")]
    public void Resolve_SettingUnusable_NamesItsKey(string key, string value, string named)
        => Assert.Contains(named, Assert.Throws<SiteEnvironmentException>(() => Resolve("local", (key, value))).Message);

    [Fact]
    public void Resolve_PortsFileDamaged_NamesTheFile()
    {
        Directory.CreateDirectory(Path.Combine(root, "local"));
        var file = Path.Combine(root, "local", "env.json");
        File.WriteAllText(file, "{");

        Assert.Contains(file, Assert.Throws<SiteEnvironmentException>(() => Resolve("local")).Message);
    }

    [Fact]
    public void Claim_Twice_IsRefusedUntilTheFirstIsGone()
    {
        var environment = Resolve("local", ("Port", $"{Free()}")).ClaimPorts(held);
        Assert.Null(RunningWeb.Find(environment.DataPath));

        using (var first = RunningWeb.Claim(environment.DataPath))
        {
            first.Announce(environment);
            var found = RunningWeb.Find(environment.DataPath);

            Assert.Equal((Environment.ProcessId, environment.Port, false), (found!.Pid, found.Port, found.Ready));
            var error = Assert.Throws<SiteEnvironmentException>(() => RunningWeb.Claim(environment.DataPath));
            Assert.Contains("already runs", error.Message);
            Assert.Contains("./demiurge down", error.Message);
        }

        // web.json still names this living process, but nobody holds the lock any more.
        Assert.Null(RunningWeb.Find(environment.DataPath));
        RunningWeb.Claim(environment.DataPath).Dispose();
    }

    private SiteEnvironment Resolve(string name, params (string Key, string? Value)[] settings)
    {
        var environment = SiteEnvironment.Resolve(new ConfigurationBuilder()
            .AddInMemoryCollection([new("Demiurge:Environment", Path.GetFileName(name)), new("Demiurge:DataPath", Path.Combine(root, name))])
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Demiurge:{s.Key}", s.Value)))
            .Build());
        environment.CreateFolder();
        return environment;
    }

    private static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
