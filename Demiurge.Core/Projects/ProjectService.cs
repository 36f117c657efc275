using Demiurge.Core.Audit;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Projects;

/// <summary>A project as a person with access to it sees it.</summary>
/// <param name="Role">The role of the person who asked.</param>
/// <param name="OpenedAt">When the person who asked last opened it.</param>
public sealed record ProjectInfo(
    Guid Id, Guid OrganizationId, string OrganizationName, string Name, string Description, ProjectVisibility Visibility, ProjectRole Role,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? OpenedAt);

/// <summary>Somebody with access to a project.</summary>
/// <param name="Role">What they may do: the role they were given, or what the organization gives them.</param>
/// <param name="Inherited">Whether the role comes from the organization (owners, admins) and can't be changed here.</param>
public sealed record ProjectMemberInfo(Guid UserId, string DisplayName, string Email, string Color, ProjectRole Role, bool Inherited);

/// <summary>Creates, changes, deletes and lists projects and their members. Safe for concurrent use.</summary>
public sealed class ProjectService(IDbContextFactory<DemiurgeDbContext> contexts, AccessChanges changes, TimeProvider time)
{
    public const int MaxProjectsPerOrganization = 2000;

    private static readonly TextRule NameRule = new("name", "The project's name", 120);
    private static readonly TextRule DescriptionRule = new("description", "The description", 2000) { Optional = true, Multiline = true };

