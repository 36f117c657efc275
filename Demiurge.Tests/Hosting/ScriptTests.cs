using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Hosting;

/// <summary><c>./demiurge</c> as a person runs it, on a data folder of the test's own.</summary>
public sealed class ScriptTests : IAsyncLifetime
{
    private readonly string root = Directory.CreateTempSubdirectory("demiurge-script-").FullName;

    public Task InitializeAsync()
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.OtherExecute);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var folder in Directory.GetDirectories(root))
            await Run("down", "--env", Path.GetFileName(folder));
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Up_TwiceThenDown_IsOneInstallationAndLeavesNothing()
    {
        var first = await Up("local");
        var status = await Status("local");
        Assert.Equal("running", status.GetProperty("status").GetString());
        var url = status.GetProperty("url").GetString()!;
        Assert.StartsWith("http://demiurge.localhost:", url);
        Assert.Contains(url, first);
        Assert.Equal(HttpStatusCode.OK, await Get(status, "/health"));
        Assert.Equal(HttpStatusCode.NotFound, await Get(status, "/gateway/ready"));

        var second = await Up("local");

        Assert.Contains($"already running: {url}", second);
        Assert.Equal(Pid(status, "web"), Pid(await Status("local"), "web"));

        Assert.Equal(0, (await Run("down")).ExitCode);

        var stopped = await Status("local");
        Assert.Equal("stopped", stopped.GetProperty("status").GetString());
        Assert.Empty(stopped.GetProperty("gateways").EnumerateArray());
        var pids = status.GetProperty("gateways").EnumerateArray().Select(g => g.GetProperty("pid").GetInt32())
            .Append(Pid(status, "web")).Append(Pid(status, "postgresql"));
        while (Process.GetProcesses().Any(p => pids.Contains(p.Id) && !IsZombie(p.Id)))
            await Task.Delay(50);
        Assert.Contains("Nothing runs", (await Run("down")).Output);
    }

    [Fact]
    public async Task Up_WebWasKilled_AdoptsTheDatabase()
    {
        await Up("local");
        var before = await Status("local");
        using (var web = Process.GetProcessById(Pid(before, "web")))
            web.Kill();

        await Up("local");

        var after = await Status("local");
        Assert.Equal(Pid(before, "postgresql"), Pid(after, "postgresql"));
        Assert.NotEqual(Pid(before, "web"), Pid(after, "web"));
        Assert.Equal(before.GetProperty("url").GetString(), after.GetProperty("url").GetString());
        Assert.Equal(HttpStatusCode.OK, await Get(after, "/health"));
    }

    [Fact]
    public async Task Up_AnotherEnvironment_IsSeparate()
    {
        await Up("local");
        await Up("second");
        var local = await Status("local");
        var second = await Status("second");

        Assert.StartsWith("http://second.demiurge.localhost:", second.GetProperty("url").GetString());
        Assert.NotEqual(Port(local, "web"), Port(second, "web"));
        Assert.NotEqual(Port(local, "postgresql"), Port(second, "postgresql"));

        await Run("down", "--env", "second");

        Assert.Equal("stopped", (await Status("second")).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, await Get(local, "/health"));
    }

    [Fact]
    public async Task Up_PortTaken_SaysWhatToDo()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var (exitCode, output) = await Run("up", "--detach", "--no-build", "--port", $"{port}");

        Assert.NotEqual(0, exitCode);
        Assert.Contains($"Port {port} is taken", output);
        Assert.Contains("--port", output);
    }

    [Theory]
    [InlineData("up", "--env", "UPPER", "small letter")]
    [InlineData("up", "--env", "a/../b", "small letters, digits and hyphens")]
    [InlineData("up", "--pot", "5", "no option --pot")]
    [InlineData("dwon", null, null, "COMMAND")]
    public async Task Script_Misused_SaysHow(string command, string? option, string? value, string words)
    {
        var (exitCode, output) = await Run([.. new[] { command, option, value }.OfType<string>()]);

        Assert.NotEqual(0, exitCode);
        Assert.Contains(words, output);
    }

    private async Task<string> Up(string environment)
    {
        var (exitCode, output) = await Run("up", "--detach", "--no-build", "--env", environment);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private async Task<JsonElement> Status(string environment)
    {
        var (exitCode, output) = await Run("status", "--json", "--env", environment);
        Assert.Equal(0, exitCode);
        return JsonDocument.Parse(output).RootElement;
    }

    private async Task<(int ExitCode, string Output)> Run(params string[] arguments)
    {
        var output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            // Into a file: what the script leaves running would hold a pipe open.
            var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" > \"$OUTPUT\" 2>&1", Path.Combine(Checkout.Folder, "demiurge"), .. arguments])
            {
                WorkingDirectory = Path.GetTempPath(),
            };
            start.Environment["OUTPUT"] = output;
            start.Environment["DEMIURGE_DATA"] = root;
            start.Environment["DEMIURGE_CONFIGURATION"] = Checkout.Configuration;
            start.Environment["Demiurge__Containers__Engine"] = "";
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync();
            return (process.ExitCode, await File.ReadAllTextAsync(output));
        }
        finally
        {
            File.Delete(output);
        }
    }

    private static async Task<HttpStatusCode> Get(JsonElement status, string path)
    {
        using var client = new HttpClient();
        using var response = await client.GetAsync($"http://127.0.0.1:{Port(status, "web")}{path}");
        return response.StatusCode;
    }

    private static int Pid(JsonElement status, string part) => status.GetProperty(part).GetProperty("pid").GetInt32();

    private static int Port(JsonElement status, string part) => status.GetProperty(part).GetProperty("port").GetInt32();

    private static bool IsZombie(int pid)
        => OperatingSystem.IsLinux() && (!File.Exists($"/proc/{pid}/stat") || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z "));
}
