using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Gateways as child processes of Web on the same machine: nothing to install. They write to a log file each, outlive a
/// crash of Web and end by themselves when no Web comes back. A reference is <c>{pid}@{start time}</c>, so a process that was given
/// the same id later is never taken for a gateway.
/// </summary>
public sealed class ProcessGatewayHost(IOptions<GatewayPoolOptions> options, IConfiguration configuration) : IGatewayHost
{
    private const long LogFileBytes = 16 << 20;

    public event Action? Exited;

    public Task<string> Start(GatewaySpec spec, CancellationToken cancellationToken)
    {
        var assembly = options.Value.AssemblyPath is { Length: > 0 } path ? path : FindAssembly();
        // The shell only redirects and then becomes the gateway: a pipe to this process would break when this process dies.
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec \"$@\" >>\"$GATEWAY_LOG\" 2>&1 </dev/null", "sh", Environment.ProcessPath is { } self && Path.GetFileName(self) == "dotnet" ? self : "dotnet", assembly },
            Environment =
            {
                ["GATEWAY_LOG"] = LogFile(spec.Name),
                ["Gateway__Name"] = spec.Name,
                ["Gateway__InstanceId"] = spec.InstanceId.ToString(),
                ["Gateway__Port"] = spec.Port.ToString(CultureInfo.InvariantCulture),
                ["Gateway__ControlUrl"] = spec.ControlUrl.ToString(),
                ["Gateway__PoolToken"] = spec.PoolToken,
            },
            WorkingDirectory = Path.GetDirectoryName(assembly),
        };
        // A gateway gets no part of Web's own configuration: it has no business with the database.
        foreach (var key in start.Environment.Keys.Where(IsWebs).ToList())
            start.Environment.Remove(key);
        var process = Process.Start(start) ?? throw new InvalidOperationException("The gateway process did not start.");
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) =>
        {
            Exited?.Invoke();
            process.Dispose();
        };
        return Task.FromResult(Reference(process));
    }

    public ValueTask<bool> IsRunning(string reference, CancellationToken cancellationToken)
    {
        using var process = Find(reference);
        return ValueTask.FromResult(process is not null);
    }

    public async Task Kill(string reference, CancellationToken cancellationToken)
    {
        using var process = Find(reference);
        if (process is null)
            return;
        try
        {
            process.Kill();
            await process.WaitForExitAsync(cancellationToken).WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or TimeoutException)
        {
            // It ended meanwhile; or it is a zombie that whoever adopted it has yet to collect.
        }
    }

    private static bool IsWebs(string key) =>
        key.StartsWith("ConnectionStrings__", StringComparison.OrdinalIgnoreCase)
        || key.StartsWith("Demiurge__", StringComparison.OrdinalIgnoreCase)
        || key.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase);

    private static string Reference(Process process) =>
        string.Create(CultureInfo.InvariantCulture, $"{process.Id}@{new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds()}");

    private static Process? Find(string reference)
    {
        var parts = reference.Split('@');
        if (parts.Length != 2 || !int.TryParse(parts[0], CultureInfo.InvariantCulture, out var id)
            || !long.TryParse(parts[1], CultureInfo.InvariantCulture, out var started))
            return null;
        Process? process = null;
        try
        {
            process = Process.GetProcessById(id);
            // The system tells start times relative to a boot time that is itself rounded.
            if (!process.HasExited && !IsZombie(id)
                && Math.Abs(new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() - started) < 2000)
                return process;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // No such process, or it ended between two looks.
        }

        process?.Dispose();
        return null;
    }

    private static bool IsZombie(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat.AsSpan(stat.LastIndexOf(')') + 1).TrimStart() is ['Z' or 'X', ..];
        }
        catch (IOException)
        {
            return !File.Exists($"/proc/{id}/stat") && Directory.Exists("/proc/self");
        }
    }

    private string LogFile(string name)
    {
        var folder = options.Value.LogPath is { Length: > 0 } path ? path
            : configuration["Demiurge:DataPath"] is { Length: > 0 } data ? Path.Combine(data, "gateways")
            : null;
        if (folder is null)
            return "/dev/null";
        Directory.CreateDirectory(folder);
        var file = Path.GetFullPath(Path.Combine(folder, $"{name}.log"));
        if (File.Exists(file) && new FileInfo(file).Length > LogFileBytes)
            File.Move(file, file + ".1", overwrite: true);
        return file;
    }

    private static string FindAssembly()
    {
        const string name = "Demiurge.Gateway";
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        // Published side by side; or built in the source tree: …/Demiurge.Web/bin/{Configuration}/{Framework}/.
        string[] candidates =
        [
            Path.Combine(here.FullName, "gateway", $"{name}.dll"),
            Path.Combine(here.FullName, "..", "gateway", $"{name}.dll"),
            Path.Combine(here.FullName, "..", "..", "..", "..", name, "bin", here.Parent?.Name ?? "", here.Name, $"{name}.dll"),
        ];
        return candidates.Select(Path.GetFullPath).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"{name}.dll was not found in {string.Join(", ", candidates.Select(Path.GetFullPath))}. "
                + "Build the solution, or set Demiurge:Gateways:AssemblyPath.");
    }
}
