using System.Net.WebSockets;
using Demiurge.Core;
using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Lifecycle;
using Demiurge.Gateway.Rooms;
using Demiurge.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;
using static Demiurge.Tests.Rooms.RoomSockets;

namespace Demiurge.Tests.Rooms;

/// <summary>One room and its peers at their limits.</summary>
public sealed class RoomTests
{
    private static readonly string LongName = "{\"name\":\"" + new string('x', 3_000) + "\"}";

    [Fact]
    public async Task Awareness_OfAServicePeer_MayBeLarge()
    {
        await using var host = await RoomHost.Start(new RoomLimits { AwarenessBytes = 1024 }, RoomRole.Service);
        await using var relay = host.NewClient();
        await using var other = host.NewClient();
        other.Start();
        relay.Awareness.SetState(7, LongName);

        relay.Start();

        await PlatformFixture.Until(() => Task.FromResult(other.Awareness.States.ContainsKey(7)), "the person");
        Assert.True(await relay.WhenSynced());
    }

    [Fact]
    public async Task Awareness_OfManyPeople_IsSentInFramesBelowTheLimit()
    {
        await using var host = await RoomHost.Start(new RoomLimits { AwarenessClientsPerConnection = 1000 });
        await using var client = host.NewClient();
        await using var other = host.NewClient();
        other.Start();
        for (var id = 1u; id <= 100; id++)
            client.Awareness.SetState(id, LongName);

        client.Start();

        await PlatformFixture.Until(() => Task.FromResult(other.Awareness.States.Count == 100), "everybody");
    }

    [Fact]
    public async Task Acknowledgement_ForWhichTheQueueHadNoRoom_ComesLater()
    {
        await using var host = await RoomHost.Start(new RoomLimits { SendQueueBytes = 4096 });
        var (ours, theirs) = Sockets();
        var peer = host.NewPeer(ours);
        await host.Room.Join(peer);
        await TurnEnded(host);
        peer.TrySend(new byte[4096 - peer.QueuedBytes]);
        await host.Room.Receive(peer, RoomFrames.Update(Update("a", "x")), default);
        await PlatformFixture.Until(() => Task.FromResult(host.Log.Committed == 1), "durable");
        await TurnEnded(host);

        _ = peer.Run(host.Room, host.Log.Admit);

        await ReadUntil(theirs, RoomFrames.Acknowledgement(1));
        theirs.Abort();
    }

    [Fact]
    public async Task Awareness_ForWhichTheQueueHadNoRoom_ComesLater()
    {
        await using var host = await RoomHost.Start(new RoomLimits { SendQueueBytes = 4096 });
        await using var person = host.NewClient();
        person.Start();
        await person.WhenSynced();
        var (ours, theirs) = Sockets();
        var peer = host.NewPeer(ours);
        await host.Room.Join(peer);
        await TurnEnded(host);
        peer.TrySend(new byte[4000]);
        person.Awareness.SetState(7, LongName);
        await person.Run(doc => doc.GetMap("nodes").Set("a", new string('y', 3_000)));
        await PlatformFixture.Until(() => Task.FromResult(person.UnackedUpdates == 0), "durable");
        await TurnEnded(host);

        _ = peer.Run(host.Room, host.Log.Admit);

        await ReadUntil(theirs, frame => frame[0] == RoomProtocol.Sync && frame.Length > 3_000);
        await ReadUntil(theirs, frame => frame[0] == RoomProtocol.Awareness && frame.Length > 3_000);
        theirs.Abort();
    }

    [Fact]
    public async Task Step1_ManyTimesBeforeTheAnswerIsRead_IsAnsweredOnce()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        var (ours, theirs) = Sockets();
        var peer = host.NewPeer(ours);
        await host.Room.Join(peer);
        for (var i = 0; i < 50; i++)
            await host.Room.Receive(peer, RoomFrames.Step1([0]), default);
        await TurnEnded(host);

        _ = peer.Run(host.Room, host.Log.Admit);
        await ReadUntil(theirs, frame => IsStep2(frame));
        await host.Room.Receive(peer, RoomFrames.Update(Update("last", "x")), default);
        var rest = await ReadUntil(theirs, RoomFrames.Acknowledgement(1));

