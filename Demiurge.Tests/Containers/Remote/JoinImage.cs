using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using Demiurge.Core.Containers.Docker;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>
/// What <c>images/join</c> makes, made in a second: the same agent, and of this machine's own programs what its Dockerfile would install; with a web server beside it, so that
/// there is something to reach. Nothing is fetched.
/// </summary>
internal static class JoinImage
{
    public const string Name = "demiurge-test/join:latest";

    /// <summary>What the agent runs.</summary>
    private static readonly string[] Programs =
        ["dash", "openvpn", "curl", "jq", "openssl", "cat", "cp", "getent", "grep", "mkdir", "mv", "rm", "sed", "sleep", "sort"];

    private const string Show =
        """
        #!/bin/sh
        printf 'Content-Type: text/plain\r\n\r\n%s %s' "$(/bin/busybox hostname)" "$REMOTE_ADDR"
        """;

    /// <summary>Null where all is there.</summary>
    public static string? Missing { get; } = Programs.Append("docker").Where(program => Find(program) is null).ToList() is { Count: > 0 } missing
        ? $"Tests of people's own machines need {string.Join(", ", missing)} (.ci/run shows how)." : null;

    public static async Task Load(DockerEngine engine)
    {
        using var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var folder in new[] { "bin", "dev", "etc", "lib64", "proc", "run", "sys", "tmp", "usr/local/bin", "var/lib", "www/cgi-bin" })
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, folder) { Mode = Everybody | UnixFileMode.UserWrite });
            var files = Programs.ToDictionary(program => $"bin/{program}", program => Find(program)!);
            foreach (var library in files.Values.ToList().SelectMany(Libraries).Distinct())
                files[library[1..]] = library;
            files["bin/busybox"] = Docker.TestImages.Busybox!;
            files["usr/lib/ssl/openssl.cnf"] = "/etc/ssl/openssl.cnf";
            files["usr/local/bin/demiurge-join"] = Path.Combine(Checkout.Folder, "images", "join", "demiurge-join");
            foreach (var (name, file) in files)
                await Add(writer, name, await File.ReadAllBytesAsync(file));
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "bin/sh") { LinkName = "dash" });
            await Add(writer, "etc/passwd", "root:x:0:0:root:/:/bin/sh\n"u8.ToArray());
            await Add(writer, "etc/nsswitch.conf", "hosts: files dns\n"u8.ToArray());
            await Add(writer, "www/index.html", "<!doctype html><title>mine</title><p>It runs here.</p>\n"u8.ToArray());
            await Add(writer, "www/cgi-bin/who", Encoding.UTF8.GetBytes(Show));
        }

        tar.Position = 0;
        await engine.Import(
            Name, tar, ["ENV PATH=/usr/local/bin:/bin", "ENTRYPOINT [\"demiurge-join\"]", "CMD [\"busybox\",\"httpd\",\"-f\",\"-p\",\"0.0.0.0:8080\",\"-h\",\"/www\"]", "LABEL demiurge-test=join"]);
    }

    private const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static string? Find(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>What a program is linked to, the loader included.</summary>
    private static IEnumerable<string> Libraries(string program)
    {
        using var ldd = Process.Start(new ProcessStartInfo("ldd", [program]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = ldd.StandardOutput.ReadToEnd();
        ldd.WaitForExit();
        return output.Split('\n').SelectMany(line => line.Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(word => word.StartsWith('/')));
    }

    private static async Task Add(TarWriter writer, string name, byte[] content) =>
        await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = Everybody | UnixFileMode.UserWrite, DataStream = new MemoryStream(content) });
}
