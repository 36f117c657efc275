using Demiurge.Core.Persistence;
using Demiurge.Core.Persistence.Embedded;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Demiurge.Tests.Infrastructure;

/// <summary>
/// The real PostgreSQL of a test run: started when the first test asks for it, in a folder of its own and on a free port; gone with
/// this process, also when that is killed. Databases are copies of one that was migrated once.
/// </summary>
internal sealed class PostgresServer
{
    private const string Template = "demiurge_template";

    private static readonly Lazy<Task<PostgresServer>> Shared = new(Start);

    private readonly EmbeddedPostgres server;
    private readonly SemaphoreSlim copying = new(1, 1);

    private PostgresServer(EmbeddedPostgres server)
    {
        this.server = server;
    }

    public static Task<PostgresServer> Get() => Shared.Value;

    /// <summary>A fresh, migrated database; returns its connection string.</summary>
    public async Task<string> CreateDatabase()
    {
        var name = $"test_{Guid.NewGuid():N}";
        // PostgreSQL copies a template only while nobody else is connected to it.
        await copying.WaitAsync();
        try
        {
            await Execute($"CREATE DATABASE {name} TEMPLATE {Template}");
        }
        finally
        {
            copying.Release();
        }
        return new NpgsqlConnectionStringBuilder(server.ConnectionStringOf(name)) { MaxPoolSize = 30 }.ConnectionString;
    }

    public async Task DropDatabase(string connectionString)
    {
        await using (var connection = new NpgsqlConnection(connectionString))
            NpgsqlConnection.ClearPool(connection);
        await Execute($"DROP DATABASE IF EXISTS {new NpgsqlConnectionStringBuilder(connectionString).Database} WITH (FORCE)");
    }

    private static async Task<PostgresServer> Start()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"demiurge-tests-{Guid.NewGuid():N}");
        var server = await EmbeddedPostgres.Start(new EmbeddedPostgresOptions { DataPath = folder, Database = Template, Ephemeral = true });
        var options = new DbContextOptionsBuilder<DemiurgeDbContext>()
            .UseNpgsql(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Pooling = false }.ConnectionString).Options;
        await new DatabaseMigrator(new Contexts(options), NullLogger<DatabaseMigrator>.Instance).Migrate();
        return new PostgresServer(server);
    }

    private async Task Execute(string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(server.ConnectionStringOf("postgres")) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private sealed class Contexts(DbContextOptions<DemiurgeDbContext> options) : IDbContextFactory<DemiurgeDbContext>
    {
        public DemiurgeDbContext CreateDbContext() => new(options);
    }
}
