using Demiurge.Core.Organizations;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Permissions;

/// <summary>
/// Who may do what in a project. An organization's owners and admins manage all of its projects; other members have the role
/// they were given in the project; a public project can be viewed by every member of its organization; nobody else has access.
/// </summary>
public sealed class ProjectAccess(IDbContextFactory<DemiurgeDbContext> contexts)
{
    /// <summary>The person's role in the project; null when there is no such project or no access (the two look the same on purpose).</summary>
    public async Task<ProjectRole?> RoleOf(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return (await Find(db, actor, projectId, cancellationToken))?.Role;
    }

    internal static async Task<Grant?> Find(DemiurgeDbContext db, Actor actor, Guid projectId, CancellationToken cancellationToken)
    {
        var row = await (
            from project in db.Set<Project>()
            join member in db.Set<OrganizationMember>() on project.OrganizationId equals member.OrganizationId
            where project.Id == projectId && member.UserId == actor.UserId
            select new
            {
                Project = project,
                InOrganization = member.Role,
                InProject = db.Set<ProjectMember>()
                    .Where(own => own.ProjectId == projectId && own.UserId == actor.UserId)
                    .Select(own => (ProjectRole?)own.Role).FirstOrDefault(),
            }).SingleOrDefaultAsync(cancellationToken);
        return row is not null && Combine(row.InOrganization, row.InProject, row.Project.Visibility) is { } role
            ? new Grant(row.Project, role)
            : null;
    }

    /// <summary>The rule itself, for a member of the project's organization.</summary>
    public static ProjectRole? Combine(OrganizationRole inOrganization, ProjectRole? inProject, ProjectVisibility visibility) =>
        inOrganization >= OrganizationRole.Admin ? ProjectRole.Manage
        : inProject ?? (visibility == ProjectVisibility.Public ? ProjectRole.View : null);

    internal sealed record Grant(Project Project, ProjectRole Role);
}
