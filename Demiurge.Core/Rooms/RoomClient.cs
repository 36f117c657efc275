using System.Net.WebSockets;
using System.Threading.Channels;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Core.Rooms;

/// <summary>How a <see cref="RoomClient"/> stands to its room.</summary>
public enum RoomClientStatus
{
    /// <summary>On its way, or waiting for the next attempt.</summary>
    Connecting,

    /// <summary>Both sides have what the other had when the socket opened.</summary>
    Synced,

    /// <summary>The gateway was released after a time without activity. The next local change, or <see cref="RoomClient.Wake"/>, connects again.</summary>
    Idle,

    /// <summary>Refused for good: no access, or no such project. <see cref="RoomClient.Refusal"/> says why.</summary>
    Refused,

    Disposed,
}

public sealed record RoomClientOptions
{
    /// <summary>First pause before a new attempt; doubles up to <see cref="MaximumBackOff"/>, each with jitter.</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaximumBackOff { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Silence after which a socket is taken for dead; pings are sent at a third of it.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Edits that the gateway refused are offered again, on a new socket, after this time.</summary>
    public TimeSpan RefusalPause { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// A peer of a room over WebSocket: keeps a replica and its awareness in step with the gateway, over any number of sockets,
/// and knows which of its own edits are durable. The document has one writer, this client's loop: touch it only inside
/// <see cref="Run(Action{YDoc})"/>. Events are raised on that loop; handlers must not block. After a reconnection both sides
/// exchange what the other lacks, so edits made meanwhile are neither lost nor doubled.
/// </summary>
public sealed class RoomClient : IAsyncDisposable
{
    /// <summary>Half of what gateways accept in one awareness message unless configured otherwise, see <see cref="RoomLimits.AwarenessBytes"/>.</summary>
    private const int AwarenessFrameBytes = 32 << 10;

    /// <summary>Origin of everything that comes from the room.</summary>
    private static readonly object Remote = new();

    private readonly Func<CancellationToken, Task<Result<RoomEndpoint>>> endpoint;
    private readonly RoomClientOptions options;
    private readonly TimeProvider time;
    private readonly YDoc doc = new();
    private readonly Channel<Action> work = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource disposing = new();
    private readonly TaskCompletionSource<bool> synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly Lock ownClientsGate = new();
    private readonly HashSet<uint> ownClients = [];
    private readonly Task loop;
    private Task connecting = Task.CompletedTask;
    private volatile RoomSocketConnection? connection;
    private volatile RoomClientStatus status;
    private long localUpdates, durableUpdates;
    private bool offersRefused;

    /// <param name="endpoint">Asked before each attempt, so that a moved organization and a fresh ticket are found. A refusal
    /// with kind NotFound or Forbidden ends the client; any other is tried again.</param>
    public RoomClient(Func<CancellationToken, Task<Result<RoomEndpoint>>> endpoint, RoomClientOptions? options = null, TimeProvider? time = null)
    {
        this.endpoint = endpoint;
        this.options = options ?? new();
        this.time = time ?? TimeProvider.System;
        Awareness = new Awareness(doc, this.time);
        Awareness.Updated += OnAwarenessUpdated;
        doc.Updated += OnUpdated;
        loop = Task.Run(Loop);
    }

    /// <summary>Thread-safe, unlike the document.</summary>
    public Awareness Awareness { get; }

    public RoomClientStatus Status => status;

    /// <summary>Why <see cref="Status"/> is <see cref="RoomClientStatus.Refused"/>.</summary>
    public Error? Refusal { get; private set; }

    /// <summary>Why the last attempt to connect failed, for logs; null after one that did not.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>Local updates that are not known to be durable yet; 0 means that everything is saved.</summary>
    public long UnackedUpdates => Interlocked.Read(ref localUpdates) - Interlocked.Read(ref durableUpdates);

    public event Action<RoomClientStatus>? StatusChanged;

    /// <summary><see cref="UnackedUpdates"/> changed.</summary>
    public event Action? DurableChanged;

    /// <summary>The gateway refused something that this client sent; the reason, for people.</summary>
    public event Action<string>? Denied;

    /// <summary>Begins to connect.</summary>
    public void Start() => connecting = Task.Run(StayConnected);

    /// <summary>Runs on the loop, in the order of the calls; completes when it has run. An exception of <paramref name="action"/> comes back to the caller.</summary>
    public Task Run(Action<YDoc> action) => Run(document =>
    {
        action(document);
        return true;
    });

    /// <inheritdoc cref="Run(Action{YDoc})"/>
    public Task<T> Run<T>(Func<YDoc, T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = work.Writer.TryWrite(() =>
        {
            try
            {
                done.SetResult(action(doc));
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return posted ? done.Task : Task.FromException<T>(new ObjectDisposedException(nameof(RoomClient)));
    }

    /// <summary>Completes when first synced; false when refused or disposed before.</summary>
    public Task<bool> WhenSynced(CancellationToken cancellationToken = default) => synced.Task.WaitAsync(cancellationToken);

    /// <summary>Connects again after <see cref="RoomClientStatus.Idle"/>.</summary>
    public void Wake()
    {
        try
        {
            wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It was woken already.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (disposing.IsCancellationRequested)
            return;
        await disposing.CancelAsync();
        await connecting;
        Post(() => SetStatus(RoomClientStatus.Disposed));
        work.Writer.Complete();
        await loop;
        synced.TrySetResult(false);
        Awareness.Dispose();
        doc.Dispose();
    }

    private async Task Loop()
    {
        await foreach (var action in work.Reader.ReadAllAsync())
            action();
    }

    /// <summary>Like <see cref="Run(Action{YDoc})"/>, for who doesn't wait: a handler that throws never ends the loop.</summary>
    private void Post(Action action) => _ = Run(_ => action());

    private async Task StayConnected()
    {
        var backOff = options.BackOff;
        while (!disposing.IsCancellationRequested)
        {
            try
            {
                var ended = await TryAttempt();
                if (ended is { Kind: ErrorKind.NotFound or ErrorKind.Forbidden })
                {
                    Refuse(ended);
                    return;
                }

                if (status == RoomClientStatus.Synced)
                    backOff = options.BackOff;
                if (ended is { Code: IdleCode })
                {
                    Post(FallIdle);
                    await wake.WaitAsync(disposing.Token);
                    backOff = options.BackOff;
                }

                Post(() => SetStatus(RoomClientStatus.Connecting));
                await Task.Delay(backOff * (0.5 + Random.Shared.NextDouble()), time, disposing.Token);
            }
            catch (Exception) when (disposing.IsCancellationRequested)
            {
                return;
            }

            backOff = backOff * 2 < options.MaximumBackOff ? backOff * 2 : options.MaximumBackOff;
        }
    }

    private const string IdleCode = "room.idle";

    private async Task<Error?> TryAttempt()
    {
        try
        {
            return await Attempt();
        }
        catch (Exception exception) when (!disposing.IsCancellationRequested)
        {
            // The outside world in any of its forms; the next attempt starts afresh.
            LastFailure = exception.Message;
            return null;
        }
    }

    /// <summary>One socket from its opening to its end. Returns why it ended where that matters to what comes next.</summary>
    private async Task<Error?> Attempt()
    {
        var opened = await endpoint(disposing.Token);
        LastFailure = opened.Error?.Message;
        if (!opened.Succeeded)
            return opened.Error;
        using var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = options.SilenceLimit / 3;
        socket.Options.KeepAliveTimeout = options.SilenceLimit;
        socket.Options.Proxy = null;
        if (opened.Value.Host is { } host)
            socket.Options.SetRequestHeader("Host", host);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(disposing.Token);
        timeout.CancelAfter(options.SilenceLimit);
        await socket.ConnectAsync(new Uri($"{opened.Value.Uri}?token={Uri.EscapeDataString(opened.Value.Token)}&ack=1"), timeout.Token);
        // An earlier call to wake, or an edit, is answered by this very connection.
        wake.Wait(0, CancellationToken.None);
        var current = new RoomSocketConnection(socket);
        try
        {
            await Run(_ => Open(current));
            await current.Run(frame => Run(_ => Receive(current, frame)), disposing.Token);
        }
        finally
        {
            await Run(_ => Closed(current));
        }

        return (int?)socket.CloseStatus switch
        {
            RoomProtocol.Close.Idle => new Error(IdleCode, socket.CloseStatusDescription ?? "", ErrorKind.Unavailable),
            RoomProtocol.Close.Revoked => new Error("room.revoked", socket.CloseStatusDescription ?? "", ErrorKind.Forbidden),
            RoomProtocol.Close.NotFound => RoomErrors.NotFound,
            _ => null,
        };
    }

    private void Open(RoomSocketConnection opened)
    {
        connection = opened;
        opened.Send(RoomFrames.Step1(doc.EncodeStateVector()));
        SendOwnAwareness(opened);
    }

    private void Closed(RoomSocketConnection closed)
    {
        if (connection != closed)
            return;
        connection = null;
        uint[] others;
        lock (ownClientsGate)
            others = [.. Awareness.States.Keys.Where(client => !ownClients.Contains(client))];
        Awareness.Remove(others, Remote);
    }

    /// <exception cref="CrdtDecodingException">The gateway sent something that makes no sense; the socket is given up.</exception>
    private void Receive(RoomSocketConnection from, byte[] frame)
    {
        if (from != connection)
            return;
        var decoder = new LibDecoder(frame);
        switch (decoder.ReadVarUint())
        {
            case RoomProtocol.Sync:
                ReceiveSync(from, SyncProtocol.Read(ref decoder));
                break;
            case RoomProtocol.Awareness:
                Awareness.Apply(decoder.ReadVarBytes(), Remote);
                break;
            case RoomProtocol.Auth:
                if (decoder.ReadVarUint() == 0)
                    ReceiveDenial(from, decoder.ReadVarString());
                break;
            case RoomProtocol.QueryAwareness:
                SendOwnAwareness(from);
                break;
            case RoomProtocol.Acknowledgement:
                if (from.Acknowledge((long)decoder.ReadVarUint()) is { } durable && durable > durableUpdates)
                {
                    Interlocked.Exchange(ref durableUpdates, durable);
                    offersRefused &= UnackedUpdates > 0;
                    DurableChanged?.Invoke();
                }

                break;
        }
    }

    /// <summary>
    /// What was refused stays in this replica, and acknowledgements don't pass it. A new socket offers it again: by then
    /// somebody may have made room for it.
    /// </summary>
    private void ReceiveDenial(RoomSocketConnection from, string reason)
    {
        if (!from.IsRefused && UnackedUpdates > 0)
        {
            from.IsRefused = offersRefused = true;
            _ = EndLater();
        }

        Denied?.Invoke(reason);

        async Task EndLater()
        {
            await Task.Delay(options.RefusalPause, time, disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            from.End();
        }
    }

    private void ReceiveSync(RoomSocketConnection from, SyncMessage message)
    {
        switch (message.Kind)
        {
            case SyncMessageKind.Step1:
                // Deletions are taken even by a full room, but not in one update with what is too much for it.
                if (offersRefused)
                    from.SendUpdate(RoomFrames.Update(doc.EncodeStateAsUpdate(doc.EncodeStateVector())), durableUpdates);
                // Holds all local updates so far; from here on each is sent by itself.
                from.SendUpdate(RoomFrames.Step2(doc.EncodeStateAsUpdate(message.Payload)), localUpdates);
                from.TakesUpdates = true;
                break;
            case SyncMessageKind.Step2:
                doc.ApplyUpdate(message.Payload, Remote);
                SetStatus(RoomClientStatus.Synced);
                synced.TrySetResult(true);
                break;
            case SyncMessageKind.Update:
                doc.ApplyUpdate(message.Payload, Remote);
                break;
        }
    }

    private void OnUpdated(YUpdateEvent change)
    {
        if (change.Origin == Remote)
            return;
        Interlocked.Increment(ref localUpdates);
        if (connection is { TakesUpdates: true } current)
            current.SendUpdate(RoomFrames.Update(change.Update), localUpdates);
        else if (status == RoomClientStatus.Idle)
            Wake();
        DurableChanged?.Invoke();
    }

    /// <summary>On whatever thread changed it.</summary>
    private void OnAwarenessUpdated(AwarenessChange change)
    {
        if (change.Origin == Remote)
            return;
        uint[] own;
        lock (ownClientsGate)
        {
            ownClients.UnionWith(change.Added);
            // Silence of another client is noticed here too; only what this process speaks for is its to say.
            own = [.. change.Clients.Where(ownClients.Contains)];
            ownClients.ExceptWith(change.Removed);
        }

        if (own.Length == 0)
            return;
        if (connection is { } current)
            SendAwareness(current, own);
        else if (status == RoomClientStatus.Idle)
            Wake();
    }

    private void SendOwnAwareness(RoomSocketConnection to)
    {
        uint[] own;
        lock (ownClientsGate)
            own = [.. ownClients];
        if (own.Length > 0)
            SendAwareness(to, own);
    }

    /// <summary>In as many frames as it takes to keep each below what a gateway accepts.</summary>
    private void SendAwareness(RoomSocketConnection to, ReadOnlySpan<uint> clients)
    {
        var update = Awareness.Encode(clients.ToArray());
        if (update.Length > AwarenessFrameBytes && clients.Length > 1)
        {
            SendAwareness(to, clients[..(clients.Length / 2)]);
            SendAwareness(to, clients[(clients.Length / 2)..]);
        }
        else
        {
            to.Send(RoomFrames.Awareness(update));
        }
    }

    private void FallIdle()
    {
        SetStatus(RoomClientStatus.Idle);
        // An edit slipped in while the socket closed.
        if (UnackedUpdates > 0)
            Wake();
    }

    private void Refuse(Error error)
    {
        Refusal = error;
        Post(() => SetStatus(RoomClientStatus.Refused));
        synced.TrySetResult(false);
    }

    private void SetStatus(RoomClientStatus next)
    {
        if (status == next)
            return;
        status = next;
        StatusChanged?.Invoke(next);
    }
}
