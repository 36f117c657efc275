using System.Diagnostics;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Docker;

/// <summary>
/// The images of the shipped templates on the tests' engine, made by <c>images.sh</c> and kept between runs in the folder that <c>DEMIURGE_TEST_IMAGES</c> names
/// (<c>~/.cache/demiurge-test-images</c> unless it is set). Once for each kind and run.
/// </summary>
internal static class ShippedImages
{
    private static readonly Lazy<Task<string>> Light = new(() => Make("light", "terminal", "jupyter"));
    private static readonly Lazy<Task<string>> Full = new(() => Make("full", "terminal", "jupyter", "code-server", "n8n"));

    private static readonly Lazy<Task<DockerFixture>> Docker = new(async () =>
    {
        var docker = new DockerFixture();
        await docker.InitializeAsync();
        return docker;
    });

    /// <summary>A shell and a notebook with little beside; <see cref="LightSettings"/> make them the templates'. What was done, a line an image.</summary>
    public static Task<string> LoadLight() => Light.Value;

    /// <summary>All that <c>images/build</c> builds, under the names that the templates know. Takes a quarter of an hour where nothing is kept.</summary>
    public static Task<string> LoadFull() => Full.Value;

    public static (string Key, string Value)[] LightSettings { get; } =
    [
        ("Demiurge:Containers:Images:Terminal", "demiurge-test/light-terminal:latest"), ("Demiurge:Containers:Images:JupyterLab", "demiurge-test/light-jupyterlab:latest"),
    ];

    private static string Cache => Environment.GetEnvironmentVariable("DEMIURGE_TEST_IMAGES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "demiurge-test-images");

    private static async Task<string> Make(string kind, params string[] names)
    {
        var docker = await Docker.Value;
        var start = new ProcessStartInfo("bash", [Path.Combine(Checkout.Folder, "Demiurge.Tests", "Containers", "Docker", "images.sh"), Cache, kind, .. names])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOCKER_HOST"] = docker.Endpoint;
        using var script = Process.Start(start)!;
        var errors = script.StandardError.ReadToEndAsync();
        var said = await script.StandardOutput.ReadToEndAsync();
        await script.WaitForExitAsync();
        return script.ExitCode == 0 ? said : throw new InvalidOperationException($"The images could not be made: {said}{await errors}");
    }
}
