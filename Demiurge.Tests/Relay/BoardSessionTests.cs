using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Permissions;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;
using Demiurge.Tests.Rooms;
using Demiurge.Web.Relay;

namespace Demiurge.Tests.Relay;

/// <summary>Sessions on a replica whose room can't be reached: everything but the network.</summary>
public sealed class BoardSessionTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(60));
    private RoomClient _room = null!;
    private BoardRelay _relay = null!;

    public async Task InitializeAsync()
    {
        _room = new RoomClient(_ => Task.FromResult<Result<RoomEndpoint>>(BoardRelayErrors.Unreachable));
        _relay = await BoardRelay.Create(Guid.CreateVersion7(), _room, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _relay.DisposeAsync();
        _patience.Dispose();
    }

    [Fact]
    public async Task Apply_ByEditor_ReachesTheOthersFeedAndNotTheirUndo()
    {
        var ann = await Enter("Ann");
        var ben = await Enter("Ben");
        await Drain(ben);

        var edit = await ann.Apply(1, Json("""[{"type":"create","node":{"id":"a","kind":"note","x":0,"y":0,"text":"hi"}}]"""));

        Assert.True(edit.Succeeded);
        Assert.Contains("61-04-00-6E-6F-74-65", BitConverter.ToString((await ben.Feed.Next(_patience.Token)).Scene!)); // "a", length of "note", "note"
        Assert.Equal((true, false), (ann.CanUndo, ben.CanUndo));
        Assert.True((await ben.Undo()).Succeeded);
        Assert.NotNull(await _relay.Run(() => _relay.View.Node("a")));
        Assert.True((await ann.Undo()).Succeeded);
        Assert.Null(await _relay.Run(() => _relay.View.Node("a")));
        Assert.True((await ann.Redo()).Succeeded);
        Assert.Equal("hi", await _relay.Run(() => _relay.View.Node("a")?.Text));
    }

    [Fact]
    public async Task Apply_EachBatch_IsAStepOfItsOwn()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        await Create(ann, "b");

        await ann.Undo();

        Assert.Equal(["a"], await _relay.Run(() => _relay.View.Nodes.Select(node => node.Id).ToList()));
    }

    [Fact]
    public async Task Apply_TellsTheBatchInTheFeedAlsoWhenRefused()
    {
        var ann = await Enter("Ann");
        await Drain(ann);

        Assert.False((await ann.Apply(7, Json("""[{"type":"nonsense"}]"""))).Succeeded);

        Assert.Equal(7u, BitConverter.ToUInt32((await ann.Feed.Next(_patience.Token)).Scene!, 2));
    }

    [Fact]
    public async Task Apply_SameBatchTwice_IsCarriedOutOnce()
    {
        var ann = await Enter("Ann");
        var commands = Json("""[{"type":"create","node":{"id":"a","kind":"note","x":0,"y":0}},{"type":"duplicate","map":{}}]""");

        Assert.True((await ann.Apply(1, commands)).Succeeded);
        Assert.True((await ann.Apply(1, commands)).Succeeded);

        Assert.Equal(1, await _relay.Run(() => _relay.View.NodeCount));
    }

    [Fact]
    public async Task Viewer_IsRefusedEverythingThatWrites()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        var viewer = await Enter("Vera", ProjectRole.View);
        var before = await _room.Run(doc => doc.EncodeStateAsUpdate());

        Assert.Equal(BoardErrors.ViewOnly, (await viewer.Apply(1, Json("""[{"type":"delete","ids":["a"]}]"""))).Error);
        Assert.Equal(BoardErrors.ViewOnly, (await viewer.Undo()).Error);
        Assert.Equal(BoardErrors.ViewOnly, (await viewer.Redo()).Error);
        Assert.True((await viewer.OpenText("a")).Succeeded);
        Assert.Equal(BoardErrors.ViewOnly, (await viewer.EditText("a", 0, Json("""[{"insert":"x"}]"""), 1)).Error);

        Assert.Equal(before, await _room.Run(doc => doc.EncodeStateAsUpdate()));
    }

    [Fact]
    public async Task SetRole_ToViewer_EndsEditingAndSaysSo()
    {
        var ann = await Enter("Ann");
        await Drain(ann);

        ann.SetRole(ProjectRole.View);

        Assert.Contains("\"viewer\":true", (await ann.Feed.Next(_patience.Token)).Status);
        Assert.Equal(BoardErrors.ViewOnly, (await ann.Apply(1, Json("[]"))).Error);
    }

    [Fact]
    public async Task End_RefusesEverythingAfterwards()
    {
        var ann = await Enter("Ann");
        var ben = await Enter("Ben");

        await ann.End(BoardErrors.NoAccess);

        Assert.Equal(BoardErrors.NoAccess, ann.Ended);
        Assert.Equal(BoardErrors.NoAccess, (await ann.Apply(1, Json("[]"))).Error);
        Assert.Equal(BoardErrors.NoAccess, (await ann.OpenText("a")).Error);
        Assert.Empty(await ann.Search("x"));
        Assert.Empty(ben.Others);
        Assert.Equal(1, _left);
        await ann.DisposeAsync();
        Assert.Equal(1, _left);
    }

    [Fact]
    public async Task EditText_OfTwo_MergesAndTellsTheOtherAlone()
    {
        var ann = await Enter("Ann");
        var ben = await Enter("Ben");
        await Create(ann, "a");
        Assert.Equal((0, ""), (await ann.OpenText("a")).Value);
        await ben.OpenText("a");
        await Drain(ann);
        await Drain(ben);

        Assert.Equal(1, (await ann.EditText("a", 0, Json("""[{"insert":"Ann"}]"""), 2)).Value.Version);
        Assert.Equal(2, (await ben.EditText("a", 0, Json("""[{"insert":"Ben"}]"""), 3)).Value.Version);

        Assert.Equal("AnnBen", await _relay.Run(() => _relay.View.Node("a")!.Text));
        Assert.Equal(new TextPush("a", 2, """[{"retain":3},{"insert":"Ben"}]"""), Assert.Single(await Texts(ann)));
        Assert.Equal(new TextPush("a", 1, """[{"insert":"Ann"}]"""), Assert.Single(await Texts(ben)));

        await ann.Undo();
        Assert.Equal("Ben", await _relay.Run(() => _relay.View.Node("a")!.Text));
        Assert.Equal(new TextPush("a", 3, """[{"delete":3}]"""), Assert.Single(await Texts(ann)));
    }

    [Fact]
    public async Task OpenText_DeletedAndBroughtBack_StartsOver()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        await ann.OpenText("a");
        await ann.EditText("a", 0, Json("""[{"insert":"kept"}]"""), 4);
        await ann.Apply(2, Json("""[{"type":"delete","ids":["a"]}]"""));
        Assert.False((await (await Enter("Ben")).OpenText("a")).Succeeded);
        await Drain(ann);

        await ann.Undo();

        var reset = Assert.Single(await Texts(ann));
        Assert.Equal("""{"reset":"kept","edit":4}""", reset.Delta);
        Assert.Equal(reset.Version + 1, (await ann.EditText("a", reset.Version, Json("""[{"retain":4},{"insert":"!"}]"""), 5)).Value.Version);
        Assert.Equal("kept!", await _relay.Run(() => _relay.View.Node("a")!.Text));
    }

    [Fact]
    public async Task EditText_SentAgainAfterTheReturn_IsCarriedOutOnce()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        await ann.OpenText("a");
        await ann.EditText("a", 0, Json("""[{"insert":"once"}]"""), 1);
        await ann.Away();
        await Drain(ann);
        await ann.Return();

        Assert.Equal(new TextPush("a", 1, """{"reset":"once","edit":1}"""), Assert.Single(await Texts(ann)));
        Assert.Equal(new TypingAnswer(1, "once", 1), (await ann.EditText("a", 1, Json("""[{"insert":"once"}]"""), 1)).Value);
        Assert.Equal(new TypingAnswer(2), (await ann.EditText("a", 1, Json("""[{"retain":4},{"insert":"!"}]"""), 2)).Value);
        Assert.Equal("once!", await _relay.Run(() => _relay.View.Node("a")!.Text));
    }

    [Fact]
    public async Task EditText_OfLockedNode_StartsOver()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        await ann.OpenText("a");
        await ann.Apply(2, Json("""[{"type":"lock","ids":["a"],"locked":true}]"""));

        Assert.Equal("", (await ann.EditText("a", 0, Json("""[{"insert":"x"}]"""), 6)).Value.RestartFrom);
    }

    [Fact]
    public async Task Presence_IsSharedAsYWebsocketEditorsDo()
    {
        var ann = await Enter("Ann");
        var ben = await Enter("Ben");
        await ann.SetPresence(new BoardPresence([10, 20.5], ["a"], null, new Dictionary<string, IReadOnlyList<double>> { ["a"] = [1, 2] }));

        using var state = JsonDocument.Parse(_room.Awareness.States[ann.ClientId].Json!);
        Assert.Equal("Ann", state.RootElement.GetProperty("user").GetProperty("name").GetString());
        Assert.Equal("#123456", state.RootElement.GetProperty("user").GetProperty("color").GetString());
        var peer = Assert.Single(ben.Others);
        using var told = JsonDocument.Parse(peer.Json);
        Assert.Equal(ann.ClientId.ToString(), told.RootElement.GetProperty("key").GetString());
        Assert.Equal(20.5, told.RootElement.GetProperty("cursor")[1].GetDouble());
        Assert.Equal(2, told.RootElement.GetProperty("drag").GetProperty("a")[1].GetDouble());

        await ann.Away();
        Assert.Empty(ben.Others);
        await ann.Return();
        Assert.Equal("Ann", Assert.Single(ben.Others).Name);
    }

    [Fact]
    public async Task Presence_OfAnyClient_IsReadTolerantly()
    {
        var ann = await Enter("Ann");
        _room.Awareness.SetState(1, """{"user":{"name":"Stock client","color":"#abcdef"},"cursor":{"anchor":1,"head":2}}""");
        _room.Awareness.SetState(2, """{"user":{"name":7,"color":"url(javascript:x)"},"cursor":[1e999,2],"selection":"all","drag":{"a":["x"]},"viewport":{"x":1}}""");
        _room.Awareness.SetState(3, """{"user":"nobody"}""");
        _room.Awareness.SetState(4, "[]");
        _room.Awareness.SetState(5, """{"no":"user"}""");

        Assert.Equal([(1u, "Stock client", "#abcdef"), (2u, "Guest", "#64748b")], ann.Others.Select(peer => (peer.Key, peer.Name, peer.Color)));
        using var told = JsonDocument.Parse(ann.Others[1].Json);
        Assert.Equal(JsonValueKind.Null, told.RootElement.GetProperty("cursor").ValueKind);
        Assert.Empty(told.RootElement.GetProperty("drag").EnumerateObject());
    }

    [Fact]
    public async Task Presence_OfMany_IsCutForTheOthers()
    {
        var ann = await Enter("Ann");
        var ids = Enumerable.Range(0, 400).Select(i => $"{i:d64}").ToList();
        await ann.SetPresence(new BoardPresence([1, 2], [new string('x', 65), .. ids.Select(id => id[^3..])], new string('e', 65)));

        using var shared = JsonDocument.Parse(_room.Awareness.States[ann.ClientId].Json!);
        Assert.Equal(ids.Take(100).Select(id => id[^3..]), shared.RootElement.GetProperty("selection").EnumerateArray().Select(id => id.GetString()));
        Assert.Equal(JsonValueKind.Null, shared.RootElement.GetProperty("editing").ValueKind);

        await ann.SetPresence(new BoardPresence([1, 2], ids, null, ids.ToDictionary(id => id, IReadOnlyList<double> (_) => [1.0 / 3, 2.0 / 3, 4, 5])));

        Assert.InRange(_room.Awareness.States[ann.ClientId].Json!.Length, 1_000, 8 * 1024);
    }

    [Fact]
    public async Task Presence_OfARawPeer_IsCutToWhatIsShown()
    {
        var ann = await Enter("Ann");
        var junk = new string('j', 20_000);
        var drags = string.Join(',', Enumerable.Range(0, 300).Select(i => $"\"{i}\":[1,2]"));
        _room.Awareness.SetState(7, $$"""{"user":{"name":"Raw"},"selection":["{{junk}}","a"],"drag":{"{{junk}}":[1,2],{{drags}}},"viewport":{"x":1,"y":2,"w":3,"h":4,"zoom":1,"junk":"{{junk}}"} }""");

        using var told = JsonDocument.Parse(Assert.Single(ann.Others).Json);
        Assert.Equal(100, told.RootElement.GetProperty("drag").EnumerateObject().Count());
        Assert.Equal("""["a"]""", told.RootElement.GetProperty("selection").GetRawText());
        Assert.Equal("""{"x":1,"y":2,"w":3,"h":4,"zoom":1}""", told.RootElement.GetProperty("viewport").GetRawText());
    }

    [Fact]
    public async Task SetPresence_OfNonsense_IsDropped()
    {
        var ann = await Enter("Ann");
        var before = _room.Awareness.States[ann.ClientId].Json;

        await ann.SetPresence(new BoardPresence([1]));
        await ann.SetPresence(new BoardPresence([1, double.NaN]));
        await ann.SetPresence(new BoardPresence(Selection: [null!]));
        await ann.SetPresence(new BoardPresence(Selection: [.. Enumerable.Range(0, 2_001).Select(i => $"{i}")]));
        await ann.SetPresence(new BoardPresence(Drag: new Dictionary<string, IReadOnlyList<double>> { ["a"] = null! }));
        await ann.SetViewport(new BoardViewport(0, 0, -5, 5, 1));
        await ann.SetViewport(new BoardViewport(double.NaN, 0, 5, 5, 1));

        Assert.Equal(before, _room.Awareness.States[ann.ClientId].Json);
    }

    [Fact]
    public async Task Apply_WithoutEnd_IsSlowedDown()
    {
        var ann = await Enter("Ann");
        var refused = 0;
        for (uint i = 1; i <= 400; i++)
        {
            refused += (await ann.Apply(i, Json("[]"))).Error == BoardErrors.TooFast ? 1 : 0;
        }

        Assert.InRange(refused, 1, 399);
    }

    [Fact]
    public async Task Near_FollowsTheViewportAndTellsOfContentOnly()
    {
        var ann = await Enter("Ann");
        await Create(ann, "here");
        await ann.Apply(2, Json("""[{"type":"create","node":{"id":"far","kind":"note","x":90000,"y":0}},{"type":"create","node":{"id":"frame","kind":"frame","x":5000,"y":0,"w":100,"h":100}}]"""));
        await ann.SetViewport(new BoardViewport(0, 0, 1000, 800, 1));
        var near = Assert.Single(ann.Near.All);
        var (memberships, contents) = (0, 0);
        ann.Near.Changed += () => memberships++;
        near.Changed += () => contents++;

        await ann.Apply(3, Json("""[{"type":"move","items":[{"id":"here","x":50,"y":50}]}]"""));
        Assert.Equal((0, 0), (memberships, contents));
        await ann.Apply(4, Json("""[{"type":"text","id":"here","text":"new"}]"""));
        Assert.Equal((0, 1), (memberships, contents));
        await ann.Apply(5, Json("""[{"type":"move","items":[{"id":"here","x":90000,"y":500},{"id":"far","x":10,"y":10}]}]"""));
        Assert.Equal(["far"], ann.Near.All.Select(node => node.Node.Id));
        await ann.SetViewport(new BoardViewport(0, 0, 10_000, 8_000, 0.1));
        Assert.Empty(ann.Near.All);
    }

    [Fact]
    public async Task Feed_OfASlowBrowser_KeepsOneEntryANode()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");
        await Drain(ann);
        for (uint i = 2; i < 60; i++)
        {
            await ann.Apply(i, Json($$"""[{"type":"move","items":[{"id":"a","x":{{i}},"y":0}]}]"""));
        }

        Assert.Equal(1u, BitConverter.ToUInt32((await ann.Feed.Next(_patience.Token)).Scene!, 6));
    }

    [Fact]
    public async Task SaveState_WithoutARoom_IsReconnecting()
    {
        var ann = await Enter("Ann");
        await Create(ann, "a");

        Assert.Equal(BoardSaveState.Reconnecting, ann.SaveState);
        Assert.False(_relay.IsDurable(await _relay.Run(() => _relay.LocalUpdates)));
    }

    private int _left;

    [Fact]
    public async Task Edit_ThatTheRoomRefuses_SaysSoUntilItIsTaken()
    {
        await using var host = await RoomHost.Start(new RoomLimits { DocumentBytes = 4096 }, RoomRole.Service);
        var room = host.NewClient(new RoomClientOptions { RefusalPause = TimeSpan.FromMilliseconds(50) });
        await using var relay = await BoardRelay.Create(Guid.CreateVersion7(), room, TimeProvider.System);
        room.Start();
        await room.WhenSynced(_patience.Token);
        var ann = await relay.Enter(new Actor(Guid.CreateVersion7()), new BoardPerson(Guid.CreateVersion7(), "Ann", "#123456"), ProjectRole.Edit, () => { });
        Assert.True((await ann.Apply(1, Note("a"))).Succeeded);
        await PlatformFixture.Until(() => Task.FromResult(ann.SaveState == BoardSaveState.Saved), "saved");

        Assert.True((await ann.Apply(2, Note("b"))).Succeeded);

        await PlatformFixture.Until(() => Task.FromResult(ann.SaveState == BoardSaveState.Refused), "refused");
        Assert.Contains("size", ann.SaveRefusal);
        Assert.True((await ann.Apply(3, Json("""[{"type":"delete","ids":["a"]}]"""))).Succeeded);
        await PlatformFixture.Until(() => Task.FromResult(ann.SaveState == BoardSaveState.Saved), "saved after all");
        Assert.Null(ann.SaveRefusal);

        static JsonElement Note(string id) => Json($$"""[{"type":"create","node":{"id":"{{id}}","text":"{{new string('x', 3000)}}","kind":"note","x":0,"y":0} }]""");
    }

    private Task<BoardSession> Enter(string name, ProjectRole role = ProjectRole.Edit) =>
        _relay.Enter(new Actor(Guid.CreateVersion7()), new BoardPerson(Guid.CreateVersion7(), name, "#123456"), role, () => _left++);

    private uint _batch = 1_000;

    private async Task Create(BoardSession session, string id) =>
        Assert.True((await session.Apply(++_batch, Json($$$"""[{"type":"create","node":{"id":"{{{id}}}","kind":"note","x":0,"y":0}}]"""))).Succeeded);

    /// <summary>Takes what waits in the feed.</summary>
    private static async Task Drain(BoardSession session)
    {
        using var quiet = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        try
        {
            while (true)
            {
                await session.Feed.Next(quiet.Token);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task<IReadOnlyList<TextPush>> Texts(BoardSession session)
    {
        while (true)
        {
            if (await session.Feed.Next(_patience.Token) is { Texts.Count: > 0 } batch)
            {
                return batch.Texts;
            }
        }
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement.Clone();
}
