using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Projects;

/// <summary>A row of the query behind every list of projects: those a person may view, with the parts of the role before they are combined.</summary>
internal sealed class VisibleProject
{
    public Guid Id { get; init; }

    public Guid OrganizationId { get; init; }

    public required string OrganizationName { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    public ProjectVisibility Visibility { get; init; }

    public OrganizationRole InOrganization { get; init; }

    public ProjectRole? InProject { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? OpenedAt { get; init; }

    public static IQueryable<VisibleProject> Query(DemiurgeDbContext db, Actor actor) =>
        from project in db.Projects
        join organization in db.Organizations on project.OrganizationId equals organization.Id
        join inOrganization in db.OrganizationMembers.Where(row => row.UserId == actor.UserId) on organization.Id equals inOrganization.OrganizationId
        join own in db.ProjectMembers.Where(row => row.UserId == actor.UserId) on project.Id equals own.ProjectId into owns
        from own in owns.DefaultIfEmpty()
        join visit in db.ProjectVisits.Where(row => row.UserId == actor.UserId) on project.Id equals visit.ProjectId into visits
        from visit in visits.DefaultIfEmpty()
        where inOrganization.Role != OrganizationRole.Member || own != null || project.Visibility == ProjectVisibility.Public
        select new VisibleProject
        {
            Id = project.Id,
            OrganizationId = organization.Id,
            OrganizationName = organization.Name,
            Name = project.Name,
            Description = project.Description,
            Visibility = project.Visibility,
            InOrganization = inOrganization.Role,
            InProject = (ProjectRole?)own.Role,
            CreatedAt = project.CreatedAt,
            UpdatedAt = project.UpdatedAt,
            OpenedAt = (DateTimeOffset?)visit.OpenedAt,
        };

    public ProjectInfo ToInfo() => new(
        Id, OrganizationId, OrganizationName, Name, Description, Visibility,
        ProjectAccess.Combine(InOrganization, InProject, Visibility)!.Value, CreatedAt, UpdatedAt, OpenedAt);
}

internal static class VisibleProjectQuery
{
    public static async Task<List<ProjectInfo>> ToInfos(this IQueryable<VisibleProject> query, CancellationToken cancellationToken) =>
        (await query.AsNoTracking().ToListAsync(cancellationToken)).ConvertAll(row => row.ToInfo());
}
