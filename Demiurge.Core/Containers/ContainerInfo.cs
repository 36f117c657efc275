using Demiurge.Core.Containers.Hosts;

namespace Demiurge.Core.Containers;

/// <summary>A container as a person with access to its project sees it. Never a secret.</summary>
/// <param name="Reason">Why it is in <paramref name="State"/>, where that needs saying.</param>
/// <param name="Progress">0 to 1 while its image is fetched.</param>
/// <param name="QueuePosition">1 is next; null when it doesn't wait for its turn.</param>
/// <param name="Attempts">Attempts to start it that failed.</param>
/// <param name="IdleStopsAt">When it is stopped if nobody uses it until then; null: it isn't.</param>
/// <param name="IdleWarning">Whether that is near enough to say so.</param>
/// <param name="UndoUntil">How long a deleted one can be had back.</param>
/// <param name="CanOpen">Whether the person who asked may open its services.</param>
/// <param name="CanControl">Whether they may start and stop it.</param>
/// <param name="CanManage">Whether they may rename, share, keep and delete it.</param>
public sealed record ContainerInfo(
    Guid Id, Guid OrganizationId, Guid ProjectId, string Name, ContainerTemplateInfo Template, ContainerTierInfo Tier, ContainerPlace Place,
    ContainerState State, string? Reason, double? Progress, int? ExitCode, DateTimeOffset StateChangedAt, int? QueuePosition, int Attempts,
    DateTimeOffset? NextAttemptAt, IReadOnlyList<ContainerServiceInfo> Services, Guid OwnerId, string OwnerName, ShareLevel Share, bool Pinned,
    DateTimeOffset? KeepUntil, DateTimeOffset? IdleStopsAt, bool IdleWarning, DateTimeOffset? StartedAt, DateTimeOffset CreatedAt,
    DateTimeOffset? DeletedAt, DateTimeOffset? UndoUntil, bool CanOpen, bool CanControl, bool CanManage)
{
    /// <summary>The Git repository that it is made from.</summary>
    public Guid? RepositoryId { get; init; }

    /// <summary>What its repository's <c>demiurge.yaml</c> wants to be shown, in this order; empty: it says nothing of it.</summary>
    public IReadOnlyList<Repositories.Yaml.WorkspaceTab> Tabs { get; init; } = [];

    /// <summary>While it waits for a host: why each doesn't take it. Only administrators of the installation are told; empty for others.</summary>
    public IReadOnlyList<HostRefusal> Hosts { get; init; } = [];
}

/// <summary>The template of a container, in the version that it was made from.</summary>
/// <param name="HasTerminal">Whether a terminal can be opened in it.</param>
/// <param name="Width">Default size on the board.</param>
/// <param name="Height">Default size on the board.</param>
public sealed record ContainerTemplateInfo(Guid Id, string Slug, string Name, string Icon, int Version, bool HasTerminal, double Width, double Height);

/// <summary>What a container gets of its host.</summary>
public sealed record ContainerTierInfo(Guid Id, string Name, double Cpus, long MemoryBytes, long DiskBytes, decimal PricePerHour);

/// <summary>A service of a container.</summary>
/// <param name="Name"><c>main</c>, or what the template calls it.</param>
/// <param name="Up">Whether it can be reached now.</param>
public sealed record ContainerServiceInfo(string Name, string Title, string Url, bool Embeddable, bool Up);

/// <summary>A line of a container's story.</summary>
public sealed record ContainerEventInfo(long Id, DateTimeOffset At, string Kind, string Text);

/// <summary>What a container is made of, for those who may change it.</summary>
/// <param name="Options">Its template's options by name, without those that are secret.</param>
/// <param name="Secrets">Names of the secret options that have a value.</param>
/// <param name="Template">What its template, in the version that it was made from, asks for.</param>
public sealed record ContainerSettings(
    Guid TierId, IReadOnlyDictionary<string, string> Options, IReadOnlyList<string> Secrets, IReadOnlyList<Templates.TemplateOption> Template);

/// <summary>What a person asks for.</summary>
/// <param name="TemplateId">Null: the one that the repository's <c>demiurge.yaml</c> names.</param>
/// <param name="TemplateVersion">Null: the latest.</param>
/// <param name="TierId">Null: the one that the repository's <c>demiurge.yaml</c> names, or the template's default.</param>
/// <param name="Name">Null: the template's name.</param>
/// <param name="Options">By name; those left out take their default.</param>
public sealed record NewContainer(
    Guid ProjectId, Guid? TemplateId = null, int? TemplateVersion = null, Guid? TierId = null, string? Name = null, IReadOnlyDictionary<string, string>? Options = null,
    IReadOnlyList<Guid>? EnvSetIds = null, ShareLevel Share = ShareLevel.Project, Guid? RepositoryId = null, ContainerPlace Place = ContainerPlace.Engine);
