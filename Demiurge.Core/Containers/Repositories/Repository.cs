using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>A Git repository that a container is made from.</summary>
public sealed class Repository
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid OrganizationId { get; init; }

    public required Guid ProjectId { get; init; }

    public required string Url { get; set; }

    /// <summary>Null: the remote's default.</summary>
    public string? Branch { get; set; }

    /// <summary>The public half of the deploy key, as one line of an authorized_keys file.</summary>
    public string? DeployKeyPublic { get; set; }

    /// <summary>The private half under data protection.</summary>
    public string? DeployKeyProtected { get; set; }

    public string? LastCommit { get; set; }

    public string? LastError { get; set; }

    public required Guid CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class RepositoryConfiguration : IEntityTypeConfiguration<Repository>
{
    public void Configure(EntityTypeBuilder<Repository> builder)
    {
        builder.ToTable("container_repositories");
        builder.HasOne<Project>().WithMany().HasForeignKey(repository => repository.ProjectId);
        builder.Property(repository => repository.Url).HasMaxLength(1000);
        builder.Property(repository => repository.Branch).HasMaxLength(255);
    }
}
