using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;

namespace Demiurge.Core.Containers;

/// <summary>
/// What people do with containers. Commands note what is wanted and return at once; the reconciler sees to it, and
/// <see cref="ContainerChanges"/> tells how it goes. Safe for concurrent use.
/// </summary>
public sealed partial class ContainerService(ContainerAccess access)
{
    /// <summary>Makes a container and asks for it to run; for the role edit in its project.</summary>
    public Task<Result<ContainerInfo>> Create(Actor actor, NewContainer request, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, request.ProjectId);

    /// <summary>Asks for it to run; for those who control it.</summary>
    public Task<Result<ContainerInfo>> Start(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    public Task<Result<ContainerInfo>> Stop(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    public Task<Result<ContainerInfo>> Restart(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Starts a failed one again, at once and with all of its attempts.</summary>
    public Task<Result<ContainerInfo>> Retry(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Removes it; can be undone for a while. For those who manage it.</summary>
    public Task<Result<ContainerInfo>> Delete(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Takes a deletion back: the container is there again, stopped, with its volumes.</summary>
    public Task<Result<ContainerInfo>> Undelete(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Makes one like it, without its data, and starts it.</summary>
    public Task<Result<ContainerInfo>> Duplicate(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    public Task<Result<ContainerInfo>> Rename(Actor actor, Guid containerId, string? name, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Whether it is never stopped for being idle.</summary>
    public Task<Result<ContainerInfo>> Pin(Actor actor, Guid containerId, bool pinned, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Isn't stopped for being idle for that long; zero ends that.</summary>
    public Task<Result<ContainerInfo>> Keep(Actor actor, Guid containerId, TimeSpan time, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    public Task<Result<ContainerInfo>> SetShare(Actor actor, Guid containerId, ShareLevel share, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>A project's containers, oldest first; for everybody who may view it.</summary>
    /// <param name="deleted">Whether to list those that were deleted and can be had back, instead.</param>
    public Task<Result<IReadOnlyList<ContainerInfo>>> List(Actor actor, Guid projectId, bool deleted = false, CancellationToken cancellationToken = default) =>
        NotYet<IReadOnlyList<ContainerInfo>>(actor, projectId);

    public Task<Result<ContainerInfo>> Get(Actor actor, Guid containerId, CancellationToken cancellationToken = default) => NotYet<ContainerInfo>(actor, containerId);

    /// <summary>Its story, newest first.</summary>
    /// <param name="before">The id of the last one of the page before, or null for the first page.</param>
    public Task<Result<IReadOnlyList<ContainerEventInfo>>> Events(
        Actor actor, Guid containerId, long? before = null, int count = 100, CancellationToken cancellationToken = default) => NotYet<IReadOnlyList<ContainerEventInfo>>(actor, containerId);

    /// <summary>What it wrote, oldest first, secrets blackened; of one that is gone from its engine the last lines that were kept. For those who may open it.</summary>
    public Task<Result<IAsyncEnumerable<LogLine>>> Logs(
        Actor actor, Guid containerId, int tail = 200, bool follow = false, CancellationToken cancellationToken = default) => NotYet<IAsyncEnumerable<LogLine>>(actor, containerId);

    /// <summary>What it uses, about once a second while it runs.</summary>
    public Task<Result<IAsyncEnumerable<RuntimeStats>>> Stats(Actor actor, Guid containerId, CancellationToken cancellationToken = default) =>
        NotYet<IAsyncEnumerable<RuntimeStats>>(actor, containerId);

    private async Task<Result<T>> NotYet<T>(Actor actor, Guid id) => await access.Of(actor, id) is null ? Errors.ContainerNotFound : Errors.NotAvailable;
}
