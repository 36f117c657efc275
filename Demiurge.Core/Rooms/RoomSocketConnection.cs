using System.Net.WebSockets;
using System.Threading.Channels;

namespace Demiurge.Core.Rooms;

/// <summary>
/// One socket of a <see cref="RoomClient"/>: a receive loop, a send loop, and the count that maps the gateway's acknowledgements to
/// the client's updates. <see cref="Send(byte[])"/> is thread-safe; the other members belong to the client's loop.
/// </summary>
internal sealed class RoomSocketConnection(ClientWebSocket socket)
{
    /// <summary>A gateway that takes nothing for so long is given up; the replica holds what was not sent.</summary>
    private const int QueueFrames = 8192;

    private readonly Channel<byte[]> outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(QueueFrames) { SingleReader = true });
    private readonly Queue<long> covered = new();
    private long acknowledged;

    /// <summary>The gateway has been sent the state that it lacked, so single updates make sense to it.</summary>
    public bool TakesUpdates { get; set; }

    /// <summary>The gateway has refused an update of this connection, so no acknowledgement passes it.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Ends the connection; any thread.</summary>
    public void End() => outgoing.Writer.TryComplete();

    public void Send(byte[] frame)
    {
        if (!outgoing.Writer.TryWrite(frame))
            End();
    }

    /// <param name="frame">A sync message with an update.</param>
    /// <param name="upTo">How many of the client's local updates are with the gateway once this message is.</param>
    public void SendUpdate(byte[] frame, long upTo)
    {
        covered.Enqueue(upTo);
        Send(frame);
    }

    /// <summary>The gateway has made this connection's first <paramref name="messages"/> updates durable; returns how many local updates that covers, null if no more than before.</summary>
    public long? Acknowledge(long messages)
    {
        long? durable = null;
        while (acknowledged < messages && covered.TryDequeue(out var upTo))
        {
            acknowledged++;
            durable = upTo;
        }

        return durable;
    }

    /// <summary>Runs until the socket ends, whatever ends it.</summary>
    /// <param name="receive">Called with each message, one at a time; an exception of it ends the socket.</param>
    public async Task Run(Func<byte[], Task> receive, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = Send(ending.Token);
        var receiving = Receive(receive, ending.Token);
        await Task.WhenAny(sending, receiving);
        outgoing.Writer.TryComplete();
        if (receiving.IsCompletedSuccessfully && socket.State == WebSocketState.CloseReceived)
        {
            ending.CancelAfter(TimeSpan.FromSeconds(2));
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await ending.CancelAsync();
        await Task.WhenAll(sending, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task Send(CancellationToken cancellationToken)
    {
        await foreach (var frame in outgoing.Reader.ReadAllAsync(cancellationToken))
            await socket.SendAsync(frame, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, cancellationToken);
    }

    private async Task Receive(Func<byte[], Task> receive, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                if (length == buffer.Length)
                    Array.Resize(ref buffer, buffer.Length * 2);
                result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            if (result.MessageType == WebSocketMessageType.Close)
                return;
            await receive(buffer[..length]);
        }
    }
}
