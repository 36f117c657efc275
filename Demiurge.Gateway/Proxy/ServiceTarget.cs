using Demiurge.Core.Gateways;

namespace Demiurge.Gateway.Proxy;

/// <summary>A service of a container in the form that forwarding needs. Immutable.</summary>
internal sealed class ServiceTarget(GatewayContainerService service, ContainerTransformer transformer)
{
    public GatewayContainerService Service => service;

    /// <summary>Null while it can't be reached.</summary>
    public string? Address { get; } = service.Address is { } address ? $"http://{(address.Contains(':') ? $"[{address}]" : address)}:{service.Port}" : null;

    public ContainerTransformer Transformer => transformer;
}
