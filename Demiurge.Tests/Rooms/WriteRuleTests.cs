using System.Net.WebSockets;
using System.Text;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Rooms;
using Demiurge.Tests.Infrastructure;
using static Demiurge.Tests.Rooms.RoomSockets;

namespace Demiurge.Tests.Rooms;

/// <summary>What a room does with raw updates that not everybody may send.</summary>
public sealed class WriteRuleTests
{
    [Fact]
    public async Task Update_OfARootOfReducers_IsRefusedWholeAndTheRoomGoesOn()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        var (peer, socket) = await Enter(host);
        using var doc = new YDoc();
        var update = UpdateOf(doc, _ =>
        {
            doc.GetMap("nodes").Set("smuggled", 1);
            doc.GetMap("meta").Set("lastActivity", 1);
        });

        await host.Room.Receive(peer, RoomFrames.Update(update), default);
        var told = await ReadUntil(socket, frame => frame[0] == RoomProtocol.Auth);
        Assert.Contains("\"meta\"", Encoding.UTF8.GetString(told[^1]), StringComparison.Ordinal);

        var (second, _) = await Enter(host);
        using var honest = new YDoc();
        await host.Room.Receive(second, RoomFrames.Update(UpdateOf(honest, _ => honest.GetMap("nodes").Set("honest", 1))), default);
        await PlatformFixture.Until(() => other.Run(seen => seen.GetMap("nodes").ContainsKey("honest")), "the honest edit");
        Assert.Equal(["honest"], await other.Run(seen => seen.GetMap("nodes").Keys.ToList()));
        Assert.Equal(0, await other.Run(seen => seen.GetMap("meta").Count));
        Assert.Equal(1, host.Log.Enqueued);
        socket.Abort();
    }

    [Fact]
    public async Task Update_OfAService_MayWriteEveryRoot()
    {
        await using var host = await RoomHost.Start(new RoomLimits(), RoomRole.Service);
        await using var other = await Watcher(host);
        var (peer, _) = await Enter(host);
        using var doc = new YDoc();

        await host.Room.Receive(peer, RoomFrames.Update(UpdateOf(doc, _ => doc.GetMap("meta").Set("lastActivity", 1))), default);

        await PlatformFixture.Until(() => other.Run(seen => seen.GetMap("meta").ContainsKey("lastActivity")), "the service's edit");
    }

    [Fact]
    public async Task Update_ThatComesBeforeWhatItNeeds_WaitsAndIsAcknowledgedThen()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        var (early, earlySocket) = await Enter(host);
        var (late, _) = await Enter(host);
        using var first = new YDoc();
        var needed = UpdateOf(first, _ => first.GetText("text").Insert(0, "ac"));
        using var second = new YDoc();
        second.ApplyUpdate(needed);
        var builtOnIt = UpdateOf(second, _ => second.GetText("text").Insert(1, "b"));

        await host.Room.Receive(early, RoomFrames.Update(builtOnIt), default);
        await TurnEnded(host);
        Assert.Equal(0, host.Log.Enqueued);
        await host.Room.Receive(late, RoomFrames.Update(needed), default);

        await ReadUntil(earlySocket, RoomFrames.Acknowledgement(1));
        await PlatformFixture.Until(() => other.Run(seen => seen.GetText("text").ToString() == "abc"), "both edits");
        earlySocket.Abort();
    }

    [Fact]
    public async Task Update_OfAForbiddenRootThatWaits_IsRefusedWhenItIsKnownToBeThat()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        using var service = new YDoc();
        var needed = UpdateOf(service, _ => service.GetMap("chats").Set("c", new YMap()));
        using var forger = new YDoc();
        forger.ApplyUpdate(needed);
        var forged = UpdateOf(forger, _ => forger.GetMap("chats").Get<YMap>("c")!.Set("text", "forged"));
        var (peer, socket) = await Enter(host);
        await host.Room.Receive(peer, RoomFrames.Update(forged), default);
        await TurnEnded(host);
        host.Role = RoomRole.Service;
        var (reducer, _) = await Enter(host);

        await host.Room.Receive(reducer, RoomFrames.Update(needed), default);

        await ReadUntil(socket, frame => frame[0] == RoomProtocol.Auth);
        await PlatformFixture.Until(() => other.Run(seen => seen.GetMap("chats").ContainsKey("c")), "what the service wrote");
        Assert.Equal(0, await other.Run(seen => seen.GetMap("chats").Get<YMap>("c")!.Count));
        socket.Abort();
    }

    [Fact]
    public async Task Offer_WithForeignThingsInIt_IsTakenWithoutThem()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        var (peer, socket) = await Enter(host);
        using var doc = new YDoc();
        doc.Transact(_ => doc.GetMap("meta").Set("lastActivity", 1), clientId: 5);
        doc.Transact(_ => doc.GetMap("nodes").Set("own", 1), clientId: 6);

        await host.Room.Receive(peer, RoomFrames.Step2(doc.EncodeStateAsUpdate()), default);

        await ReadUntil(socket, frame => frame[0] == RoomProtocol.Auth);
        await PlatformFixture.Until(() => other.Run(seen => seen.GetMap("nodes").ContainsKey("own")), "what is the sender's own");
        Assert.Equal(0, await other.Run(seen => seen.GetMap("meta").Count));
        socket.Abort();
    }

    [Fact]
    public async Task Update_UnderAClientIdForWhichAnotherSpeaks_WaitsForTheOwner()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        using var doc = new YDoc(new() { ClientId = 77 });
        using var awareness = new Awareness(doc);
        awareness.SetLocalState("{}");
        var (owner, _) = await Enter(host);
        await host.Room.Receive(owner, RoomFrames.Awareness(awareness.Encode([77])), default);
        await TurnEnded(host);
        var (thief, _) = await Enter(host);
        using var stolen = new YDoc(new() { ClientId = 77 });

        await host.Room.Receive(thief, RoomFrames.Update(UpdateOf(stolen, _ => stolen.GetMap("nodes").Set("stolen", 1))), default);
        await TurnEnded(host);
        await host.Room.Receive(owner, RoomFrames.Update(UpdateOf(doc, _ => doc.GetMap("nodes").Set("own", 1))), default);

        await PlatformFixture.Until(() => other.Run(seen => seen.GetMap("nodes").ContainsKey("own")), "the owner's edit");
        Assert.Equal(["own"], await other.Run(seen => seen.GetMap("nodes").Keys.ToList()));
    }

    [Fact]
    public async Task Updates_ThatWait_AreBounded()
    {
        await using var host = await RoomHost.Start(new RoomLimits { WaitingBytes = 1024 });
        var (peer, socket) = await Enter(host);
        using var doc = new YDoc();
        UpdateOf(doc, _ => doc.GetMap("nodes").Set("never sent", 1));

        for (var i = 0; i < 20; i++)
            await host.Room.Receive(peer, RoomFrames.Update(UpdateOf(doc, _ => doc.GetMap("nodes").Set("later", i))), default);

        var told = await ReadUntil(socket, frame => frame[0] == RoomProtocol.Auth);
        Assert.Contains("builds on", Encoding.UTF8.GetString(told[^1]), StringComparison.Ordinal);
        Assert.Equal(0, host.Log.Enqueued);
        socket.Abort();
    }

    [Theory]
    [InlineData("""{"user":{"id":"somebody-else","name":"Eve"}}""")]
    [InlineData("""{"user":{"id":17,"name":"Eve"}}""")]
    [InlineData("""{"\u0075ser":{"id":"somebody-else","name":"Eve"}}""")]
    public async Task Awareness_UnderAnothersPersonId_SaysTheSendersOwn(string state)
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        await using var other = await Watcher(host);
        using var doc = new YDoc(new() { ClientId = 78 });
        using var awareness = new Awareness(doc);
        awareness.SetLocalState(state);
        var (peer, _) = await Enter(host);

        await host.Room.Receive(peer, RoomFrames.Awareness(awareness.Encode([78])), default);

        await PlatformFixture.Until(() => Task.FromResult(other.Awareness.States.ContainsKey(78)), "the person");
        Assert.Equal($$$"""{"user":{"id":"{{{peer.UserId}}}","name":"Eve"}}""", other.Awareness.States[78].Json);
    }

    private static async Task<RoomClient> Watcher(RoomHost host)
    {
        var client = host.NewClient();
        client.Start();
        await client.WhenSynced();
        return client;
    }

    private static async Task<(Peer Peer, WebSocket Socket)> Enter(RoomHost host)
    {
        var (ours, theirs) = Sockets();
        var peer = host.NewPeer(ours);
        await host.Room.Join(peer);
        _ = peer.Run(host.Room, host.Log.Admit);
        return (peer, theirs);
    }

    private static byte[] UpdateOf(YDoc doc, Action<Transaction> edit)
    {
        var update = Array.Empty<byte>();
        void Keep(YUpdateEvent change) => update = change.Update;
        doc.Updated += Keep;
        doc.Transact(edit);
        doc.Updated -= Keep;
        return update;
    }
}
