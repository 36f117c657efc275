using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;
using Demiurge.Core;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// One project's document and its peers. Everything is done by one loop, fed by a bounded channel. The loop works in turns: all
/// that has arrived is taken at once, its updates are integrated in one transaction, and one merged update goes to the log
/// and to the peers. So a busy room sends little, and an idle one sends at once. A large document is encoded beside the loop. The document is loaded from the durable log
/// before anyone is let in; if that fails the room fails, and is never empty instead.
/// </summary>
internal sealed partial class Room
{
    private const int TurnMessages = 512;

    private readonly Channel<Message> inbox = Channel.CreateBounded<Message>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly RoomContext context;
    private readonly Dictionary<Peer, byte> peers = [];
    private readonly List<ReceivedUpdate> admitted = [];
    private readonly AwarenessGuard awarenessGuard;
    private readonly UpdateGate gate;
    private readonly ConcurrentDictionary<uint, byte> changedAwareness = [];
    private readonly YDoc doc = new();
    private readonly Awareness awareness;
    private byte[]? update;

    /// <summary>The answer to a peer that has nothing yet, as long as the document stays as it is; many peers' queues may hold it.</summary>
    private byte[]? encodedAnswer;
    private long documentBytes;
    private long documentVersion;
    private long lastPosition;
    private volatile int peerCount;

    public Room(Guid projectId, RoomContext context)
    {
        ProjectId = projectId;
        this.context = context;
        awareness = new Awareness(doc);
        awarenessGuard = new AwarenessGuard(awareness, context.Limits.AwarenessClientsPerConnection);
        gate = new UpdateGate(doc, awarenessGuard, context.Limits);
        awareness.Updated += OnAwarenessUpdated;
        // Clients renew their clock every 15 s; only one whose state changes is somebody doing something.
        awareness.Changed += change =>
        {
            if (change.Origin is Peer)
                context.Touch();
        };
        doc.Updated += OnUpdated;
        Completion = Task.Run(Run);
    }

    public Guid ProjectId { get; }

    public int PeerCount => peerCount;

    /// <summary>Ends when the room has been unloaded, closed or has failed; it never throws.</summary>
    public Task Completion { get; }

    /// <summary>Lets the peer in. False when the room has just ended: ask for a new one.</summary>
    public ValueTask<bool> Join(Peer peer) => Post(new Message(MessageKind.Join, peer), CancellationToken.None);

    public ValueTask<bool> Leave(Peer peer) => Post(new Message(MessageKind.Leave, peer), CancellationToken.None);

    /// <summary>A peer's message; waits while the room is behind.</summary>
    public async ValueTask Receive(Peer peer, byte[] frame, CancellationToken cancellationToken)
    {
        await peer.Reserve(frame.Length, cancellationToken);
        if (!await Post(new Message(MessageKind.Frame, peer, frame), cancellationToken))
            peer.Release(frame.Length);
    }

    /// <summary>The peer's queue has emptied. Lossy on purpose: a full inbox means turns to come, and each looks for this.</summary>
    public void Drained(Peer peer) => inbox.Writer.TryWrite(new Message(MessageKind.Wake, peer));

    /// <summary>The log has advanced. Lossy as <see cref="Drained"/> is.</summary>
    public void Advanced() => inbox.Writer.TryWrite(new Message(MessageKind.Wake));

    /// <summary>Closes every socket and ends the room, after what has arrived was handled.</summary>
    public void Close(int code, string reason) => inbox.Writer.TryComplete(new RoomClosedException(code, reason));

