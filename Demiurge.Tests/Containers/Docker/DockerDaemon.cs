using System.Diagnostics;
using System.Globalization;
using System.Net;
using Demiurge.Core.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>
/// A real Docker engine of a test's own, in a folder of its own and out of others' way; see <c>dockerd.sh</c>. It is gone with this process, also when that is
/// killed. Containers are reached at their addresses, as on the engine's own machine.
/// </summary>
public sealed class DockerDaemon : IAsyncDisposable
{
    private readonly Process guard;
    private readonly string folder;
    private readonly SemaphoreSlim commands = new(1, 1);

    private DockerDaemon(Process guard, string folder, int slot, int processId)
    {
        this.guard = guard;
        this.folder = folder;
        Slot = slot;
        Shell = ["nsenter", $"--net=/proc/{processId}/ns/net"];
        Endpoint = DockerEndpoint.Parse($"unix://{folder}/docker.sock").Value!;
        Engine = new DockerEngine(Endpoint);
    }

    /// <summary>What the engine's addresses begin with: <c>10.{Slot}.</c></summary>
    public int Slot { get; }

    /// <summary>The engine's machine, as seen from here.</summary>
    public IPAddress Address => IPAddress.Parse($"10.{Slot}.1.2");

    /// <summary><c>unix://…</c>, as settings name it.</summary>
    public string EndpointText => Endpoint.ToString();

    /// <summary>What runs a program on the engine's machine, as far as its network goes.</summary>
    internal string[] Shell { get; }

    internal DockerEndpoint Endpoint { get; }

    internal DockerEngine Engine { get; }

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<DockerDaemon> Start()
    {
        var daemon = await Prepare();
        try
        {
            await daemon.StartDocker();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>All but dockerd itself; <see cref="StartDocker"/> does that.</summary>
    public static async Task<DockerDaemon> Prepare()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"demiurge-docker-{Guid.NewGuid().ToString("N")[..12]}");
        Directory.CreateDirectory(folder);
        var script = Path.Combine(Checkout.Folder, "Demiurge.Tests", "Containers", "Docker", "dockerd.sh");
        var guard = Process.Start(new ProcessStartInfo("bash", [script, folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        })!;
        var errors = new System.Text.StringBuilder();
        guard.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        guard.BeginErrorReadLine();
        var told = await guard.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        if (told?.Split(' ') is not [var slot, var process])
        {
            await guard.WaitForExitAsync();
            throw new InvalidOperationException($"A place for a test engine could not be made: {errors}");
        }
        return new DockerDaemon(guard, folder, int.Parse(slot, CultureInfo.InvariantCulture), int.Parse(process, CultureInfo.InvariantCulture));
    }

    /// <summary>Starts dockerd, at first or again, and waits until it answers.</summary>
    public async Task StartDocker(params string[] options)
    {
        await Tell($"start {string.Join(' ', options)}");
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        while (true)
        {
            try
            {
                await Engine.Ping();
                return;
            }
            catch (DockerException exception)
            {
                if (DateTime.UtcNow > deadline)
                    throw new InvalidOperationException($"dockerd does not answer: {exception.Message}\n{await Log()}", exception);
                await Task.Delay(50);
            }
        }
    }

    /// <summary>Kills dockerd at once, as a crash would; containers go on until it is started again.</summary>
    public Task KillDocker() => Tell("kill");

    /// <summary>Ends dockerd in order; its containers end first.</summary>
    public Task StopDocker() => Tell("stop");

    /// <summary>Runs a shell command on the engine's machine (as root). What it wrote; fails when it does.</summary>
    public async Task<string> RunBeside(string command)
    {
        var answer = await Ask($"run {command}");
        var output = await File.ReadAllTextAsync(Path.Combine(folder, "run.log"));
        return answer == "ok" ? output : throw new InvalidOperationException($"`{command}` failed on the engine's machine ({answer}): {output}");
    }

    /// <summary>The end of dockerd's own log.</summary>
    public async Task<string> Log()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(folder, "dockerd.log"));
        return string.Join('\n', lines[^Math.Min(lines.Length, 25)..]);
    }

    public async ValueTask DisposeAsync()
    {
        Engine.Dispose();
        guard.StandardInput.Close();
        await guard.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        guard.Dispose();
        commands.Dispose();
    }

    private async Task Tell(string command)
    {
        if (await Ask(command) is not "ok" and var answer)
            throw new InvalidOperationException($"`{command}`: {answer}");
    }

    private async Task<string?> Ask(string command)
    {
        await commands.WaitAsync();
        try
        {
            await guard.StandardInput.WriteLineAsync(command);
            await guard.StandardInput.FlushAsync();
            return await guard.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(90));
        }
        finally
        {
            commands.Release();
        }
    }
}
