using Demiurge.Core.Containers.Repositories.Yaml;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>A repository as a person with access to its project sees it.</summary>
/// <param name="DeployKey">The public half, to be pasted into the forge as a read-only deploy key.</param>
/// <param name="HostKeysKnown">Whether the server's keys were seen and are compared from now on.</param>
/// <param name="Tabs">Of its <c>demiurge.yaml</c> as it was read last.</param>
public sealed record RepositoryInfo(
    Guid Id, Guid ProjectId, string Url, string? Branch, string DeployKey, bool HostKeysKnown, string? LastCommit, string? LastError, IReadOnlyList<WorkspaceTab> Tabs,
    DateTimeOffset CreatedAt);

/// <summary>A container's repository being set up.</summary>
public sealed record RepositoryRunInfo(
    Guid Id, Guid ContainerId, RunState State, string? Reason, string? Commit, bool OnlyProcesses, IReadOnlyList<RunStep> Steps, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>A process of a <c>demiurge.yaml</c> as it is now.</summary>
/// <param name="State">starting, running, healthy, unhealthy, waiting, exited.</param>
/// <param name="Log">The end of what it wrote, secrets blackened.</param>
public sealed record ProcessInfo(string Name, string State, int Restarts, int? ExitCode, string Log);

/// <summary>What a try to reach a repository led to.</summary>
/// <param name="Message">The branches' number, or why it can't be reached.</param>
public sealed record AccessTest(bool Succeeded, string Message);
