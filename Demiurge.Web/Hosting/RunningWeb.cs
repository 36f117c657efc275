using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Demiurge.Web.Hosting;

/// <summary>
/// What <c>web.json</c> in an environment's folder tells of the Web process that has the environment. It is believed only while that
/// process holds its lock on <c>web.lock</c>, which the system releases however the process ends: a pid given to another program
/// later is never mistaken for Web.
/// </summary>
/// <param name="Ready">Whether it answers requests.</param>
internal sealed record RunningWeb(int Pid, string Url, int Port, int ControlPort, bool Ready)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Takes the environment for this process until the claim is disposed.</summary>
    /// <exception cref="SiteEnvironmentException">Another Web has it.</exception>
    public static WebClaim Claim(string dataPath)
        => TryLock(dataPath) is { } held
            ? new WebClaim(held, FileOf(dataPath))
            : throw new SiteEnvironmentException(
                $"Demiurge already runs in {dataPath}{(Find(dataPath) is { } other ? $" (pid {other.Pid}, {other.Url})" : "")}. "
                + "Stop it by `./demiurge down`, or use another environment: `./demiurge up --env NAME`.");

    /// <summary>The environment's Web, or null when none runs.</summary>
    public static RunningWeb? Find(string dataPath)
    {
        if (!Directory.Exists(dataPath))
            return null;
        using (var free = TryLock(dataPath))
        {
            if (free is not null)
                return null;
        }
        try
        {
            return JsonSerializer.Deserialize<RunningWeb>(File.ReadAllText(FileOf(dataPath)), JsonSerializerOptions.Web);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Asks it to end in order; kills it when it hasn't within <paramref name="patience"/>. Returns when it is gone.</summary>
    public async Task Stop(string dataPath, TimeSpan patience)
    {
        using (var shell = Process.Start("/bin/sh", ["-c", "kill -TERM \"$1\"", "sh", Pid.ToString(CultureInfo.InvariantCulture)]))
            await shell.WaitForExitAsync();
        var started = Stopwatch.GetTimestamp();
        while (Find(dataPath)?.Pid == Pid)
        {
            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                using var process = Process.GetProcessById(Pid);
                process.Kill();
                await process.WaitForExitAsync();
                return;
            }
            await Task.Delay(PollInterval);
        }
    }

    private static string FileOf(string dataPath) => Path.Combine(dataPath, "web.json");

    private static FileStream? TryLock(string dataPath)
    {
        try
        {
            return new FileStream(Path.Combine(dataPath, "web.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new SiteEnvironmentException($"The data folder {dataPath} belongs to another user: {e.Message} Correct its owner, or choose another by DEMIURGE_DATA.", e);
        }
        catch (IOException)
        {
            return null;
        }
    }
}

/// <summary>This process's hold on its environment, from before the first byte is written until the host has ended.</summary>
internal sealed class WebClaim(FileStream held, string file) : IHostedLifecycleService, IDisposable
{
    private RunningWeb? web;

    /// <summary>Tells others what runs here.</summary>
    public void Announce(SiteEnvironment environment)
        => Write(new(Environment.ProcessId, environment.PublicUrl, environment.Port, environment.ControlPort, Ready: false));

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        Write(web! with { Ready = true });
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        Write(web! with { Ready = false });
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => held.Dispose();

    private void Write(RunningWeb state)
    {
        web = state;
        File.WriteAllText(file + ".new", JsonSerializer.Serialize(state, JsonSerializerOptions.Web));
        File.Move(file + ".new", file, overwrite: true);
    }
}
