using Demiurge.Core;
using Demiurge.Core.Rooms;
using Demiurge.Core.Tokens;

namespace Demiurge.Gateway.Access;

/// <summary>Verifies room tickets with the keys that Web handed out. Thread-safe.</summary>
internal sealed class TicketVerifier(Guid organizationId, string issuer, IEnumerable<JsonWebKey> keys, TimeProvider time)
{
    private volatile JwsKeySet keys = new(keys);

    /// <summary>Takes the keys of the latest heartbeat.</summary>
    public void Replace(IReadOnlyList<JsonWebKey> latest)
    {
        if (latest.Count != keys.Keys.Count || latest.Any(key => !keys.Contains(key.KeyId)))
            keys = new JwsKeySet(latest);
    }

    /// <summary>The ticket, if it is genuine, valid now, and for this room.</summary>
    public Result<RoomTicket> Verify(string? token, Guid projectId)
    {
        var ticket = Jws.Verify<RoomTicket>(token, keys, issuer, RoomTicket.RoomAudience, time.GetUtcNow());
        return !ticket.Succeeded || (ticket.Value.OrganizationId == organizationId && ticket.Value.ProjectId == projectId)
            ? ticket
            : new Error("ticket.wrong-room", "The ticket is for another room.", ErrorKind.Unauthenticated);
    }
}
