using System.Text;
using Demiurge.Core.Crdt;
using Demiurge.Core.Gateways;
using Demiurge.Core.Projects;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Tests.Rooms;

/// <summary>The durable log on the real PostgreSQL.</summary>
public sealed class RoomLogTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly RoomLog log = new(database.Get<NpgsqlDataSource>(), TimeProvider.System, NullLogger<RoomLog>.Instance);

    [Fact]
    public async Task Load_AfterAppends_GivesEverythingInOrder()
    {
        var (organization, project) = await CreateServedProject(epoch: 3);

        await log.Append(organization, 3, 1, [Update(project, "a"), Update(project, "b")]);
        await log.Append(organization, 3, 2, [Update(project, "c")]);

        var loaded = await log.Load(organization, project);
        Assert.Equal(["a", "b", "c"], loaded.Value!.Select(record => Encoding.UTF8.GetString(record.Bytes.Span)));
        Assert.Equal([1, 2, 3], loaded.Value!.Select(record => record.Seq));
    }

    [Fact]
    public async Task Append_UnderAnEarlierOrLaterEpoch_WritesNothing()
    {
        var (organization, project) = await CreateServedProject(epoch: 3);

        foreach (var epoch in new[] { 2, 4 })
            Assert.Equal(RoomErrors.EpochPassed, (await log.Append(organization, epoch, 1, [Update(project, "late")])).Error);

        Assert.Empty((await log.Load(organization, project)).Value!);
    }

    [Fact]
    public async Task Append_AfterTheGatewayWasGivenUp_WritesNothing()
    {
        var (organization, project) = await CreateServedProject(epoch: 3);
        await Execute("UPDATE gateway_allocations SET gateway_name = NULL WHERE organization_id = $1", organization);

        Assert.Equal(RoomErrors.EpochPassed, (await log.Append(organization, 3, 1, [Update(project, "late")])).Error);

        Assert.Empty((await log.Load(organization, project)).Value!);
    }

    [Fact]
    public async Task Append_OfABatchWhoseAnswerGotLost_IsWrittenOnce()
    {
        var (organization, project) = await CreateServedProject(epoch: 1);

        Assert.True((await log.Append(organization, 1, 7, [Update(project, "once")])).Succeeded);
        Assert.True((await log.Append(organization, 1, 7, [Update(project, "once")])).Succeeded);

        Assert.Single((await log.Load(organization, project)).Value!);
    }

    [Fact]
    public async Task Append_WithADeletedProject_WritesTheOthersAndNamesIt()
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        var unknown = Guid.NewGuid();

        var appended = await log.Append(organization, 1, 1, [Update(unknown, "x"), Update(project, "kept")]);

        Assert.Equal([unknown], appended.Value!);
        Assert.Single((await log.Load(organization, project)).Value!);
    }

    [Fact]
    public async Task Append_ToAnotherOrganizationsProject_WritesNothing()
    {
        var (organization, _) = await CreateServedProject(epoch: 1);
        var (otherOrganization, otherProject) = await CreateServedProject(epoch: 1);

        Assert.Equal([otherProject], (await log.Append(organization, 1, 1, [Update(otherProject, "x")])).Value!);

        Assert.Empty((await log.Load(otherOrganization, otherProject)).Value!);
        Assert.Equal(RoomErrors.NotFound, (await log.Load(organization, otherProject)).Error);
    }

    [Theory]
    [InlineData("DELETE FROM room_updates WHERE project_id = $1 AND seq = 2")]
    [InlineData("UPDATE room_updates SET bytes = 'xx' WHERE project_id = $1 AND seq = 2")]
    [InlineData("UPDATE room_updates SET bytes = substring(bytes for 1) WHERE project_id = $1 AND seq = 3")]
    [InlineData("UPDATE room_updates SET seq = seq + 10 WHERE project_id = $1 AND seq = 3")]
    public async Task Load_OfADamagedLog_IsAnErrorAndNeverAnEmptyRoom(string damage)
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        await log.Append(organization, 1, 1, [Update(project, "first"), Update(project, "second"), Update(project, "third")]);

        await Execute(damage, project);

        Assert.Equal("room.damaged", (await log.Load(organization, project)).Error?.Code);
    }

    [Fact]
    public async Task Compaction_OfALongLog_KeepsTheDocumentAndTheNumbers()
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        using var doc = new YDoc();
        var updates = new List<RoomAppend>();
        doc.Updated += change => updates.Add(new RoomAppend(project, change.Update));
        for (var i = 0; i < 50; i++)
            doc.GetMap("nodes").Set($"node {i}", i);
        doc.GetMap("nodes").Remove("node 7");
        await log.Append(organization, 1, 1, updates);

        Assert.True(await Compactor(keep: 1).Compact(organization, project, default));

        var compacted = (await log.Load(organization, project)).Value!;
        Assert.Equal((51, true), (Assert.Single(compacted).Seq, compacted[0].IsSnapshot));
        updates.Clear();
        doc.GetMap("nodes").Set("late", true);
        await log.Append(organization, 1, 2, updates);
        Assert.True(await Compactor(keep: 1).Compact(organization, project, default));

        using var loaded = new YDoc();
        foreach (var record in (await log.Load(organization, project)).Value!)
            loaded.ApplyUpdate(record.Bytes.Span);
        Assert.Equal(doc.EncodeStateAsUpdate(), loaded.EncodeStateAsUpdate());
        Assert.Equal(1L, await Scalar("SELECT count(*) FROM room_snapshots WHERE project_id = $1", project));
    }

    [Fact]
    public async Task Compaction_OfADamagedLog_LeavesItAsItIs()
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        await log.Append(organization, 1, 1, [Update(project, "first"), Update(project, "second")]);
        await Execute("DELETE FROM room_updates WHERE project_id = $1 AND seq = 1", project);

        Assert.False(await Compactor(keep: 1).Compact(organization, project, default));

        Assert.Equal(1L, await Scalar("SELECT count(*) FROM room_updates WHERE project_id = $1", project));
    }

    [Theory]
    [InlineData(3, 1 << 20, true)]
    [InlineData(500, 1 << 10, true)]
    [InlineData(500, 1 << 20, false)]
    public async Task Compaction_IsDue_ByRecordsOrByBytes(int records, int bytes, bool isDue)
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        await log.Append(organization, 1, 1, Edits(project, count: 3, size: 400));

        await Compactor(keep: 1, records, bytes).CompactLong(default);

        Assert.Equal(isDue ? 0L : 3L, await Scalar("SELECT count(*) FROM room_updates WHERE project_id = $1", project));
        using var loaded = new YDoc();
        foreach (var record in (await log.Load(organization, project)).Value!)
            loaded.ApplyUpdate(record.Bytes.Span);
        Assert.Equal(3, loaded.GetMap("nodes").Count);
    }

    [Fact]
    public async Task Compaction_AfterARoomThatCannotBeFolded_GoesOnWithTheOthers()
    {
        var (badOrganization, bad) = await CreateServedProject(epoch: 1);
        var (goodOrganization, good) = await CreateServedProject(epoch: 1);
        // Larger, so that it is met first; whole by its checksum, and no Yjs update.
        await log.Append(badOrganization, 1, 1, [Update(bad, new string('x', 100_000))]);
        await log.Append(goodOrganization, 1, 1, Edits(good, count: 3, size: 1000));

        await Compactor(keep: 1, bytes: 2000).CompactLong(default);

        Assert.Equal(0L, await Scalar("SELECT count(*) FROM room_updates WHERE project_id = $1", good));
        Assert.Equal(1L, await Scalar("SELECT count(*) FROM room_updates WHERE project_id = $1", bad));
    }

    [Fact]
    public async Task Append_WhileCompacting_LosesNothing()
    {
        var (organization, project) = await CreateServedProject(epoch: 1);
        using var doc = new YDoc();
        var updates = new List<RoomAppend>();
        doc.Updated += change => updates.Add(new RoomAppend(project, change.Update));
        using var done = new CancellationTokenSource();
        var compacting = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
                await Compactor(keep: 3).Compact(organization, project, default);
        });

        for (var batch = 1; batch <= 200; batch++)
        {
            doc.GetMap("nodes").Set($"node {batch}", batch);
            Assert.True((await log.Append(organization, 1, batch, updates)).Succeeded);
            updates.Clear();
            if (batch % 20 == 0)
                Assert.True((await log.Load(organization, project)).Succeeded);
        }

        await done.CancelAsync();
        await compacting;
        using var loaded = new YDoc();
        foreach (var record in (await log.Load(organization, project)).Value!)
            loaded.ApplyUpdate(record.Bytes.Span);
        Assert.Equal(200, loaded.GetMap("nodes").Count);
    }

    private static RoomAppend Update(Guid project, string text) => new(project, Encoding.UTF8.GetBytes(text));

    /// <summary>Edits of one document, each of at least the given size in bytes.</summary>
    private static List<RoomAppend> Edits(Guid project, int count, int size)
    {
        using var doc = new YDoc();
        var updates = new List<RoomAppend>();
        doc.Updated += change => updates.Add(new RoomAppend(project, change.Update));
        for (var i = 0; i < count; i++)
            doc.GetMap("nodes").Set($"node {i}", new string('x', size));
        return updates;
    }

    private RoomCompactor Compactor(int keep, int records = 500, int bytes = 16 << 20) => new(
        log, database.Get<NpgsqlDataSource>(), Options.Create(new RoomCompactionOptions { KeepSnapshots = keep, Records = records, Bytes = bytes }), TimeProvider.System, NullLogger<RoomCompactor>.Instance);

    private async Task<(Guid OrganizationId, Guid ProjectId)> CreateServedProject(long epoch)
    {
        var team = await database.CreateTeam();
        var project = await database.Get<ProjectService>().Create(team.Owner.Actor, team.Id, "Board");
        await using var db = database.CreateContext();
        var gateway = new Core.Gateways.Gateway { Name = $"gw-{Guid.NewGuid():N}", Ordinal = Random.Shared.Next(), PoolToken = "x" };
        db.Add(gateway);
        db.Add(new GatewayAllocation { OrganizationId = team.Id, Epoch = epoch, State = AllocationState.Serving, GatewayName = gateway.Name });
        await db.SaveChangesAsync();
        return (team.Id, project.Value!.Id);
    }

    private async Task Execute(string sql, Guid argument)
    {
        await using var command = database.Get<NpgsqlDataSource>().CreateCommand(sql);
        command.Parameters.AddWithValue(argument);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> Scalar(string sql, Guid argument)
    {
        await using var command = database.Get<NpgsqlDataSource>().CreateCommand(sql);
        command.Parameters.AddWithValue(argument);
        return await command.ExecuteScalarAsync();
    }
}
