using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Demiurge.Core.Rooms;

/// <summary>
/// The rooms' durable log in PostgreSQL: what a peer was acknowledged is in it. Invariants: a project's records are numbered
/// without gaps; all appends of an organization are serialized by the lock on its allocation row, which also carries the
/// epoch, so nothing is ever written under an epoch that has passed. Safe for concurrent use, from several processes too.
/// </summary>
public sealed partial class RoomLog(NpgsqlDataSource database, TimeProvider time, ILogger<RoomLog> logger)
{
    /// <summary>
    /// Appends a gateway's batch in one transaction. Either all of it is durable when this returns a value, or nothing was written.
    /// A batch that was appended before (its answer got lost) succeeds without being written again.
    /// </summary>
    /// <returns>The projects of the batch that do not exist (any more) in the organization, whose updates were dropped;
    /// or <see cref="RoomErrors.EpochPassed"/>.</returns>
    public async Task<Result<IReadOnlyList<Guid>>> Append(
        Guid organizationId, long epoch, long batch, IReadOnlyList<RoomAppend> updates, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        var last = await LockAllocation(connection, organizationId, epoch, cancellationToken);
        if (last is null)
            return RoomErrors.EpochPassed;

        var next = await NextNumbers(connection, organizationId, updates, cancellationToken);
        var unknown = updates.Select(update => update.ProjectId).Where(project => !next.ContainsKey(project)).Distinct().ToList();
        if (batch <= last)
            return unknown;

        var known = updates.Where(update => next.ContainsKey(update.ProjectId)).ToList();
        var seqs = new long[known.Count];
        var checksums = new long[known.Count];
        for (var i = 0; i < known.Count; i++)
        {
            seqs[i] = next[known[i].ProjectId]++;
            checksums[i] = RoomChecksum.Of(known[i].ProjectId, seqs[i], known[i].Bytes.Span);
        }

        await using var write = new NpgsqlBatch(connection);
        if (known.Count > 0)
        {
            write.BatchCommands.Add(new NpgsqlBatchCommand(
                """
                INSERT INTO room_updates (project_id, seq, epoch, bytes, checksum, created_at)
                SELECT project_id, seq, $2, bytes, checksum, $6 FROM unnest($1, $3, $4, $5) AS record (project_id, seq, bytes, checksum)
                """)
            {
                Parameters =
                {
                    new() { Value = known.Select(update => update.ProjectId).ToArray() },
                    new() { Value = epoch },
                    new() { Value = seqs },
                    new() { Value = known.Select(update => update.Bytes.ToArray()).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
                    new() { Value = checksums },
                    new() { Value = time.GetUtcNow() },
                },
            });
        }

        write.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE gateway_allocations SET last_batch = $2 WHERE organization_id = $1")
        {
            Parameters = { new() { Value = organizationId }, new() { Value = batch } },
        });
        await write.ExecuteNonQueryAsync(cancellationToken);
        // From here on the outcome belongs to the database: a caller who goes away must not leave a commit half asked for.
        await transaction.CommitAsync(CancellationToken.None);
        return unknown;
    }

    /// <summary>
    /// The latest snapshot, if there is one, and every record after it, in order and verified. An empty list is a room that
    /// was never written to; <see cref="RoomErrors.NotFound"/> is no such project; <see cref="RoomErrors.Damaged"/> names the record at fault.
    /// </summary>
    public async Task<Result<IReadOnlyList<RoomRecord>>> Load(Guid organizationId, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // One statement, so one view of the log: a compaction that commits meanwhile is seen whole or not at all.
        await using var command = new NpgsqlCommand(
            """
            WITH latest AS (SELECT * FROM room_snapshots WHERE project_id = $2 ORDER BY seq DESC LIMIT 1)
            SELECT NULL::bigint, false, NULL::bytea, NULL::bigint FROM projects WHERE id = $2 AND organization_id = $1 AND deleted_at IS NULL
            UNION ALL
            SELECT seq, true, bytes, checksum FROM latest
            UNION ALL
            SELECT seq, false, bytes, checksum FROM room_updates
              WHERE project_id = $2 AND seq > coalesce((SELECT seq FROM latest), 0)
            """, connection)
        {
            Parameters = { new() { Value = organizationId }, new() { Value = projectId } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var exists = false;
        var records = new List<(RoomRecord Record, long Checksum)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.IsDBNull(0))
                exists = true;
            else
                records.Add((new RoomRecord(reader.GetInt64(0), reader.GetBoolean(1), reader.GetFieldValue<byte[]>(2)), reader.GetInt64(3)));
        }

        if (!exists)
            return RoomErrors.NotFound;
        records.Sort((a, b) => a.Record.Seq.CompareTo(b.Record.Seq));
        var expected = records is [{ Record.IsSnapshot: true } first, ..] ? first.Record.Seq : 1;
        foreach (var (record, checksum) in records)
        {
            if (record.Seq != expected || checksum != RoomChecksum.Of(projectId, record.Seq, record.Bytes.Span))
            {
                Log.Damaged(logger, projectId, expected);
                return RoomErrors.Damaged(projectId, expected);
            }

            expected++;
        }

        return records.ConvertAll(entry => entry.Record);
    }

    private static async Task<long?> LockAllocation(NpgsqlConnection connection, Guid organizationId, long epoch, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT last_batch FROM gateway_allocations WHERE organization_id = $1 AND epoch = $2 AND gateway_name IS NOT NULL FOR UPDATE", connection)
        {
            Parameters = { new() { Value = organizationId }, new() { Value = epoch } },
        };
        return (long?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task<Dictionary<Guid, long>> NextNumbers(
        NpgsqlConnection connection, Guid organizationId, IReadOnlyList<RoomAppend> updates, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT id, 1 + greatest(
                coalesce((SELECT max(seq) FROM room_updates WHERE project_id = id), 0),
                coalesce((SELECT max(seq) FROM room_snapshots WHERE project_id = id), 0))
            FROM projects WHERE organization_id = $1 AND id = ANY($2) AND deleted_at IS NULL
            FOR KEY SHARE
            """, connection)
        {
            Parameters = { new() { Value = organizationId }, new() { Value = updates.Select(update => update.ProjectId).Distinct().ToArray() } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var next = new Dictionary<Guid, long>();
        while (await reader.ReadAsync(cancellationToken))
            next.Add(reader.GetGuid(0), reader.GetInt64(1));
        return next;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Critical, "Record {Seq} of the room {ProjectId} is missing or damaged; the room is not opened")]
        public static partial void Damaged(ILogger logger, Guid projectId, long seq);
    }
}
