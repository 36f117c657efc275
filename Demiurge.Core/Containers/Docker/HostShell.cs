using System.ComponentModel;
using System.Diagnostics;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Runs programs on the engine's machine.</summary>
internal interface IHostShell
{
    /// <summary>What the last program that failed wrote, in one line.</summary>
    string LastError { get; }

    /// <summary>Runs it and waits; false when it failed or isn't there.</summary>
    Task<bool> Succeeds(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken);
}

/// <summary>Runs programs as children of this process.</summary>
/// <param name="prefix">A program with arguments that runs the program; empty: directly.</param>
internal sealed class HostShell(params string[] prefix) : IHostShell
{
    public string LastError { get; private set; } = "";

    public async Task<bool> Succeeds(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        string[] command = [.. prefix, program, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = await process.StandardError.ReadToEndAsync(cancellationToken);
            await output;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode == 0)
                return true;
            LastError = errors.ReplaceLineEndings(" ").Trim();
        }
        catch (Win32Exception exception)
        {
            LastError = $"{command[0]}: {exception.Message}";
        }

        return false;
    }
}