    private async ValueTask<bool> Post(Message message, CancellationToken cancellationToken)
    {
        try
        {
            await inbox.Writer.WriteAsync(message, cancellationToken);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    private async Task Run()
    {
        var (code, reason) = (RoomProtocol.Close.TryAgainLater, "The room was unloaded; join again.");
        try
        {
            if (await Load() is { } error)
                (code, reason) = (error.Kind == ErrorKind.NotFound ? RoomProtocol.Close.NotFound : RoomProtocol.Close.InternalError, error.Message);
            else
                await Serve();
        }
        catch (RoomClosedException closed)
        {
            (code, reason) = (closed.Code, closed.Message);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or InvalidDataException or FencedException)
        {
            Log.NotLoaded(context.Logger, ProjectId, exception.Message);
            (code, reason) = (RoomProtocol.Close.TryAgainLater, "The room can't be loaded at the moment; trying again helps.");
        }
        catch (Exception exception)
        {
            // What is durable is safe; this replica is not to be trusted any more. Peers come back to a fresh one.
            Log.Failed(context.Logger, exception, ProjectId);
            (code, reason) = (RoomProtocol.Close.InternalError, "The room failed and is loaded again.");
        }

        inbox.Writer.TryComplete();
        while (inbox.Reader.TryRead(out var message))
        {
            if (message.Kind == MessageKind.Join)
                peers.TryAdd(message.Peer!, 0);
        }

        foreach (var peer in peers.Keys)
            peer.Close(code, reason);
        awareness.Dispose();
        doc.Dispose();
    }

    private async Task<Error?> Load()
    {
        var records = await context.Load(ProjectId);
        if (!records.Succeeded)
            return records.Error;
        foreach (var record in records.Value)
            doc.ApplyUpdate(record.Bytes.Span);
        update = null;
        documentBytes = records.Value.Sum(record => (long)record.Bytes.Length);
        return null;
    }

    private async Task Serve()
    {
        var turn = new List<Message>();
        while (await MoreToDo())
        {
            while (turn.Count < TurnMessages && inbox.Reader.TryRead(out var message))
                turn.Add(message);
            Turn(turn);
            foreach (var message in turn)
            {
                if (message.Kind == MessageKind.Frame)
                    message.Peer!.Release(message.Frame.Length);
            }

            turn.Clear();
        }
    }

    /// <summary>False when nobody has been here for a while and everything is durable.</summary>
    private async Task<bool> MoreToDo()
    {
        while (true)
        {
            if (peers.Count > 0)
                return await inbox.Reader.WaitToReadAsync();
            using var timeout = new CancellationTokenSource(context.Limits.UnloadAfter);
            try
            {
                return await inbox.Reader.WaitToReadAsync(timeout.Token);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                if (context.Appender.Committed >= lastPosition && inbox.Writer.TryComplete())
                    return await inbox.Reader.WaitToReadAsync();
            }
        }
    }

    private void Turn(List<Message> turn)
    {
        foreach (var message in turn)
        {
            if (message.Kind == MessageKind.Join)
                Enter(message.Peer!);
            else if (message.Kind == MessageKind.Encoded)
                Deliver(message.Encoded!);
        }

        // Only when somebody may be about to fall behind is it worth knowing what they have.
        var before = peers.Keys.Any(peer => peer.BehindSince is null && peer.QueuedBytes > context.Limits.SendQueueBytes / 2) ? doc.EncodeStateVector() : null;
        Integrate(turn, before);
        foreach (var message in turn)
        {
            if (message.Kind == MessageKind.Frame)
                Answer(message.Peer!, message.Frame);
            else if (message.Kind == MessageKind.Leave)
                Exit(message.Peer!);
        }

        BroadcastAwareness(before);
        foreach (var peer in peers.Keys)
        {
            CatchUp(peer);
            Deny(peer);
            Acknowledge(peer);
        }

        EncodeForWaiting();
    }

    private void Enter(Peer peer)
    {
        if (!peers.TryAdd(peer, 0))
            return;
        peerCount = peers.Count;
        context.Touch();
        // A viewer is not asked for what the room lacks: it could not give it.
        if (peer.Role > RoomRole.View)
            peer.TrySend(RoomFrames.Step1(doc.EncodeStateVector()));
        peer.MissesAwareness = awareness.States.Count > 0 && !peer.TrySend(AllAwareness());
    }

    private void Exit(Peer peer)
    {
        if (!peers.Remove(peer))
            return;
        peerCount = peers.Count;
        context.Touch();
        awareness.Remove(awarenessGuard.Release(peer), peer);
        gate.PeerHasLeft();
    }

    /// <summary>Takes in the turn's updates, all in one transaction unless the document is near its limit.</summary>
    private void Integrate(List<Message> turn, byte[]? before)
    {
        foreach (var message in turn)
        {
            if (message.Kind != MessageKind.Frame || ReadUpdate(message) is not { } received)
                continue;
            // What the turn has brought so far may have freed as much as it took: then it has to be in the document to be measured.
            if (documentBytes + received.Update.Length > context.Limits.DocumentBytes)
                IntegrateAdmitted(before);
            if (Admit(received))
                admitted.Add(received);
        }

        IntegrateAdmitted(before);
    }

    /// <summary>Applies what was admitted in one transaction, then logs and broadcasts what came of it.</summary>
    private void IntegrateAdmitted(byte[]? before)
    {
        if (admitted.Count == 0 && !gate.HasMoreToTake)
            return;
        var taken = doc.Transact(_ => gate.Take(admitted));
        admitted.Clear();
        if (doc.HasPending)
        {
            // Old logs may hold what waits for its dependencies: that is in no merged update, and still must not be lost.
            foreach (var received in taken)
                lastPosition = context.Appender.Enqueue(ProjectId, received.Update);
        }
        else if (update is not null)
        {
            lastPosition = context.Appender.Enqueue(ProjectId, update);
        }

        // An update that brought nothing new is as durable as what came before it.
        foreach (var received in taken)
        {
            if (received.Receipt is { } receipt)
                receipt.Position = lastPosition;
        }

        if (update is not null)
        {
            context.Touch();
            var lone = taken.All(received => received.Peer == taken[0].Peer) ? taken[0].Peer : null;
            Broadcast(RoomFrames.Update(update), lone, before);
        }

        update = null;
    }

    private static ReceivedUpdate? ReadUpdate(Message message)
    {
        try
        {
            var decoder = new LibDecoder(message.Frame);
            if (decoder.ReadVarUint() != RoomProtocol.Sync)
                return null;
            var kind = decoder.ReadVarUint();
            if (kind is not (RoomProtocol.SyncStep2 or RoomProtocol.SyncUpdate))
                return null;
            var length = decoder.ReadVarBytes().Length;
            var peer = message.Peer!;
            return new(peer, peer.Role, peer.Expect(), message.Frame.AsMemory(decoder.Position - length, length), IsOffer: kind == RoomProtocol.SyncStep2);
        }
        catch (CrdtDecodingException)
        {
            // Answer() meets it again and closes the socket.
            return null;
        }
    }

    private bool Admit(ReceivedUpdate received)
    {
        var refusal = received.Role == RoomRole.View ? "You can view this project but not edit it."
            : !IsDeletionOnly(received.Update.Span) && !HasRoomFor(received.Update.Length, received.Peer.IsService)
                ? $"The project has reached its greatest size ({context.Limits.DocumentBytes / (double)(1 << 20):0.##} MiB)."
            : null;
        if (refusal is null)
        {
            documentBytes += received.Update.Length;
            return true;
        }

        received.Peer.Refuse(refusal);
        return false;
    }

    /// <summary>It has no structs. Such an update is how a full project gets room again.</summary>
    private static bool IsDeletionOnly(ReadOnlySpan<byte> update) => update is [0, ..];

    /// <summary>
    /// The sum of all updates is at least the document's size; only when that exceeds the limit is the document measured. A service
    /// peer, whose one refused update would hold up those of many people, has a tenth more.
    /// </summary>
    private bool HasRoomFor(int bytes, bool isService)
    {
        var limit = context.Limits.DocumentBytes + (isService ? context.Limits.DocumentBytes / 10L : 0);
        if (documentBytes + bytes > limit)
            documentBytes = AnswerTo([0]).Length;
        return documentBytes + bytes <= limit;
    }

    private void Answer(Peer peer, byte[] frame)
    {
        if (!peers.ContainsKey(peer))
            return;
        try
        {
            var decoder = new LibDecoder(frame);
            switch (decoder.ReadVarUint())
            {
                case RoomProtocol.Sync:
                    var message = SyncProtocol.Read(ref decoder);
                    if (message.Kind == SyncMessageKind.Step1)
                        peer.Asked = message.Payload.ToArray();
                    break;
                case RoomProtocol.Awareness:
                    // A service peer speaks for any number of people, and closing its socket would close all theirs.
                    if (!peer.IsService && frame.Length > context.Limits.AwarenessBytes)
                        peer.Close(RoomProtocol.Close.TooBig, $"An awareness message may have at most {context.Limits.AwarenessBytes} bytes.");
                    else if (awarenessGuard.Filter(peer, decoder.ReadVarBytes()) is { } filtered)
                        awareness.Apply(filtered, peer);
                    break;
                case RoomProtocol.QueryAwareness:
                    peer.MissesAwareness = awareness.States.Count > 0;
                    break;
                case RoomProtocol.Auth or RoomProtocol.Acknowledgement:
                    // These go from the gateway to the peer; from a peer they mean nothing.
                    break;
                case var unknown:
                    throw new CrdtDecodingException($"Unknown message type {unknown}.");
            }
        }
        catch (CrdtDecodingException malformed)
        {
            peer.Reject(malformed);
        }
    }

    private byte[] AnswerTo(ReadOnlySpan<byte> stateVector) =>
        stateVector is [0] ? encodedAnswer ??= RoomFrames.Step2(doc.EncodeStateAsUpdate()) : RoomFrames.Step2(doc.EncodeStateAsUpdate(stateVector));

    private void Broadcast(byte[] frame, Peer? except, byte[]? before)
    {
        foreach (var peer in peers.Keys)
        {
            if (peer != except)
                Send(peer, frame, before);
        }
    }

    private static void Send(Peer peer, byte[] frame, byte[]? before)
    {
        if (peer.Held is { } held)
            held.Add(frame);
        else if (peer.BehindSince is null && !peer.TrySend(frame))
            FallBehind(peer, before ?? [0]);
    }

    private static void FallBehind(Peer peer, byte[] since)
    {
        peer.BehindSince = since;
        peer.MissesAwareness = true;
    }

    /// <summary>
    /// Once a turn, so that however often a peer asks for the state, it is encoded once for what the socket has taken. What doesn't
    /// fit is tried again when the queue has emptied, which wakes the room.
    /// </summary>
    private void CatchUp(Peer peer)
    {
        if (peer.Held is not null)
            return;
        if ((peer.BehindSince ?? peer.Asked) is { } since)
        {
            if (peer.QueuedBytes > 0)
            {
                // Nothing is added to the queue until the answer can be, or it would never be empty in a busy room.
                FallBehind(peer, since);
                return;
            }

            if (!CanAnswerHere(peer))
            {
                FallBehind(peer, since);
                if (!isEncoding)
                    waiting.Add(peer);
                return;
            }
        }

        try
        {
            if (peer.Asked is { } asked)
                peer.TrySend(AnswerTo(asked));
            else if (peer.BehindSince is { } missed)
                peer.TrySend(RoomFrames.Update(doc.EncodeStateAsUpdate(missed)));
        }
        catch (CrdtDecodingException malformed)
        {
            peer.Reject(malformed);
        }

        (peer.Asked, peer.BehindSince) = (null, null);
        if (peer.MissesAwareness && peer.TrySend(AllAwareness()))
            peer.MissesAwareness = false;
    }

    private byte[] AllAwareness() => RoomFrames.Awareness(awareness.Encode(awareness.States.Keys));

    private static void Deny(Peer peer)
    {
        if (peer.Denial is { } reason && peer.TrySend(RoomFrames.Denied(reason)))
            peer.Denial = null;
    }

    private void Acknowledge(Peer peer)
    {
        if (!peer.WantsAcks || peer.BehindSince is not null)
            return;
        var (durable, entries) = (0L, 0);
        foreach (var receipt in peer.Unacknowledged)
        {
            if (receipt.Position > context.Appender.Committed)
                break;
            (durable, entries) = (receipt.Count, entries + 1);
        }

        if (entries == 0 || !peer.TrySend(RoomFrames.Acknowledgement(durable)))
            return;
        for (; entries > 0; entries--)
            peer.Unacknowledged.Dequeue();
    }

    private void OnUpdated(YUpdateEvent change)
    {
        update = change.Update;
        encodedAnswer = null;
        documentVersion++;
    }

    /// <summary>On the loop, or on a timer's thread when somebody fell silent.</summary>
    private void OnAwarenessUpdated(AwarenessChange change)
    {
        foreach (var client in change.Clients)
            changedAwareness[client] = 0;
        if (change.Origin is not Peer)
            inbox.Writer.TryWrite(new Message(MessageKind.Wake));
    }

    private void BroadcastAwareness(byte[]? before)
    {
        if (changedAwareness.IsEmpty)
            return;
        var clients = changedAwareness.Keys.ToList();
        foreach (var client in clients)
            changedAwareness.TryRemove(client, out _);
        Broadcast(RoomFrames.Awareness(awareness.Encode(clients)), null, before);
    }

    private enum MessageKind { Join, Leave, Frame, Wake, Encoded }

    private readonly record struct Message(MessageKind Kind, Peer? Peer = null, byte[]? Bytes = null, EncodedStates? Encoded = null)
    {
        public byte[] Frame => Bytes ?? [];
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The room {ProjectId} failed and is dropped from memory")]
        public static partial void Failed(ILogger logger, Exception exception, Guid projectId);

        [LoggerMessage(2, LogLevel.Warning, "The room {ProjectId} can't be loaded now: {Reason}")]
        public static partial void NotLoaded(ILogger logger, Guid projectId, string reason);
    }
}
