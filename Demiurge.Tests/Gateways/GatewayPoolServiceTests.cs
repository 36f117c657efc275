using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Gateways;

/// <summary>What administrators do with the pool while people work, through the public API.</summary>
public sealed class GatewayPoolServiceTests(PlatformFixture platform) : IClassFixture<PlatformFixture>
{
    [Fact]
    public async Task Pool_IsSeenAndChangedByAdministratorsAlone()
    {
        var other = await NotAdministrator();

        Assert.Equal(HttpStatusCode.Forbidden, (await other.Http.GetAsync("gateways")).StatusCode);
        foreach (var action in new[] { "reload", "gw-pool-0/drain", "gw-pool-0/restart" })
            Assert.Equal(HttpStatusCode.Forbidden, (await other.Http.PostAsync($"gateways/{action}", null)).StatusCode);
        var administrator = await Administrator();
        Assert.Equal(HttpStatusCode.NotFound, (await administrator.Http.PostAsync("gateways/gw-pool-99/restart", null)).StatusCode);
    }

    [Fact]
    public async Task Gateway_WithPeopleInIt_IsListedWithItsLoad()
    {
        var administrator = await Administrator();
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("pool-listed", owner, project);
        var held = (await platform.GatewayOf(organization))!;

        var row = (await List(administrator)).Single(gateway => (string)gateway!["name"]! == held.Name)!;

        Assert.Equal(organization, (Guid)row["organizationId"]!);
        Assert.Equal((1, 1), ((int)row["load"]!["rooms"]!, (int)row["load"]!["connections"]!));
        Assert.True((long)row["load"]!["memoryBytes"]! > 1 << 20);
        Assert.True((DateTimeOffset)row["load"]!["releasesAt"]! > DateTimeOffset.UtcNow);
        await platform.Peers.Leave("pool-listed");
    }

    [Theory]
    [InlineData("drain")]
    [InlineData("restart")]
    public async Task Gateway_DrainedOrRestarted_WhileSomebodyWorks_LosesNothing(string action)
    {
        var administrator = await Administrator();
        var (owner, organization, project) = await platform.CreateProject();
        var peer = $"pool-{action}";
        await platform.Join(peer, owner, project);
        await platform.Peers.Busy(peer, everyMs: 10, times: 200);
        var held = (await platform.GatewayOf(organization))!;
        var before = (await List(administrator)).Single(gateway => (string)gateway!["name"]! == held.Name)!;

        var answer = await administrator.Http.PostAsync($"gateways/{held.Name}/{action}", null);

        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        // Served again by the time of the answer, under a higher epoch.
        var next = (await platform.GatewayOf(organization))!;
        Assert.True(next.Epoch > held.Epoch);
        Assert.True(action == "drain" || next.ProcessId != held.ProcessId);
        await platform.Peers.Until(peer, state => state.Edits == 200 && state.Acknowledged == 200, "saved, to the last edit");
        Assert.Contains(RoomProtocol.Close.Moved, (await platform.Peers.State(peer)).CloseCodes);
        Assert.Equal(200, (await platform.DurableNodes(organization, project)).Count);
        Assert.NotNull(before["load"]);
        await platform.Peers.Leave(peer);
    }

    [Fact]
    public async Task Reload_ReplacesEveryProcessWhilePeopleWork()
    {
        var administrator = await Administrator();
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("pool-reload", owner, project);
        await platform.Peers.Busy("pool-reload", everyMs: 20, times: 400);
        var before = await Processes();

        var names = (await Account.Read(await administrator.Http.PostAsync("gateways/reload", null))).AsArray().Select(name => (string)name!).ToList();

        Assert.Equal(before.Keys.Order(), names.Order());
        var after = await Processes();
        Assert.Empty(before.Values.Intersect(after.Values));
        Assert.NotEmpty(after);
        await platform.Peers.Until("pool-reload", state => state.Edits == 400 && state.Acknowledged == 400, "saved, to the last edit");
        Assert.Equal(400, (await platform.DurableNodes(organization, project)).Count);
        await platform.Peers.Leave("pool-reload");
    }

    private static async Task<JsonArray> List(Account administrator) => (await Account.Read(await administrator.Http.GetAsync("gateways"))).AsArray();

    /// <summary>The process of each place that is filled.</summary>
    private async Task<Dictionary<string, string>> Processes()
    {
        var processes = new Dictionary<string, string>();
        await using var command = platform.Database.CreateCommand("SELECT name, host_reference FROM gateways WHERE state <> 'Lost' AND host_reference IS NOT NULL");
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            processes.Add(rows.GetString(0), rows.GetString(1));
        return processes;
    }

    private async Task<Account> Administrator()
    {
        var account = await platform.Register();
        await using var command = platform.Database.CreateCommand("UPDATE users SET is_platform_administrator = true WHERE id = $1");
        command.Parameters.AddWithValue(account.Id);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
        return account;
    }

    private async Task<Account> NotAdministrator()
    {
        var account = await platform.Register();
        await using var command = platform.Database.CreateCommand("UPDATE users SET is_platform_administrator = false WHERE id = $1");
        command.Parameters.AddWithValue(account.Id);
        await command.ExecuteNonQueryAsync();
        return account;
    }
}
