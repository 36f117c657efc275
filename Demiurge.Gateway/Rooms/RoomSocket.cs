using Demiurge.Core.Rooms;
using Demiurge.Gateway.Access;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// <c>GET /collab/{projectId}?token=…[&amp;ack=1]</c>: the room's WebSocket. Refusals are told on the socket, as an auth message and a
/// close code, because a browser shows a page nothing of a failed upgrade.
/// </summary>
internal static class RoomSocket
{
    public static void MapRooms(this WebApplication app) => app.Map("/collab/{projectId:guid}", Serve);

    private static async Task Serve(HttpContext context, Guid projectId, GatewayLifecycle lifecycle, ILogger<Peer> logger)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Results.Problem("A room is joined by WebSocket, with any Yjs client (y-websocket).", statusCode: StatusCodes.Status426UpgradeRequired).ExecuteAsync(context);
            return;
        }

        if (lifecycle.Serving is not { } organization)
        {
            await Results.Problem("This gateway serves no organization at the moment; open the project again.", statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
            return;
        }

        var ticket = organization.Tickets.Verify(context.Request.Query["token"], projectId);
        var role = ticket.Succeeded ? await Ask(organization.Access, ticket.Value, context.RequestAborted) : default;
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var limits = organization.Config.Limits;
        var peer = new Peer(
            socket, ticket.Value, role.Role ?? RoomRole.View, context.Request.Query["ack"] == "1", limits, logger);
        if (Refusal() is { } refusal)
        {
            peer.TrySend(RoomFrames.Denied(refusal.Reason));
            peer.Close(refusal.Code, refusal.Reason);
            await peer.Run(null, organization.Log.Admit);
            return;
        }

        organization.Touch();
        organization.Access.Add(peer, projectId);
        try
        {
            var room = await organization.Rooms.Join(projectId, peer);
            await peer.Run(room, organization.Log.Admit);
            if (room is not null)
                await room.Leave(peer);
        }
        finally
        {
            organization.Access.Remove(peer);
        }

        (int Code, string Reason)? Refusal() =>
            !ticket.Succeeded ? (RoomProtocol.Close.Unauthenticated, ticket.Error.Message)
            : role.Unknown ? (RoomProtocol.Close.TryAgainLater, "Your access can't be checked at the moment; trying again helps.")
            : role.Role is null ? (RoomProtocol.Close.Revoked, "You have no access to this project.")
            : organization.Access.Count >= limits.ConnectionsPerGateway || organization.Access.CountOf(projectId) >= limits.ConnectionsPerRoom
                ? (RoomProtocol.Close.TryAgainLater, "The project has as many connections as it can take.")
            : ticket.Value.Role != RoomRole.Service && organization.Access.CountOf(projectId, ticket.Value.UserId) >= limits.ConnectionsPerUser
                ? (RoomProtocol.Close.TryAgainLater, "You have this project open too many times.")
            : null;
    }

    private static async Task<(RoomRole? Role, bool Unknown)> Ask(AccessWatch access, RoomTicket ticket, CancellationToken cancellationToken)
    {
        try
        {
            return (await access.RoleOf(ticket, cancellationToken), false);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or FencedException)
        {
            return (null, true);
        }
    }
}
