using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Persistence;

/// <summary>Brings the database to this version's schema, one process at a time.</summary>
public sealed partial class DatabaseMigrator(IDbContextFactory<DemiurgeDbContext> contexts, ILogger<DatabaseMigrator> logger)
{
    /// <summary>The key of the PostgreSQL advisory lock that is held meanwhile: "demiurge" in ASCII.</summary>
    private const long LockKey = 0x64656D6975726765;

    /// <summary>Applies the missing migrations; a second process that starts at the same time waits, then finds nothing to do.</summary>
    public async Task Migrate(CancellationToken cancellationToken = default)
    {
        await using var locked = await contexts.CreateDbContextAsync(cancellationToken);
        await locked.Database.OpenConnectionAsync(cancellationToken);
        // Held by this connection: a process that dies while it migrates gives the lock up with it.
        await locked.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({LockKey})", cancellationToken);
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            // Asking a fresh database for its history would log an error for the missing table.
            await db.GetService<IHistoryRepository>().CreateIfNotExistsAsync(cancellationToken);
            var missing = (await db.Database.GetPendingMigrationsAsync(cancellationToken)).ToList();
            if (missing.Count == 0)
                return;
            Log.Migrating(logger, missing.Count, missing[^1]);
            await db.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            await locked.Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Applying {Count} database migrations, up to {Last}")]
        public static partial void Migrating(ILogger logger, int count, string last);
    }
}
