using System.ComponentModel.DataAnnotations;
using Demiurge.Core.Crdt;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Rooms;

/// <summary>When rooms' logs are folded into snapshots; bound to <c>Demiurge:Rooms:Compaction</c>, checked at start.</summary>
public sealed record RoomCompactionOptions
{
    public const string Section = "Demiurge:Rooms:Compaction";

    /// <summary>Records after the last snapshot that make a new one worth it.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Demiurge:Rooms:Compaction:Records must lie between 1 and a million.")]
    public int Records { get; init; } = 500;

    /// <summary>Bytes of records after the last snapshot that make a new one worth it, however few they are.</summary>
    [Range(1L << 10, 1L << 30, ErrorMessage = "Demiurge:Rooms:Compaction:Bytes must lie between 1 KiB and 1 GiB.")]
    public long Bytes { get; init; } = 16 << 20;

    /// <summary>How often the logs are looked through.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00", ErrorMessage = "Demiurge:Rooms:Compaction:Interval must lie between a tenth of a second and a day.")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Snapshots kept of each room, the newest ones.</summary>
    [Range(1, 10_000, ErrorMessage = "Demiurge:Rooms:Compaction:KeepSnapshots must lie between 1 and 10000.")]
    public int KeepSnapshots { get; init; } = 20;
}

/// <summary>
/// Folds long logs into snapshots, off the path of any edit. Only a log that loads whole and verified is folded, and the records go
/// in the same transaction in which the snapshot comes, so at every moment a load gives the same document. Of several processes
/// one at a time folds a room.
/// </summary>
public sealed partial class RoomCompactor(
    RoomLog log, NpgsqlDataSource database, IOptions<RoomCompactionOptions> options, TimeProvider time, ILogger<RoomCompactor> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await CompactLong(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.SearchFailed(logger, exception);
            }
        }
    }

    /// <summary>Folds every log that is long by now, the largest first. One that fails is logged, and the others are folded still.</summary>
    internal async Task CompactLong(CancellationToken cancellationToken)
    {
        foreach (var (organizationId, projectId) in await FindLong(cancellationToken))
        {
            try
            {
                await Compact(organizationId, projectId, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Failed(logger, projectId, exception);
            }
        }
    }

    /// <summary>Folds the room's log as it is now. False when it can't be read, or another process is at it.</summary>
    internal async Task<bool> Compact(Guid organizationId, Guid projectId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var take = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtextextended('room ' || $1, 0))", connection) { Parameters = { new() { Value = projectId.ToString() } } })
        {
            if (await take.ExecuteScalarAsync(cancellationToken) is not true)
                return false;
        }

        var loaded = await log.Load(organizationId, projectId, cancellationToken);
        if (!loaded.Succeeded || loaded.Value.Count == 0)
            return false;
        var seq = loaded.Value[^1].Seq;
        var state = Fold(loaded.Value);
        await using var write = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("""
                    INSERT INTO room_snapshots (project_id, seq, epoch, bytes, checksum, created_at)
                    SELECT $1, $2, coalesce((SELECT epoch FROM room_updates WHERE project_id = $1 AND seq = $2), 0), $3, $4, $5
                    ON CONFLICT DO NOTHING
                    """)
                {
                    Parameters =
                    {
                        new() { Value = projectId }, new() { Value = seq }, new() { Value = state },
                        new() { Value = RoomChecksum.Of(projectId, seq, state) }, new() { Value = time.GetUtcNow() },
                    },
                },
                new("DELETE FROM room_updates WHERE project_id = $1 AND seq <= $2") { Parameters = { new() { Value = projectId }, new() { Value = seq } } },
                new("""
                    DELETE FROM room_snapshots WHERE project_id = $1 AND seq <
                        (SELECT min(seq) FROM (SELECT seq FROM room_snapshots WHERE project_id = $1 ORDER BY seq DESC LIMIT $2) AS kept)
                    """)
                {
                    Parameters = { new() { Value = projectId }, new() { Value = options.Value.KeepSnapshots } },
                },
            },
        };
        await write.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        Log.Compacted(logger, projectId, loaded.Value.Count, state.Length);
        return true;
    }

    private static byte[] Fold(IReadOnlyList<RoomRecord> records)
    {
        using var doc = new YDoc();
        foreach (var record in records)
            doc.ApplyUpdate(record.Bytes.Span);
        return doc.EncodeStateAsUpdate();
    }

    private async Task<List<(Guid OrganizationId, Guid ProjectId)>> FindLong(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            SELECT p.organization_id, p.id FROM projects p
            JOIN (SELECT project_id, count(*) AS records, sum(octet_length(bytes)) AS bytes FROM room_updates GROUP BY project_id) AS log
              ON log.project_id = p.id
            WHERE p.deleted_at IS NULL AND (log.records >= $1 OR log.bytes >= $2)
            ORDER BY log.bytes DESC
            """);
        command.Parameters.AddWithValue((long)options.Value.Records);
        command.Parameters.AddWithValue(options.Value.Bytes);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(cancellationToken))
            found.Add((reader.GetGuid(0), reader.GetGuid(1)));
        return found;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Folded {Records} records of room {ProjectId} into a snapshot of {Bytes} bytes")]
        public static partial void Compacted(ILogger logger, Guid projectId, int records, int bytes);

        [LoggerMessage(2, LogLevel.Error, "Folding the log of room {ProjectId} failed; trying again later")]
        public static partial void Failed(ILogger logger, Guid projectId, Exception exception);

        [LoggerMessage(3, LogLevel.Error, "Looking for rooms whose logs are long failed; trying again later")]
        public static partial void SearchFailed(ILogger logger, Exception exception);
    }
}
