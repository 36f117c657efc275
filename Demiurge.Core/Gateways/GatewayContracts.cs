using System.Text.Json;
using Demiurge.Core.Rooms;
using Demiurge.Core.Tokens;

namespace Demiurge.Core.Gateways;

/// <summary>
/// The handshake between Web and a gateway: JSON over loopback HTTP, each call with a bearer token. Web's side is its control port:
/// <list type="bullet">
/// <item><c>POST /gateway/ready</c> (pool token): I am free.</item>
/// <item><c>POST /gateway/config</c> (pool token, and the one-time handshake token in the body): what do I serve?</item>
/// <item><c>POST /gateway/heartbeat</c> (pool token): I am alive, serving this epoch; 409 when Web knows better.</item>
/// <item><c>POST /gateway/data/pull</c>, <c>/gateway/data/append</c> (gateway token): <see cref="RoomLogWire"/>; 409 under an old epoch.</item>
/// <item><c>POST /gateway/access/check</c> (gateway token): which roles these people have now.</item>
/// <item><c>POST /gateway/containers/resolve</c>, <c>/check</c> (gateway token): what containers are, and what their visitors may do now.</item>
/// <item><c>POST /gateway/containers/activity</c> (gateway token): which containers were used, and when last.</item>
/// <item><c>POST /gateway/containers/start</c>, <c>/diagnose</c> (gateway token): on behalf of a visitor.</item>
/// <item><c>/gateway/containers/{id}/terminal</c> (gateway token): a WebSocket to a terminal, see <see cref="Containers.Terminals.TerminalSession"/>.</item>
/// <item><c>POST /gateway/vpn/configure</c>, <c>/started</c>, <c>/check</c> (gateway token): what to run the VPN server with, where it is, who may be in it.</item>
/// <item><c>POST /gateway/stop</c> (gateway token): everything is flushed, take the organization from me.</item>
/// </list>
/// The gateway's side (pool token): <c>POST /collab/start</c>, <c>POST /collab/drain</c>, <c>POST /access/revoke</c>, <c>POST /containers/changed</c>, <c>GET /status</c>.
/// </summary>
public static class GatewayContracts
{
    /// <summary>camelCase, enums as strings, unknown members refused.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };
}

public sealed record GatewayReady(string Name, Guid InstanceId);

public sealed record GatewayStart(string HandshakeToken);

public sealed record GatewayConfigRequest(string Name, string HandshakeToken);

/// <param name="TicketIssuer">The <c>iss</c> claim of valid room tickets.</param>
/// <param name="TicketKeys">Public keys (JWK, ES256) that sign room tickets.</param>
/// <param name="IdleTimeout">Time without activity after which the gateway gives the organization back.</param>
/// <param name="Site">Where this installation is reached.</param>
/// <param name="ContainerCookieKey">Signs the cookies of this organization's containers' visitors; 32 bytes.</param>
public sealed record GatewayConfig(
    Guid OrganizationId, long Epoch, string GatewayToken, string TicketIssuer, IReadOnlyList<JsonWebKey> TicketKeys, RoomLimits Limits, TimeSpan IdleTimeout,
    GatewaySite Site, byte[] ContainerCookieKey)
{
    /// <summary>Without the secrets.</summary>
    public override string ToString() => $"{OrganizationId} in epoch {Epoch}";
}

/// <param name="Domain">See <see cref="SiteOptions.Domain"/>.</param>
/// <param name="PublicUrl">See <see cref="SiteOptions.PublicUrl"/>.</param>
public sealed record GatewaySite(string Domain, string PublicUrl);

/// <param name="OrganizationId">The organization it serves, null when it serves none.</param>
public sealed record GatewayHeartbeat(string Name, Guid InstanceId, Guid? OrganizationId, long Epoch);

/// <summary>The answer to a heartbeat: what may have changed since the configuration.</summary>
/// <param name="VpnWanted">Whether the organization has machines that would connect to a VPN server.</param>
public sealed record GatewayNews(IReadOnlyList<JsonWebKey> TicketKeys, bool VpnWanted);

public sealed record GatewayPull(Guid ProjectId);

/// <param name="Unknown">Projects of the batch that are no more; their updates were dropped.</param>
public sealed record GatewayAppended(IReadOnlyList<Guid> Unknown);

public sealed record GatewayAccessCheck(IReadOnlyList<RoomPerson> People);

public sealed record RoomPerson(Guid ProjectId, Guid UserId);

/// <param name="Roles">In the order asked; null where there is no access (any more).</param>
public sealed record GatewayAccess(IReadOnlyList<RoomRole?> Roles);

/// <summary>Access changed: look again, now. Null members mean any.</summary>
public sealed record GatewayRevoke(Guid? ProjectId, Guid? UserId);

/// <summary>What a gateway tells of itself.</summary>
public sealed record GatewayStatus(
    string Name, Guid InstanceId, GatewayState State, Guid? OrganizationId, long Epoch, int Rooms, int Connections,
    long BacklogBytes, DateTimeOffset? LastActivityAt, long MemoryBytes);
