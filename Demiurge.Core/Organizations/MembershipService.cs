using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Organizations;

/// <summary>A member as the other members see them.</summary>
public sealed record MemberInfo(Guid UserId, string DisplayName, string Email, string Color, OrganizationRole Role, DateTimeOffset JoinedAt);

/// <summary>
/// Who is in an organization and as what. Admins see to members and admins, owners to everybody; there is always an owner.
/// Safe for concurrent use: changes within one organization happen one after the other.
/// </summary>
public sealed class MembershipService(IDbContextFactory<DemiurgeDbContext> contexts, AccessChanges changes, TimeProvider time)
{
    /// <summary>All members, owners first, then by name; for members.</summary>
    public async Task<Result<IReadOnlyList<MemberInfo>>> List(Actor actor, Guid organizationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Errors.OrganizationNotFound;
        var members = await (
            from member in db.OrganizationMembers
            join user in db.Users on member.UserId equals user.Id
            where member.OrganizationId == organizationId
            select new MemberInfo(user.Id, user.DisplayName, user.Email!, user.Color, member.Role, member.JoinedAt)).ToListAsync(cancellationToken);
        return members.OrderByDescending(member => member.Role).ThenBy(member => member.DisplayName, StringComparer.OrdinalIgnoreCase).ToList();
    }

    /// <summary>Gives a member another role. Making or unmaking an owner is for owners, the rest also for admins.</summary>
    public async Task<Result> ChangeRole(
        Actor actor, Guid organizationId, Guid userId, OrganizationRole role, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(role))
            return Errors.RoleUnknown;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        var found = await FindSubordinate(db, actor, organizationId, userId, role, "change that person's role", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var member = found.Value;
        if (member.Role == role)
            return Result.Ok;
        if (member.Role == OrganizationRole.Owner && !await HasOtherOwner(db, organizationId, userId, cancellationToken))
            return Errors.LastOwner;
        AuditLog.Record(db, time, actor, "member.role_changed", organizationId, subjectUserId: userId, details: [("from", member.Role), ("to", role)]);
        member.Role = role;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, UserId: userId));
        return Result.Ok;
    }

    /// <summary>Ends a membership and every project role that came with it. Removing oneself is leaving, open to all but the last owner.</summary>
    public async Task<Result> Remove(Actor actor, Guid organizationId, Guid userId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        var found = userId == actor.UserId
            ? await FindSelf(db, actor, organizationId, cancellationToken)
            : await FindSubordinate(db, actor, organizationId, userId, OrganizationRole.Member, "remove that person", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var member = found.Value;
        if (member.Role == OrganizationRole.Owner && !await HasOtherOwner(db, organizationId, userId, cancellationToken))
            return Errors.LastOwner;
        db.Remove(member);
        var projects = db.Projects.IgnoreQueryFilters().Where(project => project.OrganizationId == organizationId).Select(project => project.Id);
        await db.ProjectMembers.Where(row => row.UserId == userId && projects.Contains(row.ProjectId)).ExecuteDeleteAsync(cancellationToken);
        await db.ProjectVisits.Where(row => row.UserId == userId && projects.Contains(row.ProjectId)).ExecuteDeleteAsync(cancellationToken);
        AuditLog.Record(
            db, time, actor, userId == actor.UserId ? "member.left" : "member.removed", organizationId, subjectUserId: userId, details: ("role", member.Role));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, UserId: userId));
        return Result.Ok;
    }

    /// <summary>Ends the person's own membership.</summary>
    public Task<Result> Leave(Actor actor, Guid organizationId, CancellationToken cancellationToken = default) =>
        Remove(actor, organizationId, actor.UserId, cancellationToken);

    /// <summary>Makes another member an owner and the person who asks, an owner, an admin.</summary>
    public async Task<Result> TransferOwnership(Actor actor, Guid organizationId, Guid toUserId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        var found = await FindSubordinate(db, actor, organizationId, toUserId, OrganizationRole.Owner, "hand the organization over", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        if (toUserId == actor.UserId)
            return Result.Ok;
        var from = await db.OrganizationMembers.SingleAsync(
            member => member.OrganizationId == organizationId && member.UserId == actor.UserId, cancellationToken);
        found.Value.Role = OrganizationRole.Owner;
        from.Role = OrganizationRole.Admin;
        AuditLog.Record(db, time, actor, "organization.ownership_transferred", organizationId, subjectUserId: toUserId);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, UserId: actor.UserId));
        changes.Publish(new AccessChanged(organizationId, UserId: toUserId));
        return Result.Ok;
    }

    private static async Task<Result<OrganizationMember>> FindSelf(
        DemiurgeDbContext db, Actor actor, Guid organizationId, CancellationToken cancellationToken) =>
        await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null
            ? Errors.OrganizationNotFound
            : await Find(db, organizationId, actor.UserId, cancellationToken);

    /// <summary>The member, if the person who asks stands high enough for a change from that member's role to <paramref name="newRole"/>.</summary>
    private static async Task<Result<OrganizationMember>> FindSubordinate(
        DemiurgeDbContext db, Actor actor, Guid organizationId, Guid userId, OrganizationRole newRole, string action, CancellationToken cancellationToken)
    {
        var own = await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, action, cancellationToken);
        if (!own.Succeeded)
            return own.Error;
        var member = await Find(db, organizationId, userId, cancellationToken);
        if (member.Succeeded && own.Value < OrganizationRole.Owner && (member.Value.Role == OrganizationRole.Owner || newRole == OrganizationRole.Owner))
            return Errors.NeedsRole(OrganizationRole.Owner, action);
        return member;
    }

    private static async Task<Result<OrganizationMember>> Find(
        DemiurgeDbContext db, Guid organizationId, Guid userId, CancellationToken cancellationToken) =>
        await db.OrganizationMembers.SingleOrDefaultAsync(
            member => member.OrganizationId == organizationId && member.UserId == userId, cancellationToken) is { } member
            ? member
            : Errors.MemberNotFound;

    private static Task<bool> HasOtherOwner(DemiurgeDbContext db, Guid organizationId, Guid userId, CancellationToken cancellationToken) =>
        db.OrganizationMembers.AnyAsync(
            member => member.OrganizationId == organizationId && member.UserId != userId && member.Role == OrganizationRole.Owner, cancellationToken);
}
