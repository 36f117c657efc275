using System.Net;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

internal sealed partial class DockerEngine
{
    /// <summary>Prepares a command inside a running container. Its id.</summary>
    /// <exception cref="DockerException">Conflict: the container doesn't run.</exception>
    public async Task<string> CreateExec(string container, CreateExec exec, CancellationToken cancellationToken = default) =>
        (await Post($"containers/{Segment(container)}/exec", Json(exec, DockerJson.Default.CreateExec), DockerJson.Default.CreatedExec, cancellationToken)).Id;

    /// <summary>Starts the command and connects to it; dispose the result. The command goes on when the connection ends, unless its input's end stops it.</summary>
    /// <param name="tty">As the command was created.</param>
    public async Task<DockerSession> StartExec(string exec, bool tty, CancellationToken cancellationToken = default)
    {
        // The connection leaves HTTP for good, so it is one of its own: that also lets us close its sending half.
        DockerConnection? connection = null;
        var own = new HttpMessageInvoker(Handler(async (_, token) => (connection = await connector.Connect(token)).Stream));
        HttpResponseMessage? response = null;
        using var deadline = new CallDeadline(AnswerTimeout, cancellationToken);
        try
        {
            var version = await Negotiate(deadline.Token);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://docker/v{version}/exec/{Segment(exec)}/start")
            {
                Content = Json(new StartExec(Detach: false, tty), DockerJson.Default.StartExec),
                Headers = { { "Connection", "Upgrade" }, { "Upgrade", "tcp" } },
            };
            // The engine wants the length of a request that is to be upgraded.
            await request.Content.LoadIntoBufferAsync(deadline.Token);
            response = await own.SendAsync(request, deadline.Token);
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
                throw response.IsSuccessStatusCode
                    ? new DockerException(DockerFailure.Unsupported, "The engine, or a proxy before it, does not upgrade connections.", response.StatusCode)
                    : await Refused(response, deadline.Token);
            return new DockerSession(own, response, await response.Content.ReadAsStreamAsync(deadline.Token), connection!, tty, Mapped);
        }
        catch (Exception exception)
        {
            response?.Dispose();
            own.Dispose();
            if (Mapped(exception, deadline) is { } mapped)
                throw mapped;
            throw;
        }
    }

    /// <summary>Sets the size of a command's terminal, in characters. The command must run.</summary>
    public Task ResizeExec(string exec, int columns, int rows, CancellationToken cancellationToken = default) =>
        Do(HttpMethod.Post, new DockerQuery($"exec/{Segment(exec)}/resize").Add("h", (long)rows).Add("w", (long)columns), null, cancellationToken);

    /// <summary>Null when it, or its container, is gone.</summary>
    public Task<ExecDetails?> FindExec(string exec, CancellationToken cancellationToken = default) =>
        OrNull(Get($"exec/{Segment(exec)}/json", DockerJson.Default.ExecDetails, cancellationToken));

    private DockerException? Mapped(Exception exception)
    {
        using var unlimited = new CallDeadline(Timeout.InfiniteTimeSpan, CancellationToken.None);
        return Mapped(exception, unlimited);
    }
}
