using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>Makes a container without starting it. Its id.</summary>
    /// <exception cref="DockerException">NotFound: the image isn't there. Conflict: the name is taken.</exception>
    public async Task<string> CreateContainer(string name, CreateContainer container, CancellationToken cancellationToken = default) =>
        (await Post(
            new DockerQuery("containers/create").Add("name", name),
            Json(container, DockerJson.Default.CreateContainer),
            DockerJson.Default.CreatedContainer,
            cancellationToken)).Id;

    /// <summary>By id or name; null when there is none.</summary>
    public Task<ContainerDetails?> FindContainer(string id, CancellationToken cancellationToken = default) =>
        OrNull(Get($"containers/{Segment(id)}/json", DockerJson.Default.ContainerDetails, cancellationToken));

    /// <param name="all">Those that don't run as well.</param>
    public async Task<IReadOnlyList<ContainerSummary>> ListContainers(DockerFilters? filters = null, bool all = true, CancellationToken cancellationToken = default) =>
        await Get(new DockerQuery("containers/json").Add("all", all).Add(filters), DockerJson.Default.ListContainerSummary, cancellationToken);

    /// <summary>False when it runs already.</summary>
    public Task<bool> StartContainer(string id, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"containers/{Segment(id)}/start", null, cancellationToken);

    /// <summary>Asks its first process to end, kills it after the grace; false when it doesn't run.</summary>
    /// <param name="grace">Whole seconds; the container's own when null.</param>
    public Task<bool> StopContainer(string id, TimeSpan? grace = null, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, new DockerQuery($"containers/{Segment(id)}/stop").Add("t", WholeSeconds(grace)), null, cancellationToken, AnswerTimeout + (grace ?? TimeSpan.FromMinutes(5)));

    public Task RestartContainer(string id, TimeSpan? grace = null, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, new DockerQuery($"containers/{Segment(id)}/restart").Add("t", WholeSeconds(grace)), null, cancellationToken, AnswerTimeout + (grace ?? TimeSpan.FromMinutes(5)));

    /// <exception cref="DockerException">Conflict: it doesn't run.</exception>
    public Task KillContainer(string id, string signal = "SIGKILL", CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, new DockerQuery($"containers/{Segment(id)}/kill").Add("signal", signal), null, cancellationToken);

    /// <summary>Removes it with its anonymous volumes; named ones stay. False when there is none.</summary>
    /// <param name="force">Also while it runs.</param>
    public Task<bool> RemoveContainer(string id, bool force = false, CancellationToken cancellationToken = default) =>
        Removed(Do(HttpMethod.Delete, new DockerQuery($"containers/{Segment(id)}").Add("force", force).Add("v", true), null, cancellationToken));

    /// <summary>Holds its processes still.</summary>
    /// <exception cref="DockerException">Conflict: it doesn't run, or is paused already.</exception>
    public Task PauseContainer(string id, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"containers/{Segment(id)}/pause", null, cancellationToken);

    public Task UnpauseContainer(string id, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"containers/{Segment(id)}/unpause", null, cancellationToken);

    public Task RenameContainer(string id, string name, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, new DockerQuery($"containers/{Segment(id)}/rename").Add("name", name), null, cancellationToken);

    /// <summary>Changes limits, also while it runs.</summary>
    public Task UpdateLimits(string id, UpdateContainer limits, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, $"containers/{Segment(id)}/update", Json(limits, DockerJson.Default.UpdateContainer), cancellationToken);

    /// <summary>Waits, as long as the caller likes, until it doesn't run. Its exit code.</summary>
    public async Task<int> WaitContainer(string id, CancellationToken cancellationToken = default)
    {
        var exit = await Read(HttpMethod.Post, $"containers/{Segment(id)}/wait?condition=not-running", null, DockerJson.Default.ContainerExit, cancellationToken, Timeout.InfiniteTimeSpan);
        return exit.Error?.Message is { Length: > 0 } error ? throw new DockerException(DockerFailure.Failed, error) : exit.StatusCode;
    }

    /// <summary>Its meters now. Takes a second or two: the engine reads the processor's twice.</summary>
    public Task<ContainerStats> Stats(string id, CancellationToken cancellationToken = default) =>
        Get($"containers/{Segment(id)}/stats?stream=false", DockerJson.Default.ContainerStats, cancellationToken);

    /// <summary>Its meters once a second, until it is removed.</summary>
    public IAsyncEnumerable<ContainerStats> StatsStream(string id, CancellationToken cancellationToken = default) =>
        Stream(HttpMethod.Get, $"containers/{Segment(id)}/stats?stream=true", null, DockerJson.Default.ContainerStats, cancellationToken);

    /// <summary>A file or folder as tar, read as it comes; dispose it.</summary>
    /// <exception cref="DockerException">NotFound: no such container or path.</exception>
    public async Task<Stream> GetArchive(string id, string path, CancellationToken cancellationToken = default)
    {
        using var deadline = new CallDeadline(AnswerTimeout, cancellationToken);
        var response = await Send(HttpMethod.Get, new DockerQuery($"containers/{Segment(id)}/archive").Add("path", path), null, deadline);
        return new ResponseStream(response, await response.Content.ReadAsStreamAsync(cancellationToken), exception => Mapped(exception, deadline) ?? exception);
    }

    /// <summary>Unpacks a tar into a folder of the container.</summary>
    /// <param name="tar">Read to its end, not closed. May be compressed.</param>
    public Task PutArchive(string id, string path, Stream tar, CancellationToken cancellationToken = default) =>
        Do(
            HttpMethod.Put,
            new DockerQuery($"containers/{Segment(id)}/archive").Add("path", path).Add("noOverwriteDirNonDir", true),
            Tar(tar),
            cancellationToken,
            Timeout.InfiniteTimeSpan);

    private static long? WholeSeconds(TimeSpan? time) => time is { } given ? (long)Math.Ceiling(given.TotalSeconds) : null;
}
