using System.Buffers;
using System.Net.WebSockets;
using Demiurge.Core.Crdt;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// Rooms as Hocuspocus' clients speak to them: any number of documents on one socket, each message led by the document's name, which is the project's id,
/// if need be followed by a zero character and a session's name. Each document gets a <see cref="Peer"/> of its own on a <see cref="HocuspocusChannel"/>;
/// rooms know no difference. Facts of the protocol: <c>@hocuspocus/provider</c> 4.8 and <c>@hocuspocus/server</c> 4.7. What differs from its
/// server: a change is confirmed (SyncStatus) when it is durable.
/// </summary>
internal sealed class HocuspocusSocket(WebSocket socket, ServedOrganization organization, ILogger logger)
{
    /// <summary>Documents on one socket.</summary>
    private const int MostDocuments = 100;

    private const int Timeout = 4408;

    /// <summary>Whoever has shown no valid token by then is closed out.</summary>
    private static readonly TimeSpan TimeToAuthenticate = TimeSpan.FromSeconds(30);

    /// <summary>The provider gives up a socket on which nothing came for 30 s.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, HocuspocusChannel> channels = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim sending = new(1);
    private readonly CancellationTokenSource ending = new();
    private volatile bool hasAuthenticated;

    /// <summary>Serves the socket until it is closed, and ends when the rooms have let go of it.</summary>
    public async Task Run(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, ending.Token);
        var watching = Watch(either.Token);
        try
        {
            await Receive(either.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The other side is gone; so are its documents.
        }
        catch (CrdtDecodingException malformed)
        {
            await Close((int)WebSocketCloseStatus.InvalidPayloadData, $"Malformed message: {malformed.Message}");
        }
        finally
        {
            foreach (var channel in channels.Values)
                channel.Leave();
            await Task.WhenAll(channels.Values.Select(channel => channel.Completion));
            await ending.CancelAsync();
            await watching;
            if (socket.State is WebSocketState.CloseReceived)
                await Close((int)WebSocketCloseStatus.NormalClosure, "");
            ending.Dispose();
            sending.Dispose();
        }
    }

    /// <summary>Sends one message; thread-safe.</summary>
    public async ValueTask Send(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        await sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, cancellationToken);
        }
        finally
        {
            sending.Release();
        }
    }

    /// <summary>
    /// Ends the whole socket, for a reason after which its client should come back: it has no other way to know. Thread-safe.
    /// </summary>
    public async Task Close(int code, string reason)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await sending.WaitAsync(patience.Token);
            try
            {
                if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                    await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason.Length <= 100 ? reason : reason[..99] + "…", patience.Token);
            }
            finally
            {
                sending.Release();
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            socket.Abort();
        }

        if (!ending.IsCancellationRequested)
            ending.CancelAfter(TimeSpan.FromSeconds(5));
    }

    private async Task Receive(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            var length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(length * 2);
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                var result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close)
                    return;
                length += result.Count;
                if (result.MessageType == WebSocketMessageType.Text || length > organization.Config.Limits.MessageBytes)
                {
                    await (result.MessageType == WebSocketMessageType.Text
                        ? Close((int)WebSocketCloseStatus.InvalidMessageType, "A room speaks binary messages only.")
                        : Close(RoomProtocol.Close.TooBig, $"A message may have at most {organization.Config.Limits.MessageBytes} bytes."));
                    return;
                }

                if (!result.EndOfMessage)
                    continue;
                await Handle(buffer.AsSpan(0, length).ToArray(), cancellationToken);
                length = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <exception cref="CrdtDecodingException">It is no message.</exception>
    private async Task Handle(byte[] message, CancellationToken cancellationToken)
    {
        if (message is [HocuspocusProtocol.Pong] or [HocuspocusProtocol.Ping])
            return;
        var (name, type, body) = HocuspocusProtocol.Read(message);
        foreach (var (ended, _) in channels.Where(static entry => entry.Value.Completion.IsCompleted).ToList())
            channels.Remove(ended);
        channels.TryGetValue(name, out var channel);
        switch (type)
        {
            case HocuspocusProtocol.Auth:
                await Authenticate(name, channel, HocuspocusProtocol.ReadToken(body), cancellationToken);
                break;
            case HocuspocusProtocol.Close:
                channel?.Leave();
                break;
            case HocuspocusProtocol.Sync or HocuspocusProtocol.Awareness or HocuspocusProtocol.QueryAwareness:
                // What comes before the token was accepted comes again with the step 2.
                if (channel is not null)
                    await channel.Receive((byte)type, body, cancellationToken);
                break;
            case HocuspocusProtocol.Stateless or HocuspocusProtocol.BroadcastStateless:
                // Words between applications; a room has no use for them.
                break;
            default:
                throw new CrdtDecodingException($"Unknown message type {type}.");
        }
    }

    private async Task Authenticate(string name, HocuspocusChannel? channel, string token, CancellationToken cancellationToken)
    {
        var document = name.Split('\0')[0];
        if (!Guid.TryParseExact(document, "D", out var projectId))
        {
            await Send(HocuspocusProtocol.PermissionDenied(name, "There is no such project: a document's name is the project's id."), cancellationToken);
            return;
        }

        if (channel is null && channels.Count >= MostDocuments)
        {
            await Send(HocuspocusProtocol.PermissionDenied(name, $"A connection has at most {MostDocuments} documents."), cancellationToken);
            return;
        }

        var admission = await RoomDoor.Knock(organization, token, projectId, cancellationToken);
        if (channel is not null && admission.Ticket is not null)
        {
            // A token shown again, before the old one has expired: the room goes on.
            await Send(HocuspocusProtocol.Authenticated(name, canWrite: admission.Role > RoomRole.View), cancellationToken);
            return;
        }

        if (admission.Refusal is var (code, reason))
        {
            if (code == RoomProtocol.Close.TryAgainLater)
                await Close(code, reason);
            else
                await Send(HocuspocusProtocol.PermissionDenied(name, reason), cancellationToken);
            return;
        }

        hasAuthenticated = true;
        await Send(HocuspocusProtocol.Authenticated(name, canWrite: admission.Role > RoomRole.View), cancellationToken);
        channel = new HocuspocusChannel(this, name, isReader: admission.Role == RoomRole.View);
        channels[name] = channel;
        channel.Start(RoomDoor.Visit(organization, projectId, new Peer(channel, admission.Ticket, admission.Role, wantsAcks: true, organization.Config.Limits, logger)));
    }

    /// <summary>Keeps clients from taking silence for a dead connection, and strangers from keeping one.</summary>
    private async Task Watch(CancellationToken cancellationToken)
    {
        try
        {
            using var strangers = new CancellationTokenSource(TimeToAuthenticate);
            using var timer = new PeriodicTimer(KeepAlive);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (!hasAuthenticated && strangers.IsCancellationRequested)
                    await Close(Timeout, "No document was opened in time.");
                else if (hasAuthenticated)
                    await Send(new byte[] { HocuspocusProtocol.Ping }, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Receive() notices, too.
        }
    }
}