    /// <summary>Creates a project in which the person has the role manage; for every member of the organization.</summary>
    public async Task<Result<ProjectInfo>> Create(
        Actor actor, Guid organizationId, string? name, string? description = null, ProjectVisibility visibility = ProjectVisibility.Private,
        CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        var checkedDescription = DescriptionRule.Check(description);
        if (!checkedDescription.Succeeded)
            return checkedDescription.Error;
        if (!Enum.IsDefined(visibility))
            return Errors.VisibilityUnknown;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Organizations.Errors.OrganizationNotFound;
        if (await db.Projects.CountAsync(project => project.OrganizationId == organizationId, cancellationToken) >= MaxProjectsPerOrganization)
            return Organizations.Errors.Full("projects in an organization", MaxProjectsPerOrganization);
        var now = time.GetUtcNow();
        var project = new Project
        {
            OrganizationId = organizationId,
            Name = checkedName.Value,
            Description = checkedDescription.Value,
            Visibility = visibility,
            CreatedAt = now,
            UpdatedAt = now,
        };
        db.Add(project);
        db.Add(new ProjectMember { ProjectId = project.Id, UserId = actor.UserId, Role = ProjectRole.Manage });
        AuditLog.Record(db, time, actor, "project.created", organizationId, project.Id, details: [("name", project.Name), ("visibility", visibility)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return await Get(actor, project.Id, cancellationToken);
    }

    /// <summary>Changes what is not null; for the role manage.</summary>
    public async Task<Result> Update(
        Actor actor, Guid projectId, string? name = null, string? description = null, ProjectVisibility? visibility = null,
        CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Require(db, actor, projectId, ProjectRole.Manage, "change its settings", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var project = found.Value.Project;
        var before = (project.Name, project.Description, project.Visibility);
        if (name is not null)
        {
            var checkedName = NameRule.Check(name);
            if (!checkedName.Succeeded)
                return checkedName.Error;
            project.Name = checkedName.Value;
        }
        if (description is not null)
        {
            var checkedDescription = DescriptionRule.Check(description);
            if (!checkedDescription.Succeeded)
                return checkedDescription.Error;
            project.Description = checkedDescription.Value;
        }
        if (visibility is { } wanted)
        {
            if (!Enum.IsDefined(wanted))
                return Errors.VisibilityUnknown;
            project.Visibility = wanted;
        }
        if (before == (project.Name, project.Description, project.Visibility))
            return Result.Ok;
        project.UpdatedAt = time.GetUtcNow();
        AuditLog.Record(
            db, time, actor, "project.updated", project.OrganizationId, projectId,
            details: [("name", project.Name), ("visibilityFrom", before.Visibility), ("visibilityTo", project.Visibility)]);
        await db.SaveChangesAsync(cancellationToken);
        if (before.Visibility != project.Visibility)
            changes.Publish(new AccessChanged(project.OrganizationId, projectId));
        return Result.Ok;
    }

    /// <summary>For the role manage.</summary>
    /// <param name="confirmName">The project's name, typed again.</param>
    public async Task<Result> Delete(Actor actor, Guid projectId, string? confirmName, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Require(db, actor, projectId, ProjectRole.Manage, "delete it", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var project = found.Value.Project;
        if (confirmName?.Trim() != project.Name)
            return Errors.ConfirmationDiffers;
        project.DeletedAt = time.GetUtcNow();
        AuditLog.Record(db, time, actor, "project.deleted", project.OrganizationId, projectId, details: ("name", project.Name));
        await db.SaveChangesAsync(cancellationToken);
        changes.Publish(new AccessChanged(project.OrganizationId, projectId));
        return Result.Ok;
    }

    /// <summary>The organization's projects that the person may view, by name; for members.</summary>
    public async Task<Result<IReadOnlyList<ProjectInfo>>> List(Actor actor, Guid organizationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
            return Organizations.Errors.OrganizationNotFound;
        return await VisibleProject.Query(db, actor).Where(row => row.OrganizationId == organizationId)
            .OrderBy(row => row.Name).ThenBy(row => row.Id).ToInfos(cancellationToken);
    }

    /// <summary>The projects that the person opened last and may still view, across organizations, latest first.</summary>
    public async Task<IReadOnlyList<ProjectInfo>> Recent(Actor actor, int count = 12, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await VisibleProject.Query(db, actor).Where(row => row.OpenedAt != null)
            .OrderByDescending(row => row.OpenedAt).Take(Math.Clamp(count, 1, 100)).ToInfos(cancellationToken);
    }

    /// <summary>For everybody who may view it.</summary>
    public async Task<Result<ProjectInfo>> Get(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await VisibleProject.Query(db, actor).Where(row => row.Id == projectId).ToInfos(cancellationToken) is [var found]
            ? found
            : Errors.ProjectNotFound;
    }

    /// <summary>Notes that the person opens the project now.</summary>
    public async Task<Result> MarkOpened(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Require(db, actor, projectId, ProjectRole.View, "open it", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var now = time.GetUtcNow();
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO project_visits (user_id, project_id, opened_at) VALUES ({actor.UserId}, {projectId}, {now})
            ON CONFLICT (user_id, project_id) DO UPDATE SET opened_at = excluded.opened_at
            """,
            cancellationToken);
        await db.Projects.Where(project => project.Id == projectId)
            .ExecuteUpdateAsync(set => set.SetProperty(project => project.LastOpenedAt, now), cancellationToken);
        return Result.Ok;
    }

    /// <summary>The organization's owners and admins and those who were given a role, strongest first; for everybody who may view the project.</summary>
    public async Task<Result<IReadOnlyList<ProjectMemberInfo>>> Members(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Require(db, actor, projectId, ProjectRole.View, "see its members", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var organizationId = found.Value.Project.OrganizationId;
        var rows = await (
            from member in db.OrganizationMembers
            join user in db.Users on member.UserId equals user.Id
            join own in db.ProjectMembers.Where(own => own.ProjectId == projectId) on user.Id equals own.UserId into owns
            from own in owns.DefaultIfEmpty()
            where member.OrganizationId == organizationId && (member.Role != OrganizationRole.Member || own != null)
            select new { user.Id, user.DisplayName, user.Email, user.Color, InOrganization = member.Role, InProject = (ProjectRole?)own.Role })
            .ToListAsync(cancellationToken);
        return rows
            .Select(row => new ProjectMemberInfo(
                row.Id, row.DisplayName, row.Email!, row.Color,
                ProjectAccess.Combine(row.InOrganization, row.InProject, ProjectVisibility.Private)!.Value,
                Inherited: row.InOrganization >= OrganizationRole.Admin))
            .OrderByDescending(member => member.Role).ThenBy(member => member.DisplayName, StringComparer.OrdinalIgnoreCase).ToList();
    }

    /// <summary>Gives a member of the organization a role in the project, or changes it; for the role manage.</summary>
    public async Task<Result> SetMember(Actor actor, Guid projectId, Guid userId, ProjectRole role, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(role))
            return Errors.RoleUnknown;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var found = await RequireLocked(db, actor, projectId, ProjectRole.Manage, "change its members", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var organizationId = found.Value.Project.OrganizationId;
        if (await Membership.RoleOf(db, userId, organizationId, cancellationToken) is null)
            return Errors.NotInOrganization;
        var member = await db.ProjectMembers.SingleOrDefaultAsync(row => row.ProjectId == projectId && row.UserId == userId, cancellationToken);
        if (member?.Role == role)
            return Result.Ok;
        AuditLog.Record(
            db, time, actor, "project.member_set", organizationId, projectId, userId, [("from", member?.Role), ("to", role)]);
        if (member is null)
            db.Add(new ProjectMember { ProjectId = projectId, UserId = userId, Role = role });
        else
            member.Role = role;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, projectId, userId));
        return Result.Ok;
    }

    /// <summary>Takes a person's role in the project away; for the role manage, and for everybody their own.</summary>
    public async Task<Result> RemoveMember(Actor actor, Guid projectId, Guid userId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var least = userId == actor.UserId ? ProjectRole.View : ProjectRole.Manage;
        var found = await RequireLocked(db, actor, projectId, least, "change its members", cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var member = await db.ProjectMembers.SingleOrDefaultAsync(row => row.ProjectId == projectId && row.UserId == userId, cancellationToken);
        if (member is null)
            return Result.Ok;
        var organizationId = found.Value.Project.OrganizationId;
        db.Remove(member);
        AuditLog.Record(db, time, actor, "project.member_removed", organizationId, projectId, userId, [("role", member.Role)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, projectId, userId));
        return Result.Ok;
    }

    private static async Task<Result<ProjectAccess.Grant>> Require(
        DemiurgeDbContext db, Actor actor, Guid projectId, ProjectRole least, string action, CancellationToken cancellationToken) =>
        await ProjectAccess.Find(db, actor, projectId, cancellationToken) switch
        {
            null => Errors.ProjectNotFound,
            { } grant when grant.Role < least => Errors.NeedsRole(least, action),
            { } grant => grant,
        };

    /// <summary>As <see cref="Require"/>, while the organization's membership stands still.</summary>
    private static async Task<Result<ProjectAccess.Grant>> RequireLocked(
        DemiurgeDbContext db, Actor actor, Guid projectId, ProjectRole least, string action, CancellationToken cancellationToken)
    {
        var organizationId = await db.Projects.Where(project => project.Id == projectId).Select(project => (Guid?)project.OrganizationId)
            .SingleOrDefaultAsync(cancellationToken);
        if (organizationId is null)
            return Errors.ProjectNotFound;
        await Membership.Lock(db, organizationId.Value, cancellationToken);
        return await Require(db, actor, projectId, least, action, cancellationToken);
    }
}
