using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>
/// A real Docker engine with images, one for the whole test run (<c>IClassFixture&lt;DockerFixture&gt;</c>; tests carry <see cref="DockerFactAttribute"/>). Tests share it: they
/// name and label what they make, and never kill it. For that there is <see cref="DockerDaemon"/>.
/// </summary>
public class DockerFixture : IAsyncLifetime
{
    /// <summary>
    /// A small image (busybox, 2 MB) whose container serves <c>/www</c> over HTTP on port 8080 (<c>PORT</c> changes it) as an unprivileged user and ends at once when asked
    /// to. It has a shell, and <c>/cgi-bin/env</c> shows what a request brought. (Debian's static <c>wget -T</c> crashes; use <c>timeout 10 wget</c>.)
    /// </summary>
    public const string Tiny = "demiurge-test/tiny:latest";

    private static readonly Lazy<Task<DockerDaemon>> Shared = new(StartShared);

    private DockerDaemon? daemon;

    public DockerDaemon Daemon => daemon ?? throw new InvalidOperationException(DockerFactAttribute.WhyNot);

    /// <summary><c>unix://…</c>, for <c>Demiurge:Containers:Engine</c>.</summary>
    public string Endpoint => Daemon.EndpointText;

    internal DockerEngine Engine => Daemon.Engine;

    public virtual async Task InitializeAsync()
    {
        // Without Docker every test of the class is skipped, or fails by itself in CI.
        if (DockerFactAttribute.WhyNot is null)
            daemon = await Shared.Value;
    }

    public virtual Task DisposeAsync() => Task.CompletedTask;

    /// <summary>A container's name that nobody else uses.</summary>
    public static string NewName(string about) => $"test-{about}-{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>Makes and starts a container of <see cref="Tiny"/>. Its id.</summary>
    internal async Task<string> Run(string about, Func<CreateContainer, CreateContainer>? change = null)
    {
        var container = new CreateContainer { Image = Tiny };
        var id = await Engine.CreateContainer(NewName(about), change?.Invoke(container) ?? container);
        await Engine.StartContainer(id);
        return id;
    }

    /// <summary>A container's address in its first network.</summary>
    internal async Task<string> AddressOf(string container) =>
        (await Engine.FindContainer(container))!.NetworkSettings.Networks!.Values.First().IPAddress!;

    /// <summary>Runs a command in a container. Its output, errors included, and exit code.</summary>
    internal async Task<(string Output, int ExitCode)> Exec(string container, params string[] command)
    {
        var exec = await Engine.CreateExec(container, new CreateExec { Cmd = command });
        await using var session = await Engine.StartExec(exec, tty: false);
        var output = new MemoryStream();
        var buffer = new byte[4096];
        while (await session.Read(buffer) is { Count: > 0 } read)
            output.Write(buffer, 0, read.Count);
        // The end of the output comes before the exit code.
        ExecDetails? details;
        while ((details = await Engine.FindExec(exec)) is { ExitCode: null } or { Running: true })
            await Task.Delay(20);
        return (System.Text.Encoding.UTF8.GetString(output.ToArray()), details?.ExitCode ?? -1);
    }

    private static async Task<DockerDaemon> StartShared()
    {
        var shared = await DockerDaemon.Start();
        await TestImages.LoadTiny(shared.Engine);
        return shared;
    }
}

/// <summary>A test that needs a Docker engine of its own. Skipped, with the reason, where none can run; in CI it fails there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DockerFactAttribute : FactAttribute
{
    private static readonly string[] Programs = ["dockerd", "iptables", "ip", "unshare", "setpriv", "flock"];
    private static readonly Lazy<string?> Reason = new(Check);

    public DockerFactAttribute()
    {
        if (WhyNot is not null && Environment.GetEnvironmentVariable("CI") is null or "" or "false")
            Skip = WhyNot;
    }

    /// <summary>Null where Docker runs.</summary>
    public static string? WhyNot => Reason.Value;

    private static string? Check()
    {
        if (!OperatingSystem.IsLinux())
            return "Tests of containers start a Docker engine of their own, on Linux only.";
        var missing = Programs.Where(program => !IsInstalled(program)).ToList();
        if (missing.Count > 0)
            return $"Tests of containers start a Docker engine of their own; install {string.Join(", ", missing)} (.ci/run shows how).";
        if (Environment.UserName != "root")
            return "Tests of containers start a Docker engine of their own, which only root can.";
        return TestImages.Busybox is null ? "Tests of containers make an image of busybox; install busybox-static." : null;
    }

    private static bool IsInstalled(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