        Assert.DoesNotContain(rest, frame => IsStep2(frame));
        theirs.Abort();
    }

    [Fact]
    public async Task Messages_OfOnePeer_WaitOutsideWhenTheRoomIsBehind()
    {
        var loading = new TaskCompletionSource();
        await using var host = await RoomHost.Start(new RoomLimits { MessageBytes = 1024 }, loading: () => loading.Task);
        var (ours, theirs) = Sockets();
        var peer = host.NewPeer(ours);
        await host.Room.Join(peer);
        var frame = RoomFrames.Update(Update("a", new string('x', 600)));

        await host.Room.Receive(peer, frame, default);
        var second = host.Room.Receive(peer, frame, default).AsTask();
        Assert.False(second.IsCompleted);
        await host.Room.Receive(host.NewPeer(theirs), frame, default);
        loading.SetResult();

        await second.WaitAsync(TimeSpan.FromMinutes(1));
        await PlatformFixture.Until(() => Task.FromResult(peer.UpdatesReceived == 2), "both handled");
    }

    [Fact]
    public async Task Messages_AboveTheRate_WaitInTheirSocketAndHoldNobodyUp()
    {
        await using var host = await RoomHost.Start(new RoomLimits { MessagesPerSecond = 1 });
        var (ours, theirs) = Sockets();
        var flooding = host.NewPeer(ours);
        await host.Room.Join(flooding);
        _ = flooding.Run(host.Room, host.Log.Admit);
        for (var i = 0; i < 60; i++)
            await theirs.SendAsync(RoomFrames.Update(Update($"flood {i}", "x")), WebSocketMessageType.Binary, true, default);
        await using var client = host.NewClient();
        client.Start();
        await client.WhenSynced();

        await client.Run(doc => doc.GetMap("nodes").Set("honest", 1));

        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0), "saved");
        Assert.InRange(flooding.UpdatesReceived, 0, 59);
        theirs.Abort();
    }

    [Fact]
    public async Task Document_AtItsLimit_TakesDeletionsAndThenWhatItRefused()
    {
        await using var host = await RoomHost.Start(new RoomLimits { DocumentBytes = 1024 });
        await using var client = host.NewClient(new RoomClientOptions { RefusalPause = TimeSpan.FromMilliseconds(50) });
        var denied = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Denied += reason => denied.TrySetResult(reason);
        client.Start();
        await client.WhenSynced();
        await client.Run(doc => doc.GetMap("nodes").Set("a", new string('x', 700)));
        await client.Run(doc => doc.GetMap("nodes").Set("b", new string('y', 700)));
        Assert.Contains("size", await denied.Task.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.NotEqual(0, client.UnackedUpdates);

        await client.Run(doc => doc.GetMap("nodes").Remove("a"));

        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0), "saved after all");
        await using var other = host.NewClient();
        other.Start();
        await other.WhenSynced();
        Assert.Equal(["b"], await other.Run(doc => doc.GetMap("nodes").Keys.ToList()));
    }

    [Theory]
    [InlineData(RoomRole.Edit, true)]
    [InlineData(RoomRole.Service, false)]
    public async Task Document_JustAboveItsLimit_IsTheServicesAlone(RoomRole role, bool isRefused)
    {
        await using var host = await RoomHost.Start(new RoomLimits { DocumentBytes = 1024 }, role);
        await using var client = host.NewClient();
        var refused = false;
        client.Denied += _ => refused = true;
        client.Start();
        await client.WhenSynced();

        await client.Run(doc => doc.GetMap("nodes").Set("a", new string('x', 1024)));

        await PlatformFixture.Until(() => Task.FromResult(refused || client.UnackedUpdates == 0), "an answer");
        Assert.Equal(isRefused, refused);
    }

    [Fact]
    public async Task Client_WhoseEndpointFailsInAnyWay_TriesAgain()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        var attempts = 0;
        await using var client = new RoomClient(_ => ++attempts switch
        {
            1 => throw new ObjectDisposedException("a provider"),
            2 => Task.FromException<Result<RoomEndpoint>>(new InvalidOperationException()),
            _ => Task.FromResult(host.Endpoint),
        });

        client.Start();

        Assert.True(await client.WhenSynced().WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task Flush_OfAFencedLog_EndsWithThat()
    {
        await using var host = await RoomHost.Start(new RoomLimits());
        host.AppendStatus = StatusCodes.Status409Conflict;
        host.Log.Enqueue(host.Room.ProjectId, Update("a", "x"));

        await Assert.ThrowsAsync<FencedException>(() => host.Log.Flush(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1)));
    }

    private static byte[] Update(string key, string value)
    {
        using var doc = new YDoc();
        doc.GetMap("nodes").Set(key, value);
        return doc.EncodeStateAsUpdate();
    }
}
