using System.Buffers;
using System.Net.WebSockets;
using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// One socket in a room: a receive loop that hands whole messages to the room and waits for it, and a send loop over a queue
/// bounded in bytes. Slow readers: a peer whose queue is full is sent nothing more until its socket has drained; then the room
/// sends what it missed as one update. A peer to which nothing can be written for <see cref="RoomLimits.SendTimeout"/> is closed.
/// Members marked so belong to the room's loop; the others are thread-safe.
/// </summary>
internal sealed partial class Peer(WebSocket socket, RoomTicket? ticket, RoomRole role, bool wantsAcks, RoomLimits limits, ILogger logger)
{
    private readonly Lock gate = new();
    private readonly MessageRate rate = new(limits.MessagesPerSecond);
    private readonly Queue<byte[]> outgoing = new();
    private readonly SemaphoreSlim pending = new(0);
    private readonly CancellationTokenSource aborting = new();
    private long queuedBytes, unhandledBytes;
    private TaskCompletionSource? handled;
    private volatile int closeCode;
    private string closeReason = "";
    private volatile RoomRole role = role;

    public Guid UserId { get; } = ticket?.UserId ?? Guid.Empty;

    public bool IsService => ticket?.Role == RoomRole.Service;

    public bool WantsAcks => wantsAcks;

    /// <summary>What the person may do now; never more than the ticket grants.</summary>
    public RoomRole Role
    {
        get => role;
        set => role = ticket is null || value < ticket.Role ? value : ticket.Role;
    }

    /// <summary>Room's loop: awareness clients that this connection speaks for.</summary>
    public HashSet<uint> AwarenessClients { get; } = [];

    /// <summary>Room's loop: update messages that wait for their acknowledgement, in order.</summary>
    public Queue<Receipt> Unacknowledged { get; } = new();

    /// <summary>Room's loop: update messages received, and how many of them count for acknowledgements.</summary>
    public long UpdatesReceived { get; private set; }

    /// <summary>Room's loop: an update was refused, so acknowledgements have come to their end.</summary>
    public bool HasRefusal { get; private set; }

    /// <summary>Room's loop: what the peer had when it fell behind (empty: send everything); null while it keeps up.</summary>
    public byte[]? BehindSince { get; set; }

    /// <summary>Room's loop: what was broadcast since the state that is being encoded for the peer; null when none is.</summary>
    public HeldFrames? Held { get; set; }

    /// <summary>Room's loop: state vector of a Step1 that waits for its answer.</summary>
    public byte[]? Asked { get; set; }

    /// <summary>Room's loop: the peer was not sent what awareness there is.</summary>
    public bool MissesAwareness { get; set; }

    /// <summary>Room's loop: why an update was refused, while the peer has yet to be told.</summary>
    public string? Denial { get; set; }

    public long QueuedBytes => Interlocked.Read(ref queuedBytes);

    /// <summary>Room's loop: counts an update message. Null when it will never be acknowledged.</summary>
    public Receipt? Expect()
    {
        UpdatesReceived++;
        if (!wantsAcks || HasRefusal)
            return null;
        var receipt = new Receipt(UpdatesReceived);
        Unacknowledged.Enqueue(receipt);
        return receipt;
    }

    /// <summary>Room's loop: an update of this peer was not taken. It is told why, and gets no acknowledgements beyond.</summary>
    public void Refuse(string reason)
    {
        HasRefusal = true;
        Denial = reason;
    }

    /// <summary>Closes the socket of a peer that sent what is no message.</summary>
    public void Reject(CrdtDecodingException malformed) => Close((int)WebSocketCloseStatus.InvalidPayloadData, $"Malformed message: {malformed.Message}");

    /// <summary>Queues a frame. False, and nothing queued, when more waits already than the limit allows.</summary>
    public bool TrySend(byte[] frame)
    {
        lock (gate)
        {
            if (closeCode != 0)
                return true;
            if (queuedBytes > 0 && queuedBytes + frame.Length > limits.SendQueueBytes)
                return false;
            queuedBytes += frame.Length;
            outgoing.Enqueue(frame);
        }

        pending.Release();
        return true;
    }

    /// <summary>
    /// Waits until the peer may put a message of that size into the room's inbox: all that lies there of one peer is no more than
    /// one message of the largest size, or one message. Only the receive loop calls.
    /// </summary>
    public async ValueTask Reserve(int bytes, CancellationToken cancellationToken)
    {
        while (TryReserve(bytes) is { } progress)
            await progress.WaitAsync(cancellationToken);
    }

