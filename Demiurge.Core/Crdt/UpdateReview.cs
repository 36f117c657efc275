namespace Demiurge.Core.Crdt;

/// <summary>
/// What stands against taking an update in: <see cref="YDoc.Review"/>. When both lists are empty, applying it to the document as it is now changes
/// permitted roots only, and leaves nothing waiting. Immutable.
/// </summary>
public sealed record UpdateReview
{
    /// <summary>Roots in which the update would put or delete something although it must not.</summary>
    public required IReadOnlySet<string> Forbidden { get; init; }

    /// <summary>
    /// What neither the document nor the update has and the update needs: another look at it is worthwhile once the document has one of these
    /// clocks. Where something is missing, <see cref="Forbidden"/> covers the rest of the update only.
    /// </summary>
    public required IReadOnlyList<MissingClock> Missing { get; init; }
}

/// <summary>A clock of a client that a document has not seen yet.</summary>
public readonly record struct MissingClock(ulong Client, int Clock);
