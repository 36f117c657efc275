using Demiurge.Core.Containers;

namespace Demiurge.Core.Gateways;

// What a gateway and Web tell one another about containers; the calls are listed at GatewayContracts.

/// <param name="ContainerIds">At most <see cref="Max"/>.</param>
public sealed record GatewayContainersResolve(IReadOnlyList<Guid> ContainerIds)
{
    public const int Max = 1000;
}

/// <param name="Containers">In the order asked; null where this organization has no such container.</param>
public sealed record GatewayContainers(IReadOnlyList<GatewayContainer?> Containers);

/// <summary>A container as a gateway needs it.</summary>
/// <param name="Deleted">Whether it was deleted and can still be had back.</param>
/// <param name="BoardUrl">The page of the project that it is in.</param>
/// <param name="OnOwnMachine">Whether it runs on a person's own machine, which nobody but that person can start.</param>
public sealed record GatewayContainer(
    Guid Id, string Name, ContainerState State, string? Reason, double? Progress, DesiredState Desired, bool Deleted, string BoardUrl,
    IReadOnlyList<GatewayContainerService> Services, bool OnOwnMachine = false);

/// <param name="Address">Where the gateway connects; null while it can't.</param>
public sealed record GatewayContainerService(string Name, string Title, string Path, bool Embeddable, int ContainerPort, string? Address, int Port);

/// <param name="Visits">At most <see cref="GatewayContainersResolve.Max"/>.</param>
public sealed record GatewayVisitsCheck(IReadOnlyList<GatewayVisit> Visits);

/// <param name="Visitor">A <see cref="Containers.Reaching.ContainerVisitor"/>.</param>
public sealed record GatewayVisit(Guid ContainerId, string Visitor);

/// <param name="Grants">In the order asked; null where the visitor may not open the container (any more).</param>
public sealed record GatewayGrants(IReadOnlyList<GatewayGrant?> Grants);

/// <summary>What a visitor may do with a container now, beside opening it.</summary>
/// <param name="MayControl">Start it, and type into its terminals.</param>
/// <param name="Name">How others see the visitor.</param>
public sealed record GatewayGrant(bool MayControl, string Name);

/// <summary>When each container was used last, since the report before.</summary>
public sealed record GatewayActivity(IReadOnlyDictionary<Guid, DateTimeOffset> LastUsed);

/// <param name="Refusal">Why it was not started, for people; null when it starts.</param>
public sealed record GatewayStarted(string? Refusal);

/// <summary>What helps somebody whose container doesn't answer.</summary>
/// <param name="Ports">What listens inside it; null when that can't be told.</param>
/// <param name="Lines">The last lines that it wrote, secrets blackened.</param>
public sealed record GatewayDiagnosis(IReadOnlyList<int>? Ports, IReadOnlyList<string> Lines);

/// <summary>These containers, or who may open them, may be different now: look again. Null means all.</summary>
public sealed record GatewayContainersChanged(IReadOnlyList<Guid>? ContainerIds);
