using Demiurge.Core.Containers.Hosts;

namespace Demiurge.Core.Containers.Runtime;

/// <summary>For a process without an adapter to engines: none of them answers.</summary>
internal sealed class NoRuntimes : IContainerRuntimes
{
    public IContainerRuntime Of(ContainerHost host) => throw new RuntimeException(RuntimeFailure.Unreachable, "This process can't reach container engines.");
}
