using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>An image that the engine has; null when it hasn't.</summary>
    public Task<ImageDetails?> FindImage(string image, CancellationToken cancellationToken = default) =>
        OrNull(Get($"images/{Name(image)}/json", DockerJson.Default.ImageDetails, cancellationToken));

    /// <summary>
    /// Fetches an image from its registry; it is there when the sequence ends. Without a tag or digest it is <c>latest</c>. A line that reports an
    /// error is thrown.
    /// </summary>
    public IAsyncEnumerable<ProgressLine> Pull(string image, RegistryLogin? login = null, CancellationToken cancellationToken = default)
    {
        var (name, tag) = Split(image);
        return WithErrors(
            Stream(HttpMethod.Post, new DockerQuery("images/create").Add("fromImage", name).Add("tag", tag), null, DockerJson.Default.ProgressLine, cancellationToken, headers =>
            {
                if (login is not null)
                    headers.Add("X-Registry-Auth", System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(login, DockerJson.Default.RegistryLogin)));
            }),
            cancellationToken);
    }

    /// <summary>Makes an image of one layer out of a root file system.</summary>
    /// <param name="tar">Read to its end, not closed. May be compressed.</param>
    /// <param name="changes">Lines of a Dockerfile: <c>CMD</c>, <c>ENTRYPOINT</c>, <c>ENV</c>, <c>EXPOSE</c>, <c>USER</c>, <c>WORKDIR</c>.</param>
    public async Task Import(string image, Stream tar, IEnumerable<string>? changes = null, CancellationToken cancellationToken = default)
    {
        var (name, tag) = Split(image);
        var query = new DockerQuery("images/create").Add("fromSrc", "-").Add("repo", name).Add("tag", tag);
        foreach (var change in changes ?? [])
            query.Add("changes", change);
        await foreach (var _ in WithErrors(Stream(HttpMethod.Post, query, Tar(tar), DockerJson.Default.ProgressLine, cancellationToken), cancellationToken))
        {
            // Only its end and its errors are of interest.
        }
    }

    /// <summary>Takes in what <c>docker save</c> wrote.</summary>
    /// <param name="tar">Read to its end, not closed.</param>
    public async Task Load(Stream tar, CancellationToken cancellationToken = default)
    {
        await foreach (var _ in WithErrors(Stream(HttpMethod.Post, "images/load?quiet=1", Tar(tar), DockerJson.Default.ProgressLine, cancellationToken), cancellationToken))
        {
            // Only its end and its errors are of interest.
        }
    }

    public Task Tag(string image, string newName, CancellationToken cancellationToken = default)
    {
        var (name, tag) = Split(newName);
        return Do(HttpMethod.Post, new DockerQuery($"images/{Name(image)}/tag").Add("repo", name).Add("tag", tag), null, cancellationToken);
    }

    /// <summary>False when there is no such image.</summary>
    public Task<bool> RemoveImage(string image, bool force = false, CancellationToken cancellationToken = default) =>
        Removed(Do(HttpMethod.Delete, new DockerQuery($"images/{Name(image)}").Add("force", force), null, cancellationToken));

    private static async Task<bool> Removed(Task removal)
    {
        try
        {
            await removal;
            return true;
        }
        catch (DockerException exception) when (exception.Failure == DockerFailure.NotFound)
        {
            return false;
        }
    }

    private static async IAsyncEnumerable<ProgressLine> WithErrors(IAsyncEnumerable<ProgressLine> lines, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var line in lines.WithCancellation(cancellationToken))
        {
            if (line.Error is { } error)
                throw new DockerException(SaysMissing(error) ? DockerFailure.NotFound : DockerFailure.Failed, error);
            yield return line;
        }
    }

    /// <summary>After its headers the engine has no status to give, only words.</summary>
    private static bool SaysMissing(string error) =>
        error.Contains("not found", StringComparison.OrdinalIgnoreCase) || error.Contains("manifest unknown", StringComparison.OrdinalIgnoreCase);

    /// <summary>A name keeps its slashes in a path, but no dots that climb and nothing that begins a query.</summary>
    private static string Name(string image) =>
        image.Length > 0 && !image.Contains("..", StringComparison.Ordinal)
            ? string.Join('/', image.Split('/').Select(part => Uri.EscapeDataString(part).Replace("%3A", ":", StringComparison.Ordinal).Replace("%40", "@", StringComparison.Ordinal)))
            : throw new DockerException(DockerFailure.Invalid, $"`{image}` is not an image's name.");

    private static (string Name, string Tag) Split(string image)
    {
        if (image.IndexOf('@', StringComparison.Ordinal) is > 0 and var at)
            return (image[..at], image[(at + 1)..]);
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? (image[..colon], image[(colon + 1)..]) : (image, "latest");
    }

    /// <summary>The stream stays the caller's: HttpClient would close it with the request.</summary>
    private static StreamContent Tar(Stream stream) => new(new BorrowedStream(stream)) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-tar") } };
}