    /// <summary>A reserved message has been handled, or never will be.</summary>
    public void Release(int bytes)
    {
        lock (gate)
        {
            unhandledBytes -= bytes;
            handled?.TrySetResult();
        }
    }

    /// <summary>Sends what is queued, then closes with code and reason. Only the first call counts.</summary>
    public void Close(int code, string reason)
    {
        lock (gate)
        {
            if (closeCode != 0)
                return;
            closeReason = reason;
            closeCode = code;
            handled?.TrySetResult();
        }

        pending.Release();
    }

    /// <summary>Runs both loops until the socket is closed.</summary>
    /// <param name="room">Gets each message; awaited, so a room that is busy slows its peers down. Null when the peer is only told why not.</param>
    /// <param name="admit">Awaited before each read: holds back while the log can't take more.</param>
    public async Task Run(Room? room, Func<CancellationToken, ValueTask> admit)
    {
        var receiving = Receive(room, admit);
        var sending = Send(room);
        await Task.WhenAny(receiving, sending);
        // Whichever ended first decided; the other has a moment to exchange the close frames.
        Close((int)WebSocketCloseStatus.NormalClosure, "");
        aborting.CancelAfter(TimeSpan.FromSeconds(5));
        await Task.WhenAll(receiving, sending);
        aborting.Dispose();
    }

    private async Task Receive(Room? room, Func<CancellationToken, ValueTask> admit)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            var length = 0;
            while (true)
            {
                if (length == 0)
                    await admit(aborting.Token);
                else if (length == buffer.Length)
                    buffer = Grow(buffer);
                var result = await socket.ReceiveAsync(buffer.AsMemory(length), aborting.Token);
                if (result.MessageType == WebSocketMessageType.Close)
                    return;
                length += result.Count;
                if (result.MessageType == WebSocketMessageType.Text)
                    Close((int)WebSocketCloseStatus.InvalidMessageType, "A room speaks binary messages only.");
                else if (length > limits.MessageBytes)
                    Close(RoomProtocol.Close.TooBig, $"A message may have at most {limits.MessageBytes} bytes.");
                else if (result.EndOfMessage && closeCode == 0 && room is not null)
                {
                    // Nothing is lost: what it sends beyond the rate waits in its socket.
                    if (!IsService && rate.Take() is { Ticks: > 0 } wait)
                        await Task.Delay(wait, aborting.Token);
                    await room.Receive(this, buffer.AsSpan(0, length).ToArray(), aborting.Token);
                }

                // Once closing, the rest is read and dropped, or the peer would never get to the close frame.
                if (result.EndOfMessage || closeCode != 0)
                    length = 0;
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            Log.Gone(logger, exception.Message);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task Send(Room? room)
    {
        try
        {
            while (true)
            {
                await pending.WaitAsync(aborting.Token);
                if (Next() is { } frame)
                {
                    using var timeout = CancellationTokenSource.CreateLinkedTokenSource(aborting.Token);
                    timeout.CancelAfter(limits.SendTimeout);
                    await socket.SendAsync(frame, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, timeout.Token);
                    if (Interlocked.Add(ref queuedBytes, -frame.Length) == 0)
                        room?.Drained(this);
                }
                else if (closeCode != 0)
                {
                    await CloseSocket();
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            socket.Abort();
            Log.Gone(logger, exception.Message);
        }
    }

    private async Task CloseSocket()
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(aborting.Token);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await socket.CloseOutputAsync((WebSocketCloseStatus)closeCode, Shorten(closeReason), timeout.Token);
    }

    private byte[]? Next()
    {
        lock (gate)
            return outgoing.TryDequeue(out var frame) ? frame : null;
    }

    /// <summary>Null on success, else what to wait for before the next try.</summary>
    private Task? TryReserve(int bytes)
    {
        lock (gate)
        {
            if (unhandledBytes > 0 && unhandledBytes + bytes > limits.MessageBytes && closeCode == 0)
                return (handled = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            unhandledBytes += bytes;
            return null;
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    /// <summary>A close frame holds 123 bytes of reason.</summary>
    private static string Shorten(string reason) => reason.Length <= 100 ? reason : reason[..99] + "…";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "A peer is gone: {Reason}")]
        public static partial void Gone(ILogger logger, string reason);
    }
}
