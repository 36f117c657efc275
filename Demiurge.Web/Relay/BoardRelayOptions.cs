namespace Demiurge.Web.Relay;

/// <summary>Section <c>Demiurge:Board</c>.</summary>
public sealed record BoardRelayOptions
{
    /// <summary>How long a replica is kept after its last circuit left, so that a reload finds it warm.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often each circuit's role is looked up again, besides at every published change of access.</summary>
    public TimeSpan AccessCheck { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long opening a board waits for its room before it says that it is unavailable.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
