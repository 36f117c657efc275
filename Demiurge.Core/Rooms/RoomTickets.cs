using Demiurge.Core.Tokens;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Rooms;

/// <summary>Signs room tickets. Whoever calls it has checked the role. Safe for concurrent use.</summary>
public sealed class RoomTickets(SigningKeys keys, IOptions<SiteOptions> site, TimeProvider time)
{
    public async Task<(string Token, DateTimeOffset ExpiresAt)> Issue(
        Guid userId, Guid organizationId, Guid projectId, RoomRole role, CancellationToken cancellationToken = default)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var expires = now + (long)RoomTicket.Lifetime.TotalSeconds;
        var ticket = new RoomTicket
        {
            Issuer = site.Value.PublicUrl,
            Audience = RoomTicket.RoomAudience,
            Subject = userId.ToString(),
            IssuedAt = now,
            NotBefore = now,
            ExpiresAt = expires,
            Id = Guid.CreateVersion7().ToString(),
            OrganizationId = organizationId,
            ProjectId = projectId,
            Role = role,
        };
        return (Jws.Sign(ticket, await keys.Current(cancellationToken)), DateTimeOffset.FromUnixTimeSeconds(expires));
    }
}
