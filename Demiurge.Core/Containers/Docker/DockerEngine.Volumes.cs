using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>Makes a volume, or returns the one that has the name already, whose labels may be others.</summary>
    public Task<VolumeDetails> CreateVolume(CreateVolume volume, CancellationToken cancellationToken = default) =>
        Post("volumes/create", Json(volume, DockerJson.Default.CreateVolume), DockerJson.Default.VolumeDetails, cancellationToken);

    public Task<VolumeDetails?> FindVolume(string name, CancellationToken cancellationToken = default) =>
        OrNull(Get($"volumes/{Segment(name)}", DockerJson.Default.VolumeDetails, cancellationToken));

    public async Task<IReadOnlyList<VolumeDetails>> ListVolumes(DockerFilters? filters = null, CancellationToken cancellationToken = default) =>
        (await Get(new DockerQuery("volumes").Add(filters), DockerJson.Default.VolumeList, cancellationToken)).Volumes ?? [];

    /// <summary>False when there is none.</summary>
    /// <exception cref="DockerException">Conflict: a container, running or not, uses it.</exception>
    public Task<bool> RemoveVolume(string name, CancellationToken cancellationToken = default) =>
        Removed(Do(HttpMethod.Delete, $"volumes/{Segment(name)}", null, cancellationToken));
}
