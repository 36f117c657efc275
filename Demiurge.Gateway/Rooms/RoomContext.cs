using Demiurge.Core;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>A room was closed from outside: the organization goes, or the project is gone.</summary>
internal sealed class RoomClosedException(int code, string reason) : Exception(reason)
{
    public int Code { get; } = code;
}

/// <summary>What the rooms of one organization share.</summary>
/// <param name="Load">Pulls a room's records from Web.</param>
/// <param name="Touch">Notes activity, which puts the release of the gateway off.</param>
internal sealed record RoomContext(
    RoomLimits Limits, LogAppender Appender, Func<Guid, Task<Result<IReadOnlyList<RoomRecord>>>> Load, Action Touch, ILogger Logger)
{
    /// <summary>Where large documents are encoded, beside the rooms' loops.</summary>
    public TaskScheduler Encoding { get; init; } = TaskScheduler.Default;
}
