using Demiurge.Core.Containers.Templates;

namespace Demiurge.Core.Containers.Repositories.Yaml;

/// <summary>What a repository's <c>demiurge.yaml</c> asks for. See docs/demiurge-yaml.md.</summary>
/// <param name="Template">The slug of the template; null leaves the choice to the person.</param>
/// <param name="Tier">The name of the tier; null takes the template's.</param>
/// <param name="Services">Beside the template's; one of the same name takes the template's place.</param>
/// <param name="Environment">Names of variables that must have a value when steps run; the values come from env sets.</param>
/// <param name="Install">Run one after the other after each clone and update.</param>
/// <param name="Processes">Kept running.</param>
/// <param name="Tabs">What is shown beside one another when the container is opened.</param>
public sealed record WorkspaceFile(
    string? Template, string? Tier, IReadOnlyList<TemplateService> Services, IReadOnlyList<string> Environment, IReadOnlyList<InstallStep> Install,
    IReadOnlyList<WorkspaceProcess> Processes, IReadOnlyList<WorkspaceTab> Tabs);

/// <summary>A command that is run once.</summary>
/// <param name="Run">For the shell.</param>
/// <param name="Directory">Below the clone; null: the clone itself.</param>
public sealed record InstallStep(string Name, string Run, string? Directory, TimeSpan Timeout);

/// <summary>When a process is started again.</summary>
public enum RestartPolicy
{
    Always,

    /// <summary>When its exit code isn't 0.</summary>
    OnFailure,

    Never,
}

/// <summary>A command that is kept running.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens; unique in the file.</param>
public sealed record WorkspaceProcess(string Name, string Run, string? Directory, RestartPolicy Restart, ProcessHealth? Health);

/// <summary>How to see that a process does its work; one that doesn't is ended and started again as its policy has it.</summary>
/// <param name="Port">Of <c>http</c> checks.</param>
/// <param name="Path">Of <c>http</c> checks: a GET whose answer is below 500.</param>
/// <param name="Run">Of <c>run</c> checks: a command that must exit with 0.</param>
/// <param name="Retries">Failures in a row that are put up with.</param>
/// <param name="Start">After a start, how long failures don't count.</param>
public sealed record ProcessHealth(int? Port, string? Path, string? Run, TimeSpan Interval, int Retries, TimeSpan Start);

/// <summary>Something to show.</summary>
/// <param name="Service">Name of a service; null for the terminal.</param>
public sealed record WorkspaceTab(string Title, string? Service, string? Path);

/// <summary>What is wrong with a file, and where.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What was found and what is expected.</param>
public sealed record YamlProblem(int Line, int Column, string Message)
{
    public override string ToString() => $"line {Line}, column {Column}: {Message}";
}

/// <summary>A file that was read: either <paramref name="File"/>, or what is wrong with it, in the order of the lines.</summary>
public sealed record YamlReading(WorkspaceFile? File, IReadOnlyList<YamlProblem> Problems);
