using System.Text.Json.Serialization;
using Demiurge.Core.Tokens;

namespace Demiurge.Core.Rooms;

/// <summary>What a peer shows to join a room: a short-lived token that Web signs and gateways verify. The subject is the person's id.</summary>
public sealed record RoomTicket : JwsClaims
{
    /// <summary>The <c>aud</c> claim: a room ticket opens rooms and nothing else, and no other token opens a room.</summary>
    public const string RoomAudience = "demiurge-room";

    /// <summary>How long a ticket opens sockets; an open socket stays open as long as the person's access lasts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    [JsonPropertyName("org")]
    public required Guid OrganizationId { get; init; }

    [JsonPropertyName("project")]
    public required Guid ProjectId { get; init; }

    /// <summary>The most that the ticket grants; the person's present role may be less.</summary>
    [JsonPropertyName("role")]
    public required RoomRole Role { get; init; }

    /// <summary>The person; <see cref="Guid.Empty"/> for <see cref="RoomRole.Service"/>.</summary>
    [JsonIgnore]
    public Guid UserId => Guid.TryParse(Subject, out var id) ? id : Guid.Empty;
}
