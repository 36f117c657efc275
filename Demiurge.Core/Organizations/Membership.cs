using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Organizations;

/// <summary>The checks that every change within an organization begins with.</summary>
internal static class Membership
{
    /// <summary>
    /// Keeps the organization's row until the transaction ends. Whatever reads members in order to change them (the last owner,
    /// an invitation's acceptance, a limit) takes it first, so that two such changes never decide on the same picture.
    /// </summary>
    public static Task Lock(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync($"SELECT 1 FROM organizations WHERE id = {organizationId} FOR UPDATE", cancellationToken);

    /// <summary>The person's role, or null for those who are not members.</summary>
    public static Task<OrganizationRole?> RoleOf(DemiurgeDbContext db, Guid userId, Guid organizationId, CancellationToken cancellationToken) => (
        from organization in db.Organizations
        join member in db.OrganizationMembers on organization.Id equals member.OrganizationId
        where organization.Id == organizationId && member.UserId == userId
        select (OrganizationRole?)member.Role).SingleOrDefaultAsync(cancellationToken);

    /// <summary>The person's role if it is at least <paramref name="least"/>; to others than members the organization doesn't exist.</summary>
    public static async Task<Result<OrganizationRole>> Require(
        DemiurgeDbContext db, Actor actor, Guid organizationId, OrganizationRole least, string action, CancellationToken cancellationToken) =>
        await RoleOf(db, actor.UserId, organizationId, cancellationToken) switch
        {
            null => Errors.OrganizationNotFound,
            { } role when role < least => Errors.NeedsRole(least, action),
            { } role => role,
        };
}
