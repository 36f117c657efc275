using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>The image that people run on their machines, as its Dockerfile makes it. Fetches Debian's packages.</summary>
[Trait("Profile", "full")]
public sealed class JoinDockerfileTests(OwnMachineFixture machines) : IClassFixture<OwnMachineFixture>
{
    /// <summary>Where the public base can't be fetched, debootstrap makes one.</summary>
    private const string Build =
        """
        set -e
        if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1 && ! timeout 120 docker pull -q debian:bookworm-slim >/dev/null 2>&1; then
          root=$(mktemp -d)
          trap 'rm -rf "$root"' EXIT
          debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 1; }
          echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/fast"
          tar -C "$root" --numeric-owner -c . | docker import - debian:bookworm-slim
          rm -f "$root.log"
        fi
        docker build -t demiurge/join:latest "$1"
        """;

    [OwnMachineFact]
    public async Task Image_OfTheDockerfile_JoinsBesideAContainerThatServes()
    {
        await Shell(Build, Path.Combine(Checkout.Folder, "images", "join"));
        var (owner, organization, ids) = await machines.Containers(1);
        var token = (string)(await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{ids[0]}/tokens", new { name = "script" })))["token"]!;
        var command = (string)(await Account.Read(await owner.Http.PostAsync($"containers/{ids[0]}/machine", null)))["command"]!;
        // Beside what serves already, in whose network names are its own.
        var host = command.Split(' ').SkipWhile(word => word != "--add-host").ElementAtOrDefault(1)?.Replace("host-gateway", machines.Here, StringComparison.Ordinal);
        var served = await machines.Docker($"run -d{(host is null ? "" : $" --add-host {host}")} {DockerFixture.Tiny}");
        var words = command.Split(' ').ToList();
        if (host is not null)
            words.RemoveRange(words.IndexOf("--add-host"), 2);
        words.Insert(words.IndexOf("-d") + 1, $"--network container:{served}");
        var joined = await machines.Docker(string.Join(' ', words.Skip(1)).Replace("--rm ", "", StringComparison.Ordinal).Replace(JoinImage.Name, "demiurge/join:latest", StringComparison.Ordinal));
        try
        {
            var body = "";
            await PlatformFixture.Until(
                async () =>
                {
                    var (status, said) = await machines.Visit(organization, ids[0], token);
                    body = said;
                    return status == HttpStatusCode.OK;
                },
                "the machine to be reached");
            Assert.Contains("It works.", body, StringComparison.Ordinal);
        }
        finally
        {
            await machines.Docker($"rm -f {joined} {served}");
        }
    }

    private async Task Shell(string script, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", script + " 2>&1", "bash", .. arguments])
        {
            RedirectStandardOutput = true,
            Environment = { ["DOCKER_HOST"] = machines.Endpoint, ["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin" },
        })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
    }
}
