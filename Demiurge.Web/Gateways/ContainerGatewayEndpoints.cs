using System.Net.WebSockets;
using Demiurge.Core.Containers.Terminals;
using Demiurge.Core.Gateways;

namespace Demiurge.Web.Gateways;

/// <summary>What gateways ask about containers and their visitors, and the terminals that they pass on.</summary>
internal static class ContainerGatewayEndpoints
{
    /// <summary>As gateways tell people; see the terminal's close codes there.</summary>
    private const int Unavailable = 4404;

    private const int MaxInput = 64 << 10;

    public static void MapContainers(this RouteGroupBuilder group)
    {
        group.MapPost("/containers/resolve", (HttpContext context, GatewayHandshake handshake) =>
            GatewayEndpoints.Handle<GatewayContainersResolve>(context, async (token, body) => GatewayEndpoints.Answer(await handshake.ResolveContainers(token, body, context.RequestAborted))));
        group.MapPost("/containers/check", (HttpContext context, GatewayHandshake handshake) =>
            GatewayEndpoints.Handle<GatewayVisitsCheck>(context, async (token, body) => GatewayEndpoints.Answer(await handshake.CheckVisits(token, body, context.RequestAborted))));
        group.MapPost("/containers/activity", (HttpContext context, GatewayHandshake handshake) =>
            GatewayEndpoints.Handle<GatewayActivity>(context, async (token, body) => GatewayEndpoints.Answer(await handshake.NoteActivity(token, body, context.RequestAborted))));
        group.MapPost("/containers/start", (HttpContext context, GatewayHandshake handshake) =>
            GatewayEndpoints.Handle<GatewayVisit>(context, async (token, body) => GatewayEndpoints.Answer(await handshake.StartContainer(token, body, context.RequestAborted))));
        group.MapPost("/containers/diagnose", (HttpContext context, GatewayHandshake handshake) =>
            GatewayEndpoints.Handle<GatewayVisit>(context, async (token, body) => GatewayEndpoints.Answer(await handshake.DiagnoseContainer(token, body, context.RequestAborted))));
        group.Map("/containers/{containerId:guid}/terminal", Terminal);
    }

    private static async Task Terminal(
        HttpContext context, Guid containerId, string terminal, string visitor, int columns, int rows, GatewayHandshake handshake, TerminalSessions terminals)
    {
        if (GatewayEndpoints.Bearer(context) is not { } token || !context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (await handshake.AdmitToTerminal(token, new GatewayVisit(containerId, visitor), context.RequestAborted) is not { } grant)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var opened = await terminals.Open(
            containerId, terminal, visitor, new TerminalPerson(grant.Name, !grant.MayControl), columns, rows, context.RequestAborted);
        if (!opened.Succeeded)
        {
            await Close(socket, (WebSocketCloseStatus)Unavailable, opened.Error.Message);
            return;
        }

        using var watcher = opened.Value;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var sending = Send(socket, watcher, ending.Token);
        var receiving = Receive(socket, watcher, ending.Token);
        if (await Task.WhenAny(sending, receiving) == sending && sending.IsCompletedSuccessfully)
            await CloseOutput(socket, WebSocketCloseStatus.NormalClosure, "The terminal has ended.");
        ending.CancelAfter(TimeSpan.FromSeconds(2));
        if (receiving.IsCompleted)
            await ending.CancelAsync();
        await Task.WhenAll(sending, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task Send(WebSocket socket, TerminalWatcher watcher, CancellationToken cancellationToken)
    {
        await foreach (var frame in watcher.Frames(cancellationToken))
            await socket.SendAsync(frame.Bytes, frame.IsText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, cancellationToken);
    }

    private static async Task Receive(WebSocket socket, TerminalWatcher watcher, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxInput];
        var length = 0;
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close)
                return;
            length += result.Count;
            if (!result.EndOfMessage)
            {
                if (length == buffer.Length)
                    return;
                continue;
            }

            if (result.MessageType == WebSocketMessageType.Binary)
                await watcher.Type(buffer.AsSpan(0, length).ToArray(), cancellationToken);
            else if (TerminalMessage.Read(buffer.AsSpan(0, length)) is TerminalResize resize)
                watcher.Resize(resize.Columns, resize.Rows);
            length = 0;
        }
    }

    private static async Task Close(WebSocket socket, WebSocketCloseStatus status, string reason)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await socket.CloseAsync(status, Shorten(reason), patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task CloseOutput(WebSocket socket, WebSocketCloseStatus status, string reason)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await socket.CloseOutputAsync(status, Shorten(reason), patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>A close frame holds 123 bytes.</summary>
    private static string Shorten(string reason) => reason.Length > 110 ? reason[..110] : reason;
}
