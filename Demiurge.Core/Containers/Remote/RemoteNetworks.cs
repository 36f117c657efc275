using Demiurge.Core.Gateways;
using Demiurge.Core.Persistence;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Remote;

/// <summary>Where an organization's VPN server is.</summary>
/// <param name="Network">The network's first address.</param>
public sealed record RemoteServer(long Epoch, int Port, string Network);

/// <summary>Organizations' networks and their secrets. Safe for concurrent use, from several processes on one database too.</summary>
public sealed class RemoteNetworks(IDbContextFactory<DemiurgeDbContext> contexts, IDataProtectionProvider protection, TimeProvider time)
{
    private readonly IDataProtector protector = protection.CreateProtector("Demiurge.Containers.Remote");

    /// <summary>The organization's network, made when it has none.</summary>
    internal async Task<RemoteNetwork> Ensure(Guid organizationId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, organizationId, cancellationToken) is { } network)
            return network;
        using var authority = RemoteAuthority.Create(organizationId, time.GetUtcNow());
        // Of two who make it at once the first one's stays.
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO remote_networks (organization_id, authority_pem, authority_key_protected, channel_key_protected, created_at)
            VALUES ({organizationId}, {authority.Pem}, {protector.Protect(authority.KeyPem)}, {protector.Protect(RemoteAuthority.CreateChannelKey())}, {time.GetUtcNow()})
            ON CONFLICT DO NOTHING
            """, cancellationToken);
        return (await Find(db, organizationId, cancellationToken))!;
    }

    internal RemoteAuthority AuthorityOf(RemoteNetwork network) => RemoteAuthority.Load(network.AuthorityPem, protector.Unprotect(network.AuthorityKeyProtected));

    internal string ChannelKeyOf(RemoteNetwork network) => protector.Unprotect(network.ChannelKeyProtected);

    /// <summary>The server that serves the organization now; null while none does.</summary>
    internal static async Task<RemoteServer?> ServerOf(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) =>
        await (
            from network in db.Set<RemoteNetwork>()
            join allocation in db.Set<GatewayAllocation>() on network.OrganizationId equals allocation.OrganizationId
            where network.OrganizationId == organizationId && allocation.GatewayName != null && allocation.Epoch == network.Epoch
                && network.Port != null && network.Network != null
            select new RemoteServer(allocation.Epoch, network.Port!.Value, network.Network!)).SingleOrDefaultAsync(cancellationToken);

    private static Task<RemoteNetwork?> Find(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) =>
        db.Set<RemoteNetwork>().AsNoTracking().SingleOrDefaultAsync(network => network.OrganizationId == organizationId, cancellationToken);
}
