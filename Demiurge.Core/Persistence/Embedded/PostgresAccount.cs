using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Demiurge.Core.Persistence.Embedded;

/// <summary>
/// The system account that runs the server. Usually this process's own; as root, which PostgreSQL refuses, another one by
/// <c>setpriv</c>, for which the folders it needs must be reachable.
/// </summary>
/// <param name="Switch">The command line that switches to the account; empty where no switch is needed.</param>
internal sealed record PostgresAccount(string Name, int UserId, int GroupId, IReadOnlyList<string> Switch)
{
    /// <summary>Where root's servers and programs live when the account can't reach their own folder (a checkout under /root, say).</summary>
    private const string SharedPath = "/var/lib/demiurge";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Traversable = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static readonly string[] Usual = ["postgres", "nobody"];
    private static readonly string[] SwitchPrograms = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/sbin/setpriv"];

    private static readonly PostgresAccount Own = new(Environment.UserName, -1, -1, []);

    public bool IsOwn => Switch.Count == 0;

    /// <exception cref="EmbeddedPostgresException">This process is root and there is no account or no way to switch to it.</exception>
    public static PostgresAccount Select(string? configured)
    {
        if (OperatingSystem.IsWindows())
            throw new EmbeddedPostgresException("The embedded PostgreSQL runs on Linux and macOS. On Windows run Demiurge in WSL, or use a server of your own by ConnectionStrings__Demiurge.");
        if (!Environment.IsPrivilegedProcess)
            return Own;
        const string instead = "Run Demiurge as an ordinary user, or use a server of your own by ConnectionStrings__Demiurge.";
        var setpriv = SwitchPrograms.FirstOrDefault(File.Exists)
            ?? throw new EmbeddedPostgresException($"PostgreSQL refuses to run as root, and `setpriv` (package util-linux) is not installed to run it as another user. {instead}");
        var accounts = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(f => f.Length >= 4).ToDictionary(f => f[0]);
        foreach (var name in configured is null ? Usual : [configured])
        {
            if (accounts.TryGetValue(name, out var fields))
            {
                var user = int.Parse(fields[2], CultureInfo.InvariantCulture);
                var group = int.Parse(fields[3], CultureInfo.InvariantCulture);
                return new(name, user, group, [setpriv, $"--reuid={user}", $"--regid={group}", "--clear-groups", "--"]);
            }
        }
        throw new EmbeddedPostgresException($"PostgreSQL refuses to run as root, and there is no account `{configured ?? "nobody"}` to run it as. Name one by Demiurge:Embedded:Account. {instead}");
    }

    /// <summary>
    /// The folder of the cluster and its log, owned by the account: inside <paramref name="path"/>, or where the account can
    /// reach it in its stead. A cluster that exists is never left behind for a new one.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">A cluster exists where the account can't reach it.</exception>
    public async Task<string> PlaceCluster(string path, CancellationToken cancellation)
    {
        var cluster = Path.Combine(path, "cluster");
        if (!IsOwn)
        {
            var name = $"{Path.GetFileName(Path.GetDirectoryName(path))}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..8]}";
            var shared = Path.Combine(SharedPath, name);
            if (Directory.Exists(shared) || !await CanReach(path, cancellation))
            {
                if (Directory.Exists(cluster))
                {
                    throw new EmbeddedPostgresException(
                        $"The account `{Name}`, which runs PostgreSQL because this process is root, can't reach {cluster}. "
                        + $"Make every folder above it traversable (`chmod o+x`), or move it to {shared}.");
                }
                CreateFolder(SharedPath, Traversable);
                cluster = shared;
            }
        }
        CreateFolder(cluster, Private);
        await OwnFolder(cluster, cancellation);
        return cluster;
    }

    /// <summary>The programs, copied once to where the account can reach them if it can't where they are.</summary>
    public async Task<PostgresBinaries> PlaceBinaries(PostgresBinaries binaries, CancellationToken cancellation)
    {
        if (IsOwn || await CanReach(Path.GetDirectoryName(binaries.Postgres)!, cancellation))
            return binaries;
        var stamp = File.GetLastWriteTimeUtc(binaries.Postgres).Ticks + new FileInfo(binaries.Postgres).Length;
        var copy = new PostgresBinaries(Path.Combine(SharedPath, $"postgresql-{stamp:x}"));
        if (!File.Exists(copy.Postgres))
        {
            CreateFolder(SharedPath, Traversable);
            var draft = $"{copy.Path}.{Environment.ProcessId}";
            await Run(["cp", "-R", binaries.Path, draft], cancellation);
            await Run(["chmod", "-R", "a+rX", draft], cancellation);
            try
            {
                Directory.Move(draft, copy.Path);
            }
            catch (IOException) when (File.Exists(copy.Postgres))
            {
                Directory.Delete(draft, recursive: true);
            }
        }
        return copy;
    }

    /// <summary>Makes <paramref name="path"/> and all below it the account's.</summary>
    public async Task OwnFolder(string path, CancellationToken cancellation)
    {
        if (!IsOwn)
            await Run(["chown", "-R", $"{UserId}:{GroupId}", path], cancellation);
    }

    /// <summary>Runs a program as the account and returns its exit code and all that it printed.</summary>
    public Task<(int ExitCode, string Output)> Execute(IEnumerable<string> command, CancellationToken cancellation)
        => Capture([.. Switch, .. command], cancellation);

    private async Task<bool> CanReach(string folder, CancellationToken cancellation)
        => (await Execute(["/bin/sh", "-c", "cd \"$1\"", "sh", folder], cancellation)).ExitCode == 0;

    private static void CreateFolder(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            Directory.CreateDirectory(path, mode);
    }

    private static async Task Run(string[] command, CancellationToken cancellation)
    {
        var (exitCode, output) = await Capture(command, cancellation);
        if (exitCode != 0)
            throw new EmbeddedPostgresException($"`{string.Join(' ', command)}` failed: {output.Trim()}");
    }

    private static async Task<(int ExitCode, string Output)> Capture(string[] command, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        // Messages are matched and shown: keep them in one language.
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, await output + await error);
    }
}
