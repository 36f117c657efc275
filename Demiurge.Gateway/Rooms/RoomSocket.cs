using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// <c>GET /collab/{projectId}?token=…[&amp;ack=1]</c>: the room's WebSocket, for clients of y-websocket's kind; <c>GET /collab</c>: the same rooms for
/// Hocuspocus' clients, see <see cref="HocuspocusSocket"/>. Refusals are told on the socket, as an auth message and a close code, because a
/// browser shows a page nothing of a failed upgrade.
/// </summary>
internal static class RoomSocket
{
    public static void MapRooms(this WebApplication app)
    {
        app.Map("/collab/{projectId:guid}", Serve);
        app.Map("/collab", ServeHocuspocus);
    }

    private static async Task Serve(HttpContext context, Guid projectId, GatewayLifecycle lifecycle, ILogger<Peer> logger)
    {
        if (await Organization(context, lifecycle) is not { } organization)
            return;
        var admission = await RoomDoor.Knock(organization, context.Request.Query["token"], projectId, context.RequestAborted);
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var peer = new Peer(socket, admission.Ticket, admission.Role, context.Request.Query["ack"] == "1", organization.Config.Limits, logger);
        if (admission.Refusal is not var (code, reason))
        {
            await RoomDoor.Visit(organization, projectId, peer);
            return;
        }

        peer.TrySend(Core.Rooms.RoomFrames.Denied(reason));
        peer.Close(code, reason);
        await peer.Run(null, organization.Log.Admit);
    }

    private static async Task ServeHocuspocus(HttpContext context, GatewayLifecycle lifecycle, ILogger<Peer> logger)
    {
        if (await Organization(context, lifecycle) is not { } organization)
            return;
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await new HocuspocusSocket(socket, organization, logger).Run(context.RequestAborted);
    }

    /// <summary>The organization whose rooms these are; null when the request was answered.</summary>
    private static async Task<ServedOrganization?> Organization(HttpContext context, GatewayLifecycle lifecycle)
    {
        var refusal = !context.WebSockets.IsWebSocketRequest
                ? Results.Problem("A room is joined by WebSocket, with any Yjs client (y-websocket, Hocuspocus).", statusCode: StatusCodes.Status426UpgradeRequired)
            : lifecycle.Serving is null
                ? Results.Problem("This gateway serves no organization at the moment; open the project again.", statusCode: StatusCodes.Status503ServiceUnavailable)
            : null;
        if (refusal is null)
            return lifecycle.Serving;
        await refusal.ExecuteAsync(context);
        return null;
    }
}
