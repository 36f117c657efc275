namespace Demiurge.Core.Containers.Docker.Wire;

internal sealed record CreateExec
{
    public required IReadOnlyList<string> Cmd { get; init; }

    public bool AttachStdin { get; init; }

    public bool AttachStdout { get; init; } = true;

    public bool AttachStderr { get; init; } = true;

    /// <summary>A terminal: output and errors come as one.</summary>
    public bool Tty { get; init; }

    public IReadOnlyList<string>? Env { get; init; }

    public string? User { get; init; }

    public string? WorkingDir { get; init; }
}

internal sealed record CreatedExec(string Id);

internal sealed record StartExec(bool Detach, bool Tty);

/// <param name="ExitCode">Null until it has ended.</param>
/// <param name="Pid">On the engine's machine; 0 before it runs.</param>
internal sealed record ExecDetails(string ID, string ContainerID, bool Running, int? ExitCode, int Pid);
