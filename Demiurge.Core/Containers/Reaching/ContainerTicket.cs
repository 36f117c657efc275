using System.Text.Json.Serialization;
using Demiurge.Core.Tokens;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>
/// What Web hands a browser on its way to a container's own host name: a signed, short-lived, one-time token. The subject is the
/// <see cref="ContainerVisitor"/>. A ticket for a terminal opens no service, and the other way round.
/// </summary>
public sealed record ContainerTicket : JwsClaims
{
    public const string EntryAudience = "demiurge-container", TerminalAudience = "demiurge-terminal";

    /// <summary>From the page that hands it out to the gateway that takes it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    [JsonPropertyName("org")]
    public required Guid OrganizationId { get; init; }

    [JsonPropertyName("container")]
    public required Guid ContainerId { get; init; }

    /// <summary>Until when the visit may last at most, in seconds since 1970; null: as long as the visitor's access.</summary>
    [JsonPropertyName("until")]
    public long? Until { get; init; }

    /// <summary>Which of the container's terminals; null for services.</summary>
    [JsonPropertyName("terminal")]
    public string? Terminal { get; init; }
}
