using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Rooms;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>What somebody needs to join a project's room.</summary>
/// <param name="CollabUrl"><c>ws(s)://org-{organizationId}.DOMAIN[:port]/collab/{projectId}</c>; any Yjs client appends <c>?token=…</c>.</param>
/// <param name="Token">A signed <see cref="RoomTicket"/>, good for opening sockets until <paramref name="ExpiresAt"/>.</param>
public sealed record OpenedProject(Guid OrganizationId, Guid ProjectId, RoomRole Role, string CollabUrl, string Token, DateTimeOffset ExpiresAt);

/// <summary>Opens a project: checks the person's role, sees to it that the organization has a gateway, and signs a ticket. Safe for concurrent use.</summary>
public sealed class ProjectOpener(
    IDbContextFactory<DemiurgeDbContext> contexts, GatewayAllocator allocator, RoomTickets tickets, IOptions<SiteOptions> site)
{
    /// <summary>Waits for a gateway when none is free. Errors: <see cref="RoomErrors.NotFound"/> (also without access), <see cref="GatewayErrors.PoolEmpty"/>.</summary>
    public async Task<Result<OpenedProject>> Open(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        ProjectAccess.Grant? grant;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
            grant = await ProjectAccess.Find(db, actor, projectId, cancellationToken);
        if (grant is null || RoomAccess.ToRoomRole(grant.Role) is not { } role)
            return RoomErrors.NotFound;
        var organizationId = grant.Project.OrganizationId;
        var route = await allocator.Ensure(organizationId, cancellationToken);
        if (!route.Succeeded)
            return route.Error;
        var (token, expiresAt) = await tickets.Issue(actor.UserId, organizationId, projectId, role, cancellationToken);
        return new OpenedProject(organizationId, projectId, role, CollabUrl(organizationId, projectId), token, expiresAt);
    }

    /// <summary>For Web's own peer in the room (the relay), which checks each person itself: straight to the gateway, under a service ticket.</summary>
    public async Task<Result<RoomEndpoint>> OpenForService(Guid projectId, CancellationToken cancellationToken = default)
    {
        Guid organizationId;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
            organizationId = await db.Projects.Where(project => project.Id == projectId).Select(project => project.OrganizationId).SingleOrDefaultAsync(cancellationToken);
        if (organizationId == Guid.Empty)
            return RoomErrors.NotFound;
        var route = await allocator.Ensure(organizationId, cancellationToken);
        if (!route.Succeeded)
            return route.Error;
        var (token, expiresAt) = await tickets.Issue(Guid.Empty, organizationId, projectId, RoomRole.Service, cancellationToken);
        return new RoomEndpoint(new Uri($"ws://127.0.0.1:{route.Value.Port}/collab/{projectId}"), token, expiresAt);
    }

    private string CollabUrl(Guid organizationId, Guid projectId)
    {
        var publicUrl = new Uri(site.Value.PublicUrl);
        var scheme = publicUrl.Scheme == Uri.UriSchemeHttps ? "wss" : "ws";
        var port = publicUrl.IsDefaultPort ? "" : $":{publicUrl.Port}";
        return $"{scheme}://org-{organizationId}.{site.Value.Domain}{port}/collab/{projectId}";
    }
}
