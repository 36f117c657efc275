using Demiurge.Core.Accounts;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers;

/// <summary>What was observed last, as it is shown to people. The reconciler is its only writer, apart from a request's first step.</summary>
public enum ContainerState
{
    /// <summary>Waits for its turn to be started.</summary>
    Queued,

    /// <summary>Its image is being fetched.</summary>
    Pulling,

    /// <summary>The engine starts it, or it runs and its services don't answer yet.</summary>
    Starting,

    /// <summary>It runs and its services answer.</summary>
    Running,

    Stopping,

    Stopped,

    /// <summary>It ended by itself, or could not be started; the reason says why.</summary>
    Failed,

    /// <summary>It is removed from the engine, or already gone from it while its volumes are kept for an undo.</summary>
    Deleting,
}

/// <summary>What was asked for last.</summary>
public enum DesiredState { Running, Stopped, Deleted }

/// <summary>Who may open a container's services, each level with those before it.</summary>
public enum ShareLevel
{
    Owner,

    /// <summary>Everybody with a role in the project.</summary>
    Project,

    /// <summary>Every member of the organization.</summary>
    Organization,

    /// <summary>Also whoever has a public link to it.</summary>
    Link,
}

/// <summary>Where a container runs.</summary>
public enum ContainerPlace
{
    /// <summary>On one of the installation's engines.</summary>
    Engine,

    /// <summary>On a person's own machine, joined by VPN. The reconciler leaves it alone.</summary>
    Remote,
}

/// <summary>A service's address as the gateway reaches it.</summary>
/// <param name="Service">The template's name for it.</param>
public sealed record ContainerEndpoint(string Service, string Address, int Port);

/// <summary>
/// A container on a board: what was asked for and what was observed. Invariants: an engine container exists only for a row and carries
/// its id and generation; <see cref="Endpoints"/> is empty unless <see cref="State"/> is <see cref="ContainerState.Running"/>.
/// </summary>
public sealed class Container
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required Guid OrganizationId { get; init; }

    public required Guid ProjectId { get; init; }

    public required Guid OwnerId { get; set; }

    public required string Name { get; set; }

    public required Guid TemplateId { get; init; }

    public required int TemplateVersion { get; set; }

    public required Guid TierId { get; set; }

    /// <summary>The template's options by name, without those that are secret.</summary>
    public Dictionary<string, string> Options { get; set; } = [];

    /// <summary>The template's secret options by name, each value under data protection.</summary>
    public Dictionary<string, string> ProtectedOptions { get; set; } = [];

    public List<Guid> EnvSetIds { get; set; } = [];

    public ContainerPlace Place { get; init; }

    /// <summary>The host that it was placed on; null before its first start. Its volumes are there.</summary>
    public Guid? HostId { get; set; }

    /// <summary>The engine's own id of the container that was seen last.</summary>
    public string? EngineId { get; set; }

    public string? ImageId { get; set; }

    /// <summary>Which of its sets of volumes it has; a snapshot that is restored makes another one.</summary>
    public int VolumeSet { get; set; }

    /// <summary>Services beside the template's, from a repository's <c>demiurge.yaml</c>; one of the same name takes the template's place.</summary>
    public List<TemplateService> ExtraServices { get; set; } = [];

    public DesiredState Desired { get; set; }

    /// <summary>Raised by each request to start or restart: an engine container of an earlier generation is replaced.</summary>
    public int Generation { get; set; }

    public ContainerState State { get; set; }

    /// <summary>Why it is in <see cref="State"/>, for people, where that needs saying. Never a secret.</summary>
    public string? Reason { get; set; }

    /// <summary>0 to 1 while an image is fetched, otherwise null.</summary>
    public double? Progress { get; set; }

    public int? ExitCode { get; set; }

    public DateTimeOffset StateChangedAt { get; set; }

    /// <summary>Attempts to start this generation that failed.</summary>
    public int Attempts { get; set; }

    public DateTimeOffset? NextAttemptAt { get; set; }

    /// <summary>Since when it waits for its turn; null when it doesn't.</summary>
    public DateTimeOffset? QueuedAt { get; set; }

    /// <summary>When the engine started it; null while it doesn't run.</summary>
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>The last request, WebSocket message or terminal input, by anybody.</summary>
    public DateTimeOffset LastActivityAt { get; set; }

    /// <summary>Whether it is never stopped for being idle.</summary>
    public bool Pinned { get; set; }

    /// <summary>Until when it isn't stopped for being idle.</summary>
    public DateTimeOffset? KeepUntil { get; set; }

    /// <summary>Minutes without activity after which it is stopped; null takes the template's.</summary>
    public int? IdleMinutes { get; set; }

    public ShareLevel Share { get; set; }

    /// <summary>Its services as the gateway reaches them; only while it runs.</summary>
    public List<ContainerEndpoint> Endpoints { get; set; } = [];

    public Guid? RepositoryId { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was deleted. Its volumes are kept for an undo until a day later.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    public uint Version { get; private set; }
}

