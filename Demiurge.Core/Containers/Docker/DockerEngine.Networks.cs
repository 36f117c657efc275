using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>Its id.</summary>
    /// <exception cref="DockerException">Conflict: the name is taken. Denied: addresses or the bridge's name collide.</exception>
    public async Task<string> CreateNetwork(CreateNetwork network, CancellationToken cancellationToken = default) =>
        (await Post("networks/create", Json(network, DockerJson.Default.CreateNetwork), DockerJson.Default.CreatedNetwork, cancellationToken)).Id;

    /// <summary>By id or name; null when there is none.</summary>
    public Task<NetworkDetails?> FindNetwork(string id, CancellationToken cancellationToken = default) =>
        OrNull(Get($"networks/{Segment(id)}", DockerJson.Default.NetworkDetails, cancellationToken));

    public async Task<IReadOnlyList<NetworkDetails>> ListNetworks(DockerFilters? filters = null, CancellationToken cancellationToken = default) =>
        await Get(new DockerQuery("networks").Add(filters), DockerJson.Default.ListNetworkDetails, cancellationToken);

    /// <summary>False when there is none. Fails while a container runs in it.</summary>
    public Task<bool> RemoveNetwork(string id, CancellationToken cancellationToken = default) =>
        Removed(Do(HttpMethod.Delete, $"networks/{Segment(id)}", null, cancellationToken));

    public Task ConnectNetwork(string id, string container, NetworkEndpoint? endpoint = null, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"networks/{Segment(id)}/connect", Json(new ConnectNetwork(container, endpoint), DockerJson.Default.ConnectNetwork), cancellationToken);

    public Task DisconnectNetwork(string id, string container, bool force = false, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"networks/{Segment(id)}/disconnect", Json(new DisconnectNetwork(container, force), DockerJson.Default.DisconnectNetwork), cancellationToken);
}
