using System.Collections.Frozen;

namespace Demiurge.Core.Gateways;

/// <summary>The gateway that serves an organization, and the loopback address it listens on.</summary>
public sealed record GatewayRoute(Guid OrganizationId, string Name, int Port, long Epoch)
{
    public Uri Address { get; } = new($"http://127.0.0.1:{Port}");

    /// <summary>As text, without a trailing slash.</summary>
    public string Origin { get; } = $"http://127.0.0.1:{Port}";
}

/// <summary>Which gateway serves which organization, as this process last saw it. Immutable, replaced whole, read without locks.</summary>
public sealed class GatewayRoutes
{
    private volatile FrozenDictionary<Guid, GatewayRoute> current = FrozenDictionary<Guid, GatewayRoute>.Empty;

    public IReadOnlyDictionary<Guid, GatewayRoute> Current => current;

    public GatewayRoute? Find(Guid organizationId) => current.GetValueOrDefault(organizationId);

    internal void Replace(IEnumerable<GatewayRoute> routes) => current = routes.ToFrozenDictionary(route => route.OrganizationId);
}
