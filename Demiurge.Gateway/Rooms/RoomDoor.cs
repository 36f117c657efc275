using Demiurge.Core.Rooms;
using Demiurge.Gateway.Access;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>Who shows a token at a room's door, and whether they may come in.</summary>
/// <param name="Ticket">Null when the token is no ticket for the room.</param>
/// <param name="Role">What the person may do now.</param>
/// <param name="Refusal">Why they may not come in, with the close code; null when they may.</param>
internal sealed record Admission(RoomTicket? Ticket, RoomRole Role, (int Code, string Reason)? Refusal);

/// <summary>Decides who comes into a room, whatever protocol they speak.</summary>
internal static class RoomDoor
{
    public static async Task<Admission> Knock(ServedOrganization organization, string? token, Guid projectId, CancellationToken cancellationToken)
    {
        var verified = organization.Tickets.Verify(token, projectId);
        if (!verified.Succeeded)
            return new(null, RoomRole.View, (RoomProtocol.Close.Unauthenticated, verified.Error.Message));
        var ticket = verified.Value;
        RoomRole? role;
        try
        {
            role = await organization.Access.RoleOf(ticket, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or FencedException)
        {
            return new(ticket, RoomRole.View, (RoomProtocol.Close.TryAgainLater, "Your access can't be checked at the moment; trying again helps."));
        }

        return new(ticket, role ?? RoomRole.View, role is null ? (RoomProtocol.Close.Revoked, "You have no access to this project.") : Crowded(organization, ticket));
    }

    private static (int Code, string Reason)? Crowded(ServedOrganization organization, RoomTicket ticket)
    {
        var (limits, access) = (organization.Config.Limits, organization.Access);
        return access.Count >= limits.ConnectionsPerGateway || access.CountOf(ticket.ProjectId) >= limits.ConnectionsPerRoom
                ? (RoomProtocol.Close.TryAgainLater, "The project has as many connections as it can take.")
            : ticket.Role != RoomRole.Service && access.CountOf(ticket.ProjectId, ticket.UserId) >= limits.ConnectionsPerUser
                ? (RoomProtocol.Close.TryAgainLater, "You have this project open too many times.")
            : null;
    }

    /// <summary>Puts a peer into its room and lets it talk until one of them ends it.</summary>
    public static async Task Visit(ServedOrganization organization, Guid projectId, Peer peer)
    {
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
    }
}
