using System.Runtime.CompilerServices;
using Demiurge.Core.Containers.Docker.Wire;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Which part of a container's log.</summary>
internal sealed record DockerLogQuery
{
    /// <summary>Go on with what comes, until the container ends.</summary>
    public bool Follow { get; init; }

    /// <summary>Only lines of this time or later, by the engine's clock.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only so many of the last lines.</summary>
    public int? Tail { get; init; }
}

/// <summary>A line of a container's log.</summary>
/// <param name="Time">When the engine received it, by its clock, to the tick; null for the continuation of a long line.</param>
/// <param name="Text">Without the line's end. At most <see cref="LogLines.MaxLineBytes"/>; a longer line comes in pieces.</param>
internal sealed record DockerLogLine(DockerSource Source, DateTimeOffset? Time, string Text);

internal sealed partial class DockerEngine
{
    /// <summary>What a container wrote, also one that has ended.</summary>
    public async IAsyncEnumerable<DockerLogLine> Logs(string id, DockerLogQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // Only from API 1.42 on does the answer itself say whether it has frames.
        var container = await Get($"containers/{Segment(id)}/json", DockerJson.Default.ContainerDetails, cancellationToken);
        using var deadline = new CallDeadline(Timeout.InfiniteTimeSpan, cancellationToken);
        using var response = await Send(
            HttpMethod.Get,
            new DockerQuery($"containers/{Segment(id)}/logs")
                .Add("stdout", true).Add("stderr", true).Add("timestamps", true)
                .Add("follow", query.Follow).Add("since", Seconds(query.Since)).Add("tail", query.Tail),
            null,
            deadline);
        var lines = new LogLines(new MultiplexedStream(await response.Content.ReadAsStreamAsync(cancellationToken), container.Config.Tty));
        while (true)
        {
            DockerLogLine? line;
            try
            {
                line = await lines.Next(cancellationToken);
            }
            catch (Exception exception) when (Mapped(exception, deadline) is { } mapped)
            {
                throw mapped;
            }

            if (line is null)
                yield break;
            yield return line;
        }
    }
}
