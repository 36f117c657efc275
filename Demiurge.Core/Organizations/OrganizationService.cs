using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Organizations;

/// <summary>An organization as one of its members sees it.</summary>
/// <param name="Role">The role of the person who asked.</param>
/// <param name="ProjectCount">The projects that the person who asked may view.</param>
public sealed record OrganizationInfo(Guid Id, string Name, OrganizationRole Role, int MemberCount, int ProjectCount, DateTimeOffset CreatedAt);

/// <summary>Creates, renames, deletes and lists organizations. Safe for concurrent use.</summary>
public sealed class OrganizationService(IDbContextFactory<DemiurgeDbContext> contexts, AccessChanges changes, TimeProvider time)
{
    public const int MaxOrganizationsPerPerson = 100;

    private static readonly TextRule NameRule = new("name", "The organization's name", 80);

    /// <summary>Creates an organization with the person as its owner.</summary>
    public async Task<Result<OrganizationInfo>> Create(Actor actor, string? name, CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.OrganizationMembers.CountAsync(member => member.UserId == actor.UserId, cancellationToken) >= MaxOrganizationsPerPerson)
            return Errors.Full("organizations per person", MaxOrganizationsPerPerson);
        var now = time.GetUtcNow();
        var organization = new Organization { Name = checkedName.Value, CreatedAt = now };
        db.Add(organization);
        db.Add(new OrganizationMember { OrganizationId = organization.Id, UserId = actor.UserId, Role = OrganizationRole.Owner, JoinedAt = now });
        AuditLog.Record(db, time, actor, "organization.created", organization.Id, details: ("name", organization.Name));
        await db.SaveChangesAsync(cancellationToken);
        return new OrganizationInfo(organization.Id, organization.Name, OrganizationRole.Owner, 1, 0, now);
    }

    /// <summary>For owners and admins.</summary>
    public async Task<Result> Rename(Actor actor, Guid organizationId, string? name, CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "rename it", cancellationToken)).Error is { } refused)
            return refused;
        var organization = await db.Organizations.SingleOrDefaultAsync(row => row.Id == organizationId, cancellationToken);
        if (organization is null)
            return Errors.OrganizationNotFound;
        if (organization.Name == checkedName.Value)
            return Result.Ok;
        AuditLog.Record(db, time, actor, "organization.renamed", organizationId, details: [("from", organization.Name), ("to", checkedName.Value)]);
        organization.Name = checkedName.Value;
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Deletes the organization and all of its projects; for owners.</summary>
    /// <param name="confirmName">The organization's name, typed again.</param>
    public async Task<Result> Delete(Actor actor, Guid organizationId, string? confirmName, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Owner, "delete it", cancellationToken)).Error is { } refused)
            return refused;
        var organization = await db.Organizations.SingleAsync(row => row.Id == organizationId, cancellationToken);
        if (confirmName?.Trim() != organization.Name)
            return Errors.ConfirmationDiffers;
        organization.DeletedAt = time.GetUtcNow();
        await db.Projects.Where(project => project.OrganizationId == organizationId)
            .ExecuteUpdateAsync(set => set.SetProperty(project => project.DeletedAt, organization.DeletedAt), cancellationToken);
        AuditLog.Record(db, time, actor, "organization.deleted", organizationId, details: ("name", organization.Name));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId));
        return Result.Ok;
    }

    /// <summary>The person's organizations, by name.</summary>
    public async Task<IReadOnlyList<OrganizationInfo>> List(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await Visible(db, actor).ToListAsync(cancellationToken);
    }

    /// <summary>For members.</summary>
    public async Task<Result<OrganizationInfo>> Get(Actor actor, Guid organizationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await Visible(db, actor, organizationId).SingleOrDefaultAsync(cancellationToken) is { } found
            ? found
            : Errors.OrganizationNotFound;
    }

    /// <summary>By name. Filtered and ordered before the projection, because EF can't look into the record's constructor.</summary>
    private static IQueryable<OrganizationInfo> Visible(DemiurgeDbContext db, Actor actor, Guid? organizationId = null) =>
        from organization in db.Organizations
        join own in db.OrganizationMembers on organization.Id equals own.OrganizationId
        where own.UserId == actor.UserId && (organizationId == null || organization.Id == organizationId)
        orderby organization.Name, organization.Id
        select new OrganizationInfo(
            organization.Id,
            organization.Name,
            own.Role,
            db.OrganizationMembers.Count(member => member.OrganizationId == organization.Id),
            db.Projects.Count(project => project.OrganizationId == organization.Id && (
                own.Role != OrganizationRole.Member
                || project.Visibility == ProjectVisibility.Public
                || db.ProjectMembers.Any(member => member.ProjectId == project.Id && member.UserId == actor.UserId))),
            organization.CreatedAt);
}
