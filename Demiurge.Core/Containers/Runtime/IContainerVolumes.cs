using Demiurge.Core.Containers.Hosts;

namespace Demiurge.Core.Containers.Runtime;

/// <summary>
/// A container's volumes, whether it runs, is stopped or was never made: they are reached by a helper container that is never started. Safe for
/// concurrent use.
/// </summary>
/// <remarks>What the engine refuses or fails at is thrown as a <see cref="RuntimeException"/>.</remarks>
public interface IContainerVolumes
{
    /// <summary>Makes the set's volumes if they aren't there (empty, without what the image has at these paths) and opens them. Dispose of it.</summary>
    Task<IOpenVolumes> Open(ContainerHost host, VolumesSpec spec, CancellationToken cancellationToken);

    /// <summary>
    /// Holds a container's processes still, so that its volumes can be read as they are at one time, until what is returned is disposed of. Nothing happens to one
    /// that doesn't run. Should letting go fail, or this process die, <see cref="Unpause"/> does it.
    /// </summary>
    Task<IAsyncDisposable> Pause(ContainerHost host, Guid containerId, CancellationToken cancellationToken);

    /// <summary>Lets the containers go on that are held still, but for those that <paramref name="isHeld"/> knows of. The others' ids.</summary>
    Task<IReadOnlyList<Guid>> Unpause(ContainerHost host, Func<Guid, bool> isHeld, CancellationToken cancellationToken);

    /// <summary>Removes a container's volumes of one set; nothing happens when they are gone.</summary>
    Task RemoveSet(ContainerHost host, Guid containerId, int set, CancellationToken cancellationToken);

    /// <summary>Removes what processes that died left of helpers. Only for who knows that nobody else opens volumes.</summary>
    Task RemoveHelpers(ContainerHost host, CancellationToken cancellationToken);
}

/// <param name="Image">Any image that is there; nothing of it runs.</param>
/// <param name="Paths">Where the volumes are mounted; the n-th is the volume with the number n.</param>
public sealed record VolumesSpec(Guid ContainerId, Guid OrganizationId, string Image, IReadOnlyList<string> Paths, int Set);

/// <summary>Volumes that can be read and written as tar streams.</summary>
public interface IOpenVolumes : IAsyncDisposable
{
    /// <summary>A volume's content; all names begin with the last part of its path.</summary>
    Task<Stream> Read(int volume, CancellationToken cancellationToken);

    /// <summary>Unpacks a tar whose names are absolute paths without the first slash.</summary>
    Task Write(Stream tar, CancellationToken cancellationToken);
}
