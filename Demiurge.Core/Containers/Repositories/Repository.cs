using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>A Git repository that a container is made from. It has a deploy key of its own, so that taking it away from the forge concerns no other.</summary>
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

    /// <summary>The server's keys as they were at the first connection, lines of a known_hosts file; null before that.</summary>
    public string? HostKeys { get; set; }

    public string? LastCommit { get; set; }

    /// <summary>Its <c>demiurge.yaml</c> as it was read last, without faults; null: it has none, or wasn't read yet.</summary>
    public string? File { get; set; }

    public string? LastError { get; set; }

    public required Guid CreatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

public enum RunState { Waiting, Running, Succeeded, Failed }

public enum StepState { Waiting, Running, Succeeded, Failed }

/// <summary>What a step is.</summary>
public enum StepKind { Clone, Read, Install, Processes }

/// <summary>A container's repository being set up: cloned or updated, installed, its processes started. Never a secret.</summary>
public sealed class RepositoryRun
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid ContainerId { get; init; }

    public required Guid RepositoryId { get; init; }

    /// <summary>The person who asked for it; null for one that follows a start of the container.</summary>
    public Guid? RequestedBy { get; init; }

    /// <summary>Whether only the processes are started, because the container was.</summary>
    public bool OnlyProcesses { get; init; }

    public RunState State { get; set; }

    /// <summary>Why it waits or failed.</summary>
    public string? Reason { get; set; }

    /// <summary>The commit that it is about, once known.</summary>
    public string? Commit { get; set; }

    public List<RunStep> Steps { get; set; } = [];

    /// <summary>When the container was started that the processes were started in.</summary>
    public DateTimeOffset? ContainerStartedAt { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; set; }
}

/// <summary>A step of a run.</summary>
/// <param name="Command">For the shell; empty for steps of ours.</param>
/// <param name="Output">The end of what it wrote, secrets blackened.</param>
public sealed record RunStep(
    StepKind Kind, string Name, string Command, string? Directory, int TimeoutSeconds, StepState State = StepState.Waiting, DateTimeOffset? StartedAt = null,
    DateTimeOffset? FinishedAt = null, int? ExitCode = null, string Output = "");

internal sealed class RepositoryConfiguration : IEntityTypeConfiguration<Repository>, IEntityTypeConfiguration<RepositoryRun>
{
    public void Configure(EntityTypeBuilder<Repository> builder)
    {
        builder.ToTable("container_repositories");
        builder.HasOne<Project>().WithMany().HasForeignKey(repository => repository.ProjectId);
        builder.Property(repository => repository.Url).HasMaxLength(1000);
        builder.Property(repository => repository.Branch).HasMaxLength(255);
    }

    public void Configure(EntityTypeBuilder<RepositoryRun> builder)
    {
        builder.ToTable("container_repository_runs");
        builder.HasOne<Container>().WithMany().HasForeignKey(run => run.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<Repository>().WithMany().HasForeignKey(run => run.RepositoryId).OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_container_repository_runs_repository");
        builder.Property(run => run.State).HasConversion<string>().HasMaxLength(16);
        builder.Property(run => run.Commit).HasMaxLength(64);
        builder.Property(run => run.Steps).HasJson();
        builder.HasIndex(run => run.ContainerId, "ix_container_repository_runs_under_way").IsUnique().HasFilter("finished_at IS NULL");
    }
}
