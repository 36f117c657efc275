namespace Demiurge.Core.Crdt;

/// <summary>Consecutive clocks of one client: <see cref="Length"/> of them from <see cref="Clock"/> on.</summary>
public readonly record struct ClockRange(ulong Client, int Clock, int Length)
{
    /// <summary>The clock after the last.</summary>
    public int End => Clock + Length;
}

/// <summary>
/// What an update holds, found without applying it. One writer's ranges come as the update has them: highest client first, clocks ascending.
/// Immutable.
/// </summary>
public sealed record UpdateInfo
{
    /// <summary>Clocks for which the update has structs, neighbours joined. Gaps that it marks are left out.</summary>
    public required IReadOnlyList<ClockRange> Structs { get; init; }

    /// <summary>Clocks that the update deletes.</summary>
    public required IReadOnlyList<ClockRange> Deletions { get; init; }

    /// <summary>
    /// Names of the roots in which the update puts or deletes something, as far as can be told: with a document (<see cref="YDoc.Inspect"/>) everything that is known there,
    /// without one only what hangs together within the update.
    /// </summary>
    public required IReadOnlySet<string> Roots { get; init; }

    /// <summary>
    /// Whether <see cref="Roots"/> may be incomplete, because the update refers to structs that are neither in it nor in the document (or are collected
    /// there, so that nothing comes of it).
    /// </summary>
    public required bool RefersElsewhere { get; init; }

    /// <summary>How many structs the update is made of, gaps included.</summary>
    public required int StructCount { get; init; }

    /// <summary>Clients under whose ids something is written. Those of whom something is deleted are in <see cref="Deletions"/>.</summary>
    public IEnumerable<ulong> Clients => Structs.Select(static range => range.Client).Distinct();

    /// <summary>Whether the update changes nothing.</summary>
    public bool IsEmpty => Structs.Count == 0 && Deletions.Count == 0;
}
