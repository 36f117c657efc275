namespace Demiurge.Core.Rooms;

/// <summary>Where a peer joins a room, and the ticket it shows there.</summary>
/// <param name="Uri"><c>ws(s)://…/collab/{projectId}</c>, without a query.</param>
/// <param name="Token">A signed <see cref="RoomTicket"/>.</param>
/// <param name="ExpiresAt">When the ticket stops opening sockets; an open one stays open.</param>
public sealed record RoomEndpoint(Uri Uri, string Token, DateTimeOffset ExpiresAt)
{
    /// <summary>The <c>Host</c> to ask for where it isn't the one connected to; null otherwise.</summary>
    public string? Host { get; init; }
}
