using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Projects;

/// <summary>Who sees a project without having been given a role in it.</summary>
public enum ProjectVisibility
{
    /// <summary>Nobody but the organization's owners and admins.</summary>
    Private,

    /// <summary>Every member of the organization may view it.</summary>
    Public,
}

/// <summary>A project of an organization; its board is the room of the same id. A deleted one is hidden from every query.</summary>
public sealed class Project
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid OrganizationId { get; init; }

    public required string Name { get; set; }

    public string Description { get; set; } = "";

    public ProjectVisibility Visibility { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    public DateTimeOffset? LastOpenedAt { get; set; }

    public DateTimeOffset? DeletedAt { get; set; }
}

/// <summary>The role a person was given in a project, beside what the organization gives.</summary>
public sealed class ProjectMember
{
    public required Guid ProjectId { get; init; }

    public required Guid UserId { get; init; }

    public required ProjectRole Role { get; set; }
}

/// <summary>When a person last opened a project: what "recent projects" is made of.</summary>
public sealed class ProjectVisit
{
    public required Guid ProjectId { get; init; }

    public required Guid UserId { get; init; }

    public DateTimeOffset OpenedAt { get; set; }
}

internal sealed class ProjectConfiguration :
    IEntityTypeConfiguration<Project>,
    IEntityTypeConfiguration<ProjectMember>,
    IEntityTypeConfiguration<ProjectVisit>
{
    public void Configure(EntityTypeBuilder<Project> builder)
    {
        builder.ToTable("projects");
        builder.HasOne<Organization>().WithMany().HasForeignKey(project => project.OrganizationId);
        builder.Property(project => project.Name).HasMaxLength(120);
        builder.Property(project => project.Description).HasMaxLength(2000);
        builder.Property(project => project.Visibility).HasConversion<string>().HasMaxLength(16);
        builder.HasQueryFilter(project => project.DeletedAt == null);
    }

    public void Configure(EntityTypeBuilder<ProjectMember> builder)
    {
        builder.ToTable("project_members");
        builder.HasKey(member => new { member.ProjectId, member.UserId });
        builder.HasOne<Project>().WithMany().HasForeignKey(member => member.ProjectId);
        builder.HasOne<Accounts.User>().WithMany().HasForeignKey(member => member.UserId);
        builder.Property(member => member.Role).HasConversion<string>().HasMaxLength(16);
    }

    public void Configure(EntityTypeBuilder<ProjectVisit> builder)
    {
        builder.ToTable("project_visits");
        builder.HasKey(visit => new { visit.UserId, visit.ProjectId });
        builder.HasOne<Project>().WithMany().HasForeignKey(visit => visit.ProjectId);
        builder.HasOne<Accounts.User>().WithMany().HasForeignKey(visit => visit.UserId);
    }
}
