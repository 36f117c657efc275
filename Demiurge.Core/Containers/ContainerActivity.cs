using Npgsql;

namespace Demiurge.Core.Containers;

/// <summary>
/// Notes that containers are used. One rule for all: any request, WebSocket message or terminal input counts, whoever it is from. Safe for
/// concurrent use; reports may come late, twice and in any order.
/// </summary>
public sealed class ContainerActivity(NpgsqlDataSource database, ContainerChanges changes, TimeProvider time)
{
    /// <param name="organizationId">The organization that the reporter serves; containers of others are left alone.</param>
    /// <param name="activity">By container: when it was last used.</param>
    public async Task Report(Guid organizationId, IReadOnlyDictionary<Guid, DateTimeOffset> activity, CancellationToken cancellationToken = default)
    {
        if (activity.Count == 0)
            return;
        var now = time.GetUtcNow();
        await using var command = database.CreateCommand(
            """
            UPDATE containers SET last_activity_at = seen.at
            FROM (SELECT c.id, s.at, c.last_activity_at AS before FROM containers c JOIN unnest($2::uuid[], $3::timestamptz[]) AS s (id, at) ON s.id = c.id
                  WHERE c.organization_id = $1 AND s.at > c.last_activity_at ORDER BY c.id FOR UPDATE OF c) AS seen
            WHERE containers.id = seen.id
            RETURNING containers.id, containers.project_id, date_trunc('minute', seen.before) <> date_trunc('minute', seen.at)
            """);
        command.Parameters.AddWithValue(organizationId);
        command.Parameters.AddWithValue(activity.Keys.ToArray());
        // A clock that is ahead must not keep a container for ever.
        command.Parameters.AddWithValue(activity.Values.Select(at => (at > now ? now : at).ToUniversalTime()).ToArray());
        var moved = new List<ContainerChanged>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.GetBoolean(2))
                    moved.Add(new ContainerChanged(organizationId, reader.GetGuid(1), reader.GetGuid(0)));
            }
        }
        // Once a minute is enough for the countdown that people see.
        foreach (var change in moved)
            changes.Publish(change);
    }
}
