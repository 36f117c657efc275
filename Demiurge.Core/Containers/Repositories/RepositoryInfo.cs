using Demiurge.Core.Containers.Repositories.Yaml;

namespace Demiurge.Core.Containers.Repositories;

/// <summary>A repository as a person with access to its project sees it.</summary>
/// <param name="DeployKey">The public half, to be pasted into the forge as a read-only deploy key.</param>
/// <param name="HostKeysKnown">Whether the server's keys were seen and are compared from now on.</param>
/// <param name="Template">The slug that its <c>demiurge.yaml</c>, as it was read last, names; null: none.</param>
/// <param name="Tier">Likewise.</param>
/// <param name="Tabs">Likewise.</param>
public sealed record RepositoryInfo(
    Guid Id, Guid ProjectId, string Url, string? Branch, string DeployKey, bool HostKeysKnown, string? LastCommit, string? LastError, string? Template, string? Tier,
    IReadOnlyList<WorkspaceTab> Tabs, DateTimeOffset CreatedAt);

/// <summary>A container's repository being set up.</summary>
public sealed record RepositoryRunInfo(
    Guid Id, Guid ContainerId, RunState State, string? Reason, string? Commit, bool OnlyProcesses, IReadOnlyList<RunStep> Steps, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>A process of a <c>demiurge.yaml</c> as it is now.</summary>
/// <param name="State">starting, running, healthy, unhealthy, waiting, exited.</param>
/// <param name="Log">The end of what it wrote, secrets blackened.</param>
public sealed record ProcessInfo(string Name, string State, int Restarts, int? ExitCode, string Log);

/// <summary>What a try to reach a repository led to.</summary>
/// <param name="Message">The branches' number, or why it can't be reached.</param>
/// <param name="Text">Its <c>demiurge.yaml</c>; null: it has none, or can't be reached.</param>
/// <param name="File">What that asks for, and what is wrong with it.</param>
public sealed record AccessTest(bool Succeeded, string Message, string? Text = null, WorkspaceFileInfo? File = null);

/// <summary>What a <c>demiurge.yaml</c> asks for, by names.</summary>
/// <param name="Problems">What is wrong with it, in the order of the lines; all else is empty then.</param>
/// <param name="Template">Slug of the template; null leaves the choice to the person.</param>
/// <param name="Tier">Name of the tier; null takes the template's.</param>
/// <param name="Environment">Variables that must have a value.</param>
public sealed record WorkspaceFileInfo(
    IReadOnlyList<YamlProblem> Problems, string? Template, string? Tier, IReadOnlyList<string> Services, IReadOnlyList<string> Environment, IReadOnlyList<string> Install,
    IReadOnlyList<string> Processes, IReadOnlyList<WorkspaceTab> Tabs)
{
    internal static WorkspaceFileInfo Of(YamlReading reading) => reading.File is { } file
        ? new([], file.Template, file.Tier, [.. file.Services.Select(service => service.Name)], file.Environment, [.. file.Install.Select(step => step.Name)],
            [.. file.Processes.Select(process => process.Name)], file.Tabs)
        : new(reading.Problems, null, null, [], [], [], [], []);
}
