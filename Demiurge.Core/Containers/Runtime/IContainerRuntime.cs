using Demiurge.Core.Containers.Hosts;

namespace Demiurge.Core.Containers.Runtime;

/// <summary>
/// A container engine, in the few verbs that Demiurge needs. Every verb that changes something can be repeated, also after half of it was
/// done by a process that died. Sees only what carries this installation's labels. Safe for concurrent use; whoever drives a container
/// does so one call after the other.
/// </summary>
/// <remarks>What the engine refuses or fails at is thrown as a <see cref="RuntimeException"/>.</remarks>
public interface IContainerRuntime
{
    /// <summary>Sees to it that the image is there, fetching it when it isn't.</summary>
    Task<ImageState> EnsureImage(string image, IProgress<PullProgress> progress, CancellationToken cancellationToken);

    /// <summary>
    /// Sees to it that the container of this spec runs: with network and volumes, under its deterministic name. One of the same
    /// generation and spec is adopted (and started if it is not running), any other of that name is replaced.
    /// </summary>
    Task<RuntimeContainer> Ensure(RuntimeSpec spec, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the engine takes new connections. One that is being shut down stops that first and ends its containers then, so an end that is
    /// seen while it does was not its doing.
    /// </summary>
    Task<bool> TakesConnections(CancellationToken cancellationToken);

    /// <summary>Ends it, at first politely. Nothing happens when it has ended or is gone.</summary>
    Task Stop(string name, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>Removes it, and its volumes too when asked. Nothing happens when it is gone; volumes are removed also then.</summary>
    Task Remove(string name, bool volumes, CancellationToken cancellationToken);

    Task<RuntimeContainer?> Find(string name, CancellationToken cancellationToken);

    /// <summary>All containers of this installation, whatever their state.</summary>
    Task<IReadOnlyList<RuntimeContainer>> List(CancellationToken cancellationToken);

    /// <summary>What happens to this installation's containers from now on. Ends when the engine goes.</summary>
    IAsyncEnumerable<RuntimeEvent> Watch(CancellationToken cancellationToken);

    /// <param name="tail">How many of the last lines to begin with.</param>
    IAsyncEnumerable<LogLine> Logs(string name, DateTimeOffset? since, bool follow, int tail, CancellationToken cancellationToken);

    /// <summary>One about every second, while it runs.</summary>
    IAsyncEnumerable<RuntimeStats> Stats(string name, CancellationToken cancellationToken);

    Task<IExecStream> Exec(string name, ExecSpec spec, CancellationToken cancellationToken);

    /// <summary>A file or folder of the container as a tar stream. The caller disposes of it.</summary>
    Task<Stream> ReadArchive(string name, string path, CancellationToken cancellationToken);

    /// <summary>Unpacks a tar stream into a folder of the container.</summary>
    Task WriteArchive(string name, string path, Stream tar, CancellationToken cancellationToken);
}

/// <summary>The engines of the registered hosts.</summary>
public interface IContainerRuntimes
{
    /// <summary>The engine of that host, with the connection settings that the row has now.</summary>
    IContainerRuntime Of(ContainerHost host);
}
