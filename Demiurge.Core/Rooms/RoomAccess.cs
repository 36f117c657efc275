using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Rooms;

/// <summary>The present roles of many people in many rooms of one organization, in three queries. The rule is <see cref="ProjectAccess.Combine"/>.</summary>
public sealed class RoomAccess(IDbContextFactory<DemiurgeDbContext> contexts)
{
    /// <returns>In the order asked; null where there is no access, no such project, or one of another organization.</returns>
    public async Task<IReadOnlyList<RoomRole?>> RolesOf(
        Guid organizationId, IReadOnlyList<(Guid ProjectId, Guid UserId)> people, CancellationToken cancellationToken = default)
    {
        var projectIds = people.Select(person => person.ProjectId).Distinct().ToList();
        var userIds = people.Select(person => person.UserId).Distinct().ToList();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var visibilities = await db.Set<Project>()
            .Where(project => project.OrganizationId == organizationId && projectIds.Contains(project.Id))
            .ToDictionaryAsync(project => project.Id, project => project.Visibility, cancellationToken);
        var inOrganization = await db.Set<OrganizationMember>()
            .Where(member => member.OrganizationId == organizationId && userIds.Contains(member.UserId)
                && db.Set<Organization>().Any(organization => organization.Id == organizationId))
            .ToDictionaryAsync(member => member.UserId, member => member.Role, cancellationToken);
        var inProject = await db.Set<ProjectMember>()
            .Where(member => projectIds.Contains(member.ProjectId) && userIds.Contains(member.UserId))
            .ToDictionaryAsync(member => (member.ProjectId, member.UserId), member => (ProjectRole?)member.Role, cancellationToken);
        return people.Select(person =>
            visibilities.TryGetValue(person.ProjectId, out var visibility) && inOrganization.TryGetValue(person.UserId, out var role)
                ? ToRoomRole(ProjectAccess.Combine(role, inProject.GetValueOrDefault((person.ProjectId, person.UserId)), visibility))
                : null).ToList();
    }

    internal static RoomRole? ToRoomRole(ProjectRole? role) => role switch
    {
        ProjectRole.View => RoomRole.View,
        ProjectRole.Edit => RoomRole.Edit,
        ProjectRole.Manage => RoomRole.Manage,
        _ => null,
    };
}