/// <summary>A line of a container's story: what was asked, what became of it. Never a secret.</summary>
public sealed class ContainerEvent
{
    public long Id { get; private set; }

    public required Guid ContainerId { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Lower-case, dotted, for example <c>state.running</c>.</summary>
    public required string Kind { get; init; }

    public required string Text { get; init; }
}

/// <summary>The last lines that a container wrote, kept when its engine container goes. Secrets are blackened before they get here.</summary>
public sealed class ContainerLogTail
{
    public required Guid ContainerId { get; init; }

    public int Generation { get; set; }

    public DateTimeOffset At { get; set; }

    public required string Text { get; set; }
}

internal sealed class ContainerConfiguration :
    IEntityTypeConfiguration<Container>,
    IEntityTypeConfiguration<ContainerEvent>,
    IEntityTypeConfiguration<ContainerLogTail>
{
    public void Configure(EntityTypeBuilder<Container> builder)
    {
        builder.ToTable("containers");
        builder.HasOne<Organization>().WithMany().HasForeignKey(container => container.OrganizationId);
        builder.HasOne<Project>().WithMany().HasForeignKey(container => container.ProjectId);
        builder.HasOne<User>().WithMany().HasForeignKey(container => container.OwnerId).OnDelete(DeleteBehavior.Restrict);
        builder.HasOne<TemplateVersion>().WithMany().HasForeignKey(container => new { container.TemplateId, container.TemplateVersion })
            .HasConstraintName("fk_containers_template_version").OnDelete(DeleteBehavior.Restrict);
        builder.HasOne<Tier>().WithMany().HasForeignKey(container => container.TierId).OnDelete(DeleteBehavior.Restrict);
        builder.HasOne<ContainerHost>().WithMany().HasForeignKey(container => container.HostId).OnDelete(DeleteBehavior.Restrict);
        builder.Property(container => container.Name).HasMaxLength(80);
        builder.Property(container => container.Options).HasJson();
        builder.Property(container => container.ProtectedOptions).HasJson();
        builder.Property(container => container.Endpoints).HasJson();
        builder.Property(container => container.ExtraServices).HasJson();
        builder.Property(container => container.Place).HasConversion<string>().HasMaxLength(16);
        builder.Property(container => container.Desired).HasConversion<string>().HasMaxLength(16);
        builder.Property(container => container.State).HasConversion<string>().HasMaxLength(16);
        builder.Property(container => container.Share).HasConversion<string>().HasMaxLength(16);
        builder.Property(container => container.Version).IsRowVersion();
        builder.HasIndex(container => new { container.ProjectId, container.CreatedAt });
        builder.HasIndex(container => new { container.OrganizationId, container.State });
        builder.HasIndex(container => container.QueuedAt).HasFilter("queued_at IS NOT NULL");
    }

    public void Configure(EntityTypeBuilder<ContainerEvent> builder)
    {
        builder.ToTable("container_events");
        builder.HasOne<Container>().WithMany().HasForeignKey(entry => entry.ContainerId).OnDelete(DeleteBehavior.Cascade);
        builder.Property(entry => entry.Kind).HasMaxLength(64);
        builder.HasIndex(entry => new { entry.ContainerId, entry.Id });
    }

    public void Configure(EntityTypeBuilder<ContainerLogTail> builder)
    {
        builder.ToTable("container_log_tails");
        builder.HasKey(tail => tail.ContainerId);
        builder.HasOne<Container>().WithMany().HasForeignKey(tail => tail.ContainerId).OnDelete(DeleteBehavior.Cascade);
    }
}
