using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>What a person may do with a container.</summary>
/// <param name="Role">Their role in its project; null for those who have only its being shared with the organization.</param>
/// <param name="CanOpen">Whether they may reach its services.</param>
/// <param name="CanControl">Whether they may start and stop it, and type into its terminals.</param>
/// <param name="CanManage">Whether they may rename, share, keep and delete it.</param>
public sealed record ContainerRights(
    Guid ContainerId, Guid OrganizationId, Guid ProjectId, ProjectRole? Role, bool CanOpen, bool CanControl, bool CanManage);

/// <summary>
/// Who may do what with a container. Everybody with a role in its project sees that it is there and how it does. Its services open to its
/// owner, and to those whom <see cref="Container.Share"/> names. Starting and stopping need the role edit (and for a container that is its
/// owner's alone, being that or the role manage); the rest is for its owner, as long as they have the role edit, and for the role manage.
/// </summary>
public sealed class ContainerAccess(IDbContextFactory<DemiurgeDbContext> contexts)
{
    /// <summary>The person's rights; null when there is no such container or they have nothing to do with it.</summary>
    public async Task<ContainerRights?> Of(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return (await Find(db, actor, containerId, cancellationToken))?.Rights;
    }

    internal static async Task<Grant?> Find(DemiurgeDbContext db, Actor actor, Guid containerId, CancellationToken cancellationToken)
    {
        var row = await (
            from container in db.Set<Container>()
            join project in db.Projects on container.ProjectId equals project.Id
            join member in db.OrganizationMembers on container.OrganizationId equals member.OrganizationId
            where container.Id == containerId && member.UserId == actor.UserId
            select new
            {
                Container = container,
                project.Visibility,
                InOrganization = member.Role,
                InProject = db.Set<ProjectMember>()
                    .Where(own => own.ProjectId == project.Id && own.UserId == actor.UserId)
                    .Select(own => (ProjectRole?)own.Role).FirstOrDefault(),
            }).SingleOrDefaultAsync(cancellationToken);
        if (row is null)
            return null;
        var rights = RightsIn(row.Container, actor, ProjectAccess.Combine(row.InOrganization, row.InProject, row.Visibility));
        return rights.Role is not null || rights.CanOpen ? new Grant(row.Container, rights) : null;
    }

    /// <summary>The rule itself, for a member of the container's organization with that role in its project.</summary>
    public static ContainerRights RightsIn(Container container, Actor actor, ProjectRole? role)
    {
        var owns = container.OwnerId == actor.UserId && role is not null;
        var open = owns || container.Share switch
        {
            ShareLevel.Owner => false,
            ShareLevel.Project => role is not null,
            _ => true,
        };
        var manages = role == ProjectRole.Manage || (owns && role >= ProjectRole.Edit);
        return new ContainerRights(
            container.Id, container.OrganizationId, container.ProjectId, role, open && container.DeletedAt is null,
            manages || (role >= ProjectRole.Edit && container.Share != ShareLevel.Owner), manages);
    }

    internal sealed record Grant(Container Container, ContainerRights Rights);
}
