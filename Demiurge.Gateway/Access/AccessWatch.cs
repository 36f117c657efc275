using System.Collections.Concurrent;
using Demiurge.Core.Gateways;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Lifecycle;
using Demiurge.Gateway.Rooms;

namespace Demiurge.Gateway.Access;

/// <summary>
/// Keeps what connected people may do true: asks Web at each join, again for everybody every <see cref="Interval"/>, and at once
/// when Web says that something changed. A person without access is closed out; a changed role applies from the next message.
/// Service peers are Web itself and are not asked about. Thread-safe.
/// </summary>
internal sealed partial class AccessWatch(ControlPlane control, string gatewayToken, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Peer, Guid> peers = new();

    public int Count => peers.Count;

    public int CountOf(Guid projectId) => peers.Count(entry => entry.Value == projectId);

    public int CountOf(Guid projectId, Guid userId) => peers.Count(entry => entry.Value == projectId && entry.Key.UserId == userId);

    /// <summary>What the ticket's owner may do now; null without access.</summary>
    public async Task<RoomRole?> RoleOf(RoomTicket ticket, CancellationToken cancellationToken)
    {
        if (ticket.Role == RoomRole.Service)
            return RoomRole.Service;
        var present = (await control.CheckAccess(gatewayToken, [new RoomPerson(ticket.ProjectId, ticket.UserId)], cancellationToken))[0];
        return present < ticket.Role ? present : present is null ? null : ticket.Role;
    }

    public void Add(Peer peer, Guid projectId) => peers[peer] = projectId;

    public void Remove(Peer peer) => peers.TryRemove(peer, out _);

    /// <summary>Looks everybody up again whom the arguments name; null names all.</summary>
    public async Task Check(Guid? projectId, Guid? userId, CancellationToken cancellationToken)
    {
        var concerned = peers.Where(entry => !entry.Key.IsService
            && (projectId is null || entry.Value == projectId) && (userId is null || entry.Key.UserId == userId)).ToList();
        if (concerned.Count == 0)
            return;
        var people = concerned.Select(entry => new RoomPerson(entry.Value, entry.Key.UserId)).Distinct().ToList();
        var roles = people.Zip(await control.CheckAccess(gatewayToken, people, cancellationToken)).ToDictionary(pair => pair.First, pair => pair.Second);
        foreach (var (peer, room) in concerned)
        {
            if (roles[new RoomPerson(room, peer.UserId)] is { } role)
            {
                peer.Role = role;
            }
            else
            {
                Log.Revoked(logger, peer.UserId, room);
                peer.Close(RoomProtocol.Close.Revoked, "You have no access to this project any more.");
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "User {UserId} lost access to room {ProjectId}")]
        public static partial void Revoked(ILogger logger, Guid userId, Guid projectId);
    }
}
