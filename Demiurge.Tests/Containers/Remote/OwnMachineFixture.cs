using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>A test that needs a Docker engine and real tunnels. Skipped, with the reason, where they can't be had; in CI it fails there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OwnMachineFactAttribute : FactAttribute
{
    public OwnMachineFactAttribute()
    {
        if (WhyNot is not null && Environment.GetEnvironmentVariable("CI") is null or "" or "false")
            Skip = WhyNot;
    }

    public static string? WhyNot { get; } = DockerFactAttribute.WhyNot ?? JoinImage.Missing ?? Gateway.Vpn.VpnTools.Find().Missing;
}

/// <summary>The platform on this machine, and a Docker engine that stands for the machines of people: it is apart from it but for one link, as theirs are.</summary>
public sealed class OwnMachineFixture : IAsyncLifetime
{
    private readonly DockerFixture docker = new();
    private readonly List<string> started = [];

    public OwnMachinePlatform Platform { get; } = new();

    public async Task InitializeAsync()
    {
        if (OwnMachineFactAttribute.WhyNot is not null && Environment.GetEnvironmentVariable("CI") is null or "" or "false")
            return;
        await docker.InitializeAsync();
        await JoinImage.Load(docker.Engine);
        await Platform.InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        if (started.Count > 0)
            await Docker($"rm -f {string.Join(' ', started)}");
        await docker.DisposeAsync();
        if (Platform.Site is not null)
            await Platform.DisposeAsync();
    }

    /// <summary>Of the machines' engine.</summary>
    public string Endpoint => docker.Endpoint;

    /// <summary>This machine, as containers see it.</summary>
    public string Here => $"10.{docker.Daemon.Slot}.1.1";

    /// <summary>An organization with a gateway, and containers for machines of its owner's.</summary>
    public async Task<(Account Owner, Guid OrganizationId, Guid[] ContainerIds)> Containers(int count)
    {
        var (owner, organization, project) = await Platform.CreateProject();
        await owner.Open(project);
        await using var db = new DemiurgeDbContext(new DbContextOptionsBuilder<DemiurgeDbContext>().UseNpgsql(Platform.Database).Options);
        var ids = new Guid[count];
        for (var i = 0; i < count; i++)
            ids[i] = await RemoteContainers.Add(db, organization, project, owner.Id);
        return (owner, organization, ids);
    }

    /// <summary>Has the command made and runs it, as the person would; what it says is the id of the Docker container.</summary>
    public async Task<string> Join(Account owner, Guid containerId)
    {
        var made = await Account.Read(await owner.Http.PostAsync($"containers/{containerId}/machine", null));
        var machine = await Run((string)made["command"]!);
        return machine;
    }

    /// <summary>Runs such a command. Its <c>host-gateway</c> is the engine's own machine; here Demiurge is on another.</summary>
    public async Task<string> Run(string command)
    {
        Assert.StartsWith("docker run --rm -d ", command, StringComparison.Ordinal);
        // Kept, so that the test can see how it ended.
        var id = await Docker(command["docker ".Length..].Replace("--rm ", "", StringComparison.Ordinal).Replace("host-gateway", Here, StringComparison.Ordinal));
        started.Add(id);
        return id;
    }

    /// <summary>Asks for a page of a container at its address, as a script with the token does, or as a browser that leads its person there.</summary>
    public async Task<(HttpStatusCode Status, string Body)> Visit(Guid organizationId, Guid containerId, string? token, string path = "/", bool asPerson = false)
    {
        // Any name under the installation's domain leads to its edge, as a resolver would have it.
        using var wire = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, Platform.Site.Url.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://uc-{containerId}.org-{organizationId}.{Platform.Site.Url.Authority}{path}");
        if (token is not null)
            request.Headers.Add("Demiurge-Token", token);
        if (asPerson)
        {
            request.Headers.Accept.ParseAdd("text/html");
            request.Headers.Add("Sec-Fetch-Mode", "navigate");
        }
        using var answer = await wire.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Runs <c>docker</c> against the machines' engine; what it wrote.</summary>
    public async Task<string> Docker(string arguments, bool fails = false)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec docker {arguments} 2>&1"])
        {
            RedirectStandardOutput = true,
            Environment = { ["DOCKER_HOST"] = docker.Endpoint },
        })!;
        var output = (await process.StandardOutput.ReadToEndAsync()).Trim();
        await process.WaitForExitAsync();
        Assert.True(fails || process.ExitCode == 0, $"docker {arguments}: {output}");
        return output;
    }

    /// <summary>Runs a command in a machine. Its output and exit code; bounded in time.</summary>
    public Task<(string Output, int ExitCode)> In(string machine, string command) => docker.Exec(machine, "busybox", "timeout", "10", "sh", "-c", command);

    /// <summary>Where the gateway reaches a service of a container now; null while it can't.</summary>
    public async Task<Uri?> EndpointOf(Guid containerId, string service = "main")
    {
        await using var command = Platform.Database.CreateCommand(
            "SELECT e->>'address', (e->>'port')::int FROM containers, jsonb_array_elements(endpoints) e WHERE id = $1 AND state = 'Running' AND e->>'service' = $2");
        command.Parameters.AddWithValue(containerId);
        command.Parameters.AddWithValue(service);
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() ? new Uri($"http://{reader.GetString(0)}:{reader.GetInt32(1)}/") : null;
    }

    public async Task<(string State, string? Reason)> StateOf(Guid containerId)
    {
        await using var command = Platform.Database.CreateCommand("SELECT state, reason FROM containers WHERE id = $1");
        command.Parameters.AddWithValue(containerId);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1));
    }

    /// <summary>Waits until the container can be reached through its tunnel, and returns where.</summary>
    public async Task<Uri> UntilReached(Guid containerId, string machine)
    {
        Uri? reached = null;
        try
        {
            await PlatformFixture.Until(async () => await EndpointOf(containerId) is { } endpoint && await Answers(reached = endpoint), "the machine to be reached");
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{await StateOf(containerId)}\nmachine: {await Docker($"logs {machine}", fails: true)}\n{(await In(machine, "cat /var/lib/demiurge-join/openvpn.log")).Output}\n{GatewayLogs()}", exception);
        }
        return reached!;
    }

    /// <summary>Whether something answers there, as the gateway would see it: on this machine, past everything but the tunnel.</summary>
    public static async Task<bool> Answers(Uri endpoint)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(3) };
        try
        {
            return (await http.GetStringAsync(endpoint)).Contains("It runs here.", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private string GatewayLogs() => string.Join(
        '\n', Directory.GetFiles(Path.Combine(Platform.Site.DataPath, "gateways")).SelectMany(File.ReadLines).Where(line => line.Contains("VPN", StringComparison.Ordinal) || line.Contains("machine", StringComparison.Ordinal)));
}

/// <summary>Reached from other machines, and short of patience.</summary>
public sealed class OwnMachinePlatform : PlatformFixture
{
    protected override (string Key, string Value)[] Settings =>
    [
        ("Demiurge:Listen", "everywhere"), ("Demiurge:Containers:Engine", ""), ("Demiurge:Remote:Image", JoinImage.Name), ("Demiurge:Remote:ReportInterval", "00:00:01"),
        ("Demiurge:Remote:SilenceLimit", "00:00:05"), ("Gateway:Vpn:BasePort", "0"),
    ];
}
