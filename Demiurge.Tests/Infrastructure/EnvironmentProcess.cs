using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Sdk;

namespace Demiurge.Tests.Infrastructure;

/// <summary>
/// A real Web with its gateways, as processes, over a database of its own: what a person runs. Tests kill and restart it. It ends
/// with the tests, also when these are killed, and takes its folder along.
/// </summary>
public sealed class EnvironmentProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, string> settings;
    private readonly string connectionString;
    private Process? shell;

    private EnvironmentProcess(string connectionString, Dictionary<string, string> settings)
    {
        this.connectionString = connectionString;
        this.settings = settings;
    }

    public string ConnectionString => connectionString;

    public string DataPath { get; } = Directory.CreateTempSubdirectory("demiurge-web-").FullName;

    /// <summary>The address that browsers use. Programs connect to 127.0.0.1 at its port and send its host.</summary>
    public Uri Url { get; private set; } = null!;

    /// <summary>Web's own process, another one after each start.</summary>
    public int ProcessId { get; private set; }

    /// <summary>What Web has written since the test began, for the messages of failed tests.</summary>
    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    private string LogFile => Path.Combine(DataPath, "web.log");

    /// <summary>Starts one; settings are named as in configuration, <c>Demiurge:Gateways:PoolSize</c> say.</summary>
    public static async Task<EnvironmentProcess> Create(params (string Key, string Value)[] settings)
    {
        var database = await (await PostgresServer.Get()).CreateDatabase();
        var environment = new EnvironmentProcess(database, settings.ToDictionary(s => s.Key, s => s.Value));
        try
        {
            await environment.Start();
            return environment;
        }
        catch
        {
            await environment.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts Web again after <see cref="Kill"/> or <see cref="Stop"/>, on the same data and ports; returns when it answers.</summary>
    public async Task Start()
    {
        // The shell outlives neither: when this process is gone, its standard input ends, and it kills its child. It never waits for
        // the child before, so that the pid can't have been given to another process.
        const string script = """log=$1; shift; "$@" >> "$log" 2>&1 < /dev/null & pid=$!; echo "$pid"; exec > /dev/null; cat > /dev/null; kill -KILL "$pid" 2> /dev/null; wait""";
        var start = new ProcessStartInfo("/bin/sh", ["-c", "trap '' INT HUP TERM; " + script, "sh", LogFile, "dotnet", Checkout.Program("Demiurge.Web")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = DataPath,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["ConnectionStrings__Demiurge"] = connectionString;
        start.Environment["Demiurge__DataPath"] = DataPath;
        start.Environment["Demiurge__Gateways__BasePort"] = "0";
        // Not the machine's engine: tests that start containers name one of their own.
        start.Environment["Demiurge__Containers__Engine"] = "";
        foreach (var (key, value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        shell = Process.Start(start)!;
        ProcessId = int.Parse((await shell.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);

        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (ReadState() is { } state && state.Pid == ProcessId && state.Ready)
            {
                Url = new Uri(state.Url);
                return;
            }
            if (!IsAlive(ProcessId) || Stopwatch.GetElapsedTime(started) > StartPatience)
                throw new XunitException($"Web did not start:\n{Log}");
            await Task.Delay(50);
        }
    }

    /// <summary>Ends Web at once, as a crash does. Its gateways go on.</summary>
    public Task Kill() => End("KILL");

    /// <summary>Ends Web in order. Its gateways go on.</summary>
    public Task Stop() => End("TERM");

    /// <summary>The gateways' processes that run now.</summary>
    public IReadOnlyList<int> GatewayProcessIds() =>
        [.. Process.GetProcesses().Select(process => process.Id).Where(id => EnvironmentOf(id).Contains($"Gateway__ControlUrl=http://127.0.0.1:{ReadState()?.ControlPort}/", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        var gateways = GatewayProcessIds();
        if (shell is not null)
        {
            shell.StandardInput.Close();
            await shell.WaitForExitAsync();
            shell.Dispose();
        }
        foreach (var id in gateways)
            await Signal("KILL", id);
        await (await PostgresServer.Get()).DropDatabase(connectionString);
        Directory.Delete(DataPath, recursive: true);
    }

    private async Task End(string signal)
    {
        await Signal(signal, ProcessId);
        while (IsAlive(ProcessId))
            await Task.Delay(20);
        shell!.StandardInput.Close();
        await shell.WaitForExitAsync();
        shell.Dispose();
        shell = null;
    }

    private static async Task Signal(string signal, int processId)
    {
        using var kill = Process.Start("/bin/sh", ["-c", "kill -$0 $1 2> /dev/null", signal, processId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Whether it runs; one that has ended stays in the table until the shell has collected it.</summary>
    private static bool IsAlive(int processId)
    {
        try
        {
            return !File.ReadAllText($"/proc/{processId}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return !Directory.Exists("/proc") && Process.GetProcesses().Any(process => process.Id == processId);
        }
    }

    private static string EnvironmentOf(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private WebState? ReadState()
    {
        try
        {
            return JsonSerializer.Deserialize<WebState>(File.ReadAllText(Path.Combine(DataPath, "web.json")), JsonSerializerOptions.Web);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed record WebState(int Pid, string Url, int ControlPort, bool Ready);
}
