using System.Net.WebSockets;
using System.Threading.Channels;
using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// One document of a <see cref="HocuspocusSocket"/>, in the shape of the WebSocket that a <see cref="Peer"/> expects: what the peer sends is translated to
/// Hocuspocus' messages, and the other way round. One reader and one writer at a time, as any WebSocket.
/// </summary>
internal sealed class HocuspocusChannel(HocuspocusSocket socket, string name, bool isReader) : WebSocket
{
    // Holds the socket's reader back when the room is behind.
    private readonly Channel<byte[]> incoming = Channel.CreateBounded<byte[]>(1);
    private byte[]? current;
    private int position;
    private ulong acknowledged;
    private volatile bool isClosed;

    /// <summary>Ends when the peer has left its room.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => isClosed ? WebSocketState.Closed : WebSocketState.Open;

    public override string? SubProtocol => null;

    public void Start(Task visit) => Completion = visit;

    /// <summary>The client has closed the document, or is gone.</summary>
    public void Leave() => incoming.Writer.TryComplete();

    /// <summary>A message for the room; waits while the room is behind.</summary>
    public async ValueTask Receive(byte type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var frame = new byte[body.Length + 1];
        frame[0] = type;
        body.Span.CopyTo(frame.AsSpan(1));
        try
        {
            await incoming.Writer.WriteAsync(frame, cancellationToken);
            // A reader is not asked for what the room lacks, and waits for the confirmation of that.
            if (isReader && type == HocuspocusProtocol.Sync && body is { Length: > 0 } && body.Span[0] == RoomProtocol.SyncStep1)
                await socket.Send(HocuspocusProtocol.Status(name, taken: true), cancellationToken);
        }
        catch (ChannelClosedException)
        {
            // The room has ended it, and said so.
        }
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (current is null)
        {
            if (!await incoming.Reader.WaitToReadAsync(cancellationToken) || !incoming.Reader.TryRead(out current))
                return new(0, WebSocketMessageType.Close, true);
            position = 0;
        }

        var count = Math.Min(buffer.Length, current.Length - position);
        current.AsSpan(position, count).CopyTo(buffer.Span);
        position += count;
        var isLast = position == current.Length;
        if (isLast)
            current = null;
        return new(count, WebSocketMessageType.Binary, isLast);
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, WebSocketMessageFlags messageFlags, CancellationToken cancellationToken)
    {
        switch (buffer.Span[0])
        {
            case (byte)RoomProtocol.Acknowledgement:
                for (var until = ReadCount(buffer.Span); acknowledged < until; acknowledged++)
                    await socket.Send(HocuspocusProtocol.Status(name, taken: true), cancellationToken);
                break;
            case (byte)RoomProtocol.Auth:
                // An auth message would make the client believe that it has lost all access.
                await socket.Send(HocuspocusProtocol.Status(name, taken: false), cancellationToken);
                break;
            default:
                await socket.Send(HocuspocusProtocol.Named(name, buffer.Span), cancellationToken);
                break;
        }
    }

    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        SendAsync(buffer.AsMemory(), messageType, WebSocketMessageFlags.EndOfMessage, cancellationToken).AsTask();

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        var result = await ReceiveAsync(buffer.AsMemory(), cancellationToken);
        return new(result.Count, result.MessageType, result.EndOfMessage);
    }

    public override async Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        if (isClosed)
            return;
        isClosed = true;
        Leave();
        var (code, reason) = ((int)closeStatus, statusDescription ?? "");
        if (code == (int)WebSocketCloseStatus.NormalClosure)
            return;
        if (code is < 4400 or > 4499)
        {
            await socket.Close(code, reason);
            return;
        }

        await socket.Send(HocuspocusProtocol.PermissionDenied(name, reason), cancellationToken);
        await socket.Send(HocuspocusProtocol.Closed(name, reason), cancellationToken);
    }

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

    public override void Abort()
    {
        isClosed = true;
        Leave();
    }

    public override void Dispose() => Abort();

    private static ulong ReadCount(ReadOnlySpan<byte> frame)
    {
        var decoder = new LibDecoder(frame);
        decoder.ReadVarUint();
        return decoder.ReadVarUint();
    }
}
