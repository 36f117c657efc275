using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Permissions;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Relay;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demiurge.Tests.Relay;

/// <summary>Boards of circuits in real rooms: a gateway process, stock Yjs clients beside them, PostgreSQL behind. Roles are the tests' own.</summary>
public sealed class BoardRelaysTests(PlatformFixture platform) : IClassFixture<PlatformFixture>
{
    private readonly AccessChanges _changes = new(NullLogger<AccessChanges>.Instance);
    private ProjectRole? _role = ProjectRole.Edit;
    private int _rooms;

    [Fact]
    public async Task Session_AndStockClient_SeeEachOther()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var relays = Relays(owner);
        await using var session = await Join(relays, project);
        await platform.Join("stock", owner, project);

        Assert.True((await session.Apply(1, Json("""[{"type":"create","node":{"id":"mine","kind":"note","x":1,"y":2,"text":"hello"}}]"""))).Succeeded);
        await platform.Peers.Present("stock", JsonNode.Parse("""{"user":{"name":"Stock","color":"#aabbcc"},"cursor":[1,2]}"""));

        var state = await platform.Peers.Until("stock", peer => peer.Nodes.ContainsKey("mine"), "the session's note");
        Assert.Equal("hello", JsonSerializer.SerializeToNode(state.Nodes["mine"])?["text"]?.ToString());
        await PlatformFixture.Until(() => Task.FromResult(session.Others.Any(peer => peer.Name == "Stock")), "the stock client's presence");
        await PlatformFixture.Until(() => Task.FromResult(session.SaveState == BoardSaveState.Saved), "saved");
        Assert.Contains("mine", await platform.DurableNodes(organization, project));
        Assert.NotNull(await session.Copy(["mine"]));
    }

    [Fact]
    public async Task Session_GatewayKilledWhileEditing_IsSavedAfterwards()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var relays = Relays(owner);
        await using var session = await Join(relays, project);
        await session.Apply(1, Json("""[{"type":"create","node":{"id":"before","kind":"note","x":1,"y":2}}]"""));
        await PlatformFixture.Until(() => Task.FromResult(session.SaveState == BoardSaveState.Saved), "saved before");

        Process.GetProcessById((await platform.GatewayOf(organization))!.ProcessId).Kill();
        await PlatformFixture.Until(() => Task.FromResult(session.SaveState == BoardSaveState.Reconnecting), "reconnecting");
        Assert.True((await session.Apply(2, Json("""[{"type":"create","node":{"id":"meanwhile","kind":"note","x":1,"y":2}}]"""))).Succeeded);
        Assert.NotEqual(BoardSaveState.Saved, session.SaveState);

        await PlatformFixture.Until(() => Task.FromResult(session.SaveState == BoardSaveState.Saved), "saved after the gateway was replaced");
        Assert.Superset(new HashSet<string> { "before", "meanwhile" }, await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task Access_TakenAway_EndsTheSessionAtTheChangeAndWithoutOne()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var relays = Relays(owner);
        var told = await Join(relays, project);
        _role = ProjectRole.View;
        _changes.Publish(new AccessChanged(organization, project));
        await PlatformFixture.Until(() => Task.FromResult(!told.CanEdit), "a viewer");
        _role = null;
        _changes.Publish(new AccessChanged(organization, UserId: told.Actor.UserId));
        await PlatformFixture.Until(() => Task.FromResult(told.Ended == BoardErrors.NoAccess), "the end");
        Assert.Equal(RoomErrors.NotFound, (await relays.Join(told.Actor, project, told.Person)).Error);

        _role = ProjectRole.Edit;
        await using var quick = Relays(owner, new BoardRelayOptions { AccessCheck = TimeSpan.FromMilliseconds(100) });
        var untold = await Join(quick, project);
        _role = null;
        await PlatformFixture.Until(() => Task.FromResult(untold.Ended == BoardErrors.NoAccess), "the end without being told");
    }

    [Fact]
    public async Task Join_OfSeveral_SharesOneReplicaUntilTheLastHasLeft()
    {
        var (owner, _, project) = await platform.CreateProject();
        await using var relays = Relays(owner, new BoardRelayOptions { Linger = TimeSpan.FromMilliseconds(200) });
        var sessions = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Join(relays, project)));
        Assert.Equal((1, 1), (relays.Count, _rooms));
        Assert.Equal(5, sessions.Select(session => session.ClientId).Distinct().Count());

        foreach (var session in sessions.Skip(1))
        {
            await session.DisposeAsync();
        }

        await Task.Delay(500);
        Assert.Equal(1, relays.Count);
        await sessions[0].DisposeAsync();
        await sessions[0].DisposeAsync();
        await PlatformFixture.Until(() => Task.FromResult(relays.Count == 0), "the replica's release");

        await using var again = await Join(relays, project);
        Assert.Equal(2, _rooms);
    }

    [Fact]
    public async Task Join_RoomOutOfReach_SaysSoAndLeavesNothing()
    {
        await using var relays = new BoardRelays(
            _ => new RoomClient(_ => Task.FromResult<Result<RoomEndpoint>>(BoardRelayErrors.Unreachable)), (_, _, _) => Task.FromResult(_role), _changes,
            new BoardRelayOptions { JoinTimeout = TimeSpan.FromMilliseconds(300), Linger = TimeSpan.Zero }, TimeProvider.System, NullLogger<BoardRelays>.Instance);

        var joined = await relays.Join(new Actor(Guid.CreateVersion7()), Guid.CreateVersion7(), new BoardPerson(Guid.CreateVersion7(), "Ann", "#123456"));

        Assert.Equal(BoardRelayErrors.Unreachable, joined.Error);
        await PlatformFixture.Until(() => Task.FromResult(relays.Count == 0), "the release");
    }

    private BoardRelays Relays(Account account, BoardRelayOptions? options = null) => new(
        projectId =>
        {
            Interlocked.Increment(ref _rooms);
            return new RoomClient(async _ =>
            {
                var opened = await account.Open(projectId);
                var url = new UriBuilder(opened.CollabUrl);
                var host = $"{url.Host}:{url.Port}";
                url.Host = "127.0.0.1";
                return new RoomEndpoint(url.Uri, opened.Token, opened.ExpiresAt) { Host = host };
            });
        },
        (_, _, _) => Task.FromResult(_role), _changes, options ?? new BoardRelayOptions(), TimeProvider.System, NullLogger<BoardRelays>.Instance);

    private static async Task<BoardSession> Join(BoardRelays relays, Guid project)
    {
        var actor = new Actor(Guid.CreateVersion7());
        var joined = await relays.Join(actor, project, new BoardPerson(actor.UserId, "Ann", "#123456"));
        Assert.True(joined.Succeeded, joined.Error?.Message);
        return joined.Value;
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement.Clone();
}
