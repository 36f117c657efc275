namespace Demiurge.Core.Containers.Runtime;

/// <summary>Whether an image is there.</summary>
/// <param name="Id">The engine's id of it.</param>
/// <param name="Error">Why it is not, in words for the person who asked for it.</param>
public sealed record ImageState(bool Present, string? Id, string? Error);

/// <param name="Status">The engine's words.</param>
/// <param name="Fraction">0 to 1; null while the size is unknown.</param>
public sealed record PullProgress(string Status, double? Fraction);

/// <summary>All that may be said about a container. The rest of what reaches the engine is fixed.</summary>
/// <param name="Environment">Secrets included; kept in memory only.</param>
/// <param name="Volumes">Absolute paths; the n-th is the volume <c>…-n</c>.</param>
/// <param name="Ports">TCP ports that gateways reach.</param>
/// <param name="Runtime">The engine's runtime; null: its default.</param>
public sealed record RuntimeSpec(
    Guid ContainerId, Guid OrganizationId, int Generation, string Image, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Volumes,
    IReadOnlyList<int> Ports, double Cpus, long MemoryBytes, int Pids, long DiskBytes, bool ReadOnlyRoot, IReadOnlyList<string> Tmpfs, string? User,
    string? WorkingDirectory, IReadOnlyList<string>? Command, string? Runtime)
{
    /// <summary>The generation of containers without a row, which are there for a minute to test something.</summary>
    public const int TestGeneration = -1;

    /// <summary>Which of the container's sets of volumes it gets; a restore makes another one. 0 is the first.</summary>
    public int VolumeSet { get; init; }

    /// <summary>Without the variables' values.</summary>
    public override string ToString() => $"{ContainerId} generation {Generation} of {Image}";
}

public enum RuntimeState { Created, Running, Paused, Restarting, Removing, Exited, Dead }

/// <summary>A container as its engine has it.</summary>
/// <param name="Reach">By container port: where a gateway connects. Empty unless it runs.</param>
/// <param name="Error">The engine's words for why it didn't start.</param>
public sealed record RuntimeContainer(
    string EngineId, string Name, Guid ContainerId, int Generation, RuntimeState State, int? ExitCode, bool OutOfMemory, DateTimeOffset? StartedAt,
    IReadOnlyDictionary<int, (string Address, int Port)> Reach, string? Error)
{
    public string? ImageId { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }
}

/// <param name="Kind">The engine's word: <c>start</c>, <c>die</c>, <c>oom</c>, <c>destroy</c> …</param>
public sealed record RuntimeEvent(string Kind, string Name, Guid ContainerId, DateTimeOffset At);

public sealed record LogLine(DateTimeOffset At, bool IsError, string Text);

/// <param name="Cpus">Processors' worth of time in use.</param>
/// <param name="ReceivedBytes">Since it started.</param>
/// <param name="SentBytes">Since it started.</param>
public sealed record RuntimeStats(DateTimeOffset At, double Cpus, long MemoryBytes, long MemoryLimitBytes, long ReceivedBytes, long SentBytes, int Pids);

/// <summary>A program to run in a container that runs, on a terminal of its own.</summary>
public sealed record ExecSpec(IReadOnlyList<string> Command, int Columns, int Rows)
{
    /// <summary>Whether it has a terminal. Without one, output and errors come one after the other as they are written.</summary>
    public bool Tty { get; init; } = true;

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string? User { get; init; }

    public string? WorkingDirectory { get; init; }
}

/// <summary>A program that runs in a container. One reader and one writer at a time.</summary>
public interface IExecStream : IAsyncDisposable
{
    /// <summary>Reads what it wrote; 0 when it has ended.</summary>
    ValueTask<int> Read(Memory<byte> buffer, CancellationToken cancellationToken);

    ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Ends its input.</summary>
    ValueTask CompleteInput(CancellationToken cancellationToken);

    Task Resize(int columns, int rows, CancellationToken cancellationToken);

    /// <summary>Its exit code, once it has ended.</summary>
    Task<int> ExitCode(CancellationToken cancellationToken);
}

/// <summary>What a caller of an engine has to tell apart.</summary>
public enum RuntimeFailure
{
    /// <summary>The engine doesn't answer: it is not running, or the network or its certificate is in the way.</summary>
    Unreachable,

    /// <summary>There is no such container, image or path.</summary>
    NotFound,

    /// <summary>The engine doesn't take the request. Asking again doesn't help.</summary>
    Refused,

    /// <summary>The engine failed at it.</summary>
    Failed,
}

/// <summary>An engine didn't do what it was asked to. The message is for people.</summary>
public sealed class RuntimeException(RuntimeFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public RuntimeFailure Failure => failure;
}
