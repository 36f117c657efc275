using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Rooms;

/// <summary>
/// What a gateway lets peers do; configured in Web (<c>Demiurge:Rooms</c>) and handed to each gateway with its
/// organization. Sizes in bytes.
/// </summary>
public sealed record RoomLimits
{
    public const string Section = "Demiurge:Rooms";

    /// <summary>Largest WebSocket message; above it the socket closes with 1009. So much of one peer may also wait for its room.</summary>
    [Range(1024, 256 << 20)]
    public int MessageBytes { get; init; } = 16 << 20;

    /// <summary>Messages a second that one connection may send, and ten times as many at once; what exceeds that waits in its socket. Service peers have no such limit.</summary>
    [Range(1, 1_000_000)]
    public int MessagesPerSecond { get; init; } = 500;

    /// <summary>Largest encoded document; an update that arrives above it is refused, unless it only deletes. A service peer has a tenth more.</summary>
    [Range(1024, 1 << 30)]
    public int DocumentBytes { get; init; } = 256 << 20;

    /// <summary>Bytes of updates that may wait in one room for edits on which they build and which have not come yet. What exceeds it is refused.</summary>
    [Range(0, 256 << 20)]
    public int WaitingBytes { get; init; } = 4 << 20;

    /// <summary>Largest awareness message; a service peer's may be as large as any message.</summary>
    [Range(256, 1 << 20)]
    public int AwarenessBytes { get; init; } = 64 << 10;

    /// <summary>Awareness client ids that one connection may hold at a time; a service peer speaks for many people.</summary>
    [Range(1, 100_000)]
    public int AwarenessClientsPerConnection { get; init; } = 16;

    [Range(1, 100_000)]
    public int ConnectionsPerRoom { get; init; } = 500;

    /// <summary>Connections of one person in one room (tabs and devices).</summary>
    [Range(1, 10_000)]
    public int ConnectionsPerUser { get; init; } = 32;

    [Range(1, 1_000_000)]
    public int ConnectionsPerGateway { get; init; } = 5_000;

    /// <summary>
    /// Bytes that may wait for one peer. A peer that falls behind further is sent no single updates any more; when its
    /// socket has drained it gets everything it missed as one coalesced update.
    /// </summary>
    [Range(4096, 256 << 20)]
    public int SendQueueBytes { get; init; } = 4 << 20;

    /// <summary>A peer to which nothing could be written for so long is closed.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Bytes of edits that may wait for their commit in one gateway. Above it the gateway stops reading from its peers
    /// until the log has caught up; the peers keep their edits.
    /// </summary>
    [Range(1 << 16, 1 << 30)]
    public int LogBacklogBytes { get; init; } = 64 << 20;

    /// <summary>A loaded room without peers is dropped from memory after this time.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan UnloadAfter { get; init; } = TimeSpan.FromSeconds(60);
}
