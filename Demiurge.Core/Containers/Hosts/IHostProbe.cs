namespace Demiurge.Core.Containers.Hosts;

/// <summary>What an engine says of itself and its machine.</summary>
/// <param name="EngineId">The same over restarts, different for each engine.</param>
/// <param name="Version">The engine's.</param>
/// <param name="Cpus">Processors of the machine.</param>
/// <param name="MemoryBytes">Of the machine.</param>
/// <param name="DiskBytes">Free where the engine keeps its data; null when that can't be seen from here.</param>
/// <param name="Runtimes">Names of the engine's runtimes.</param>
/// <param name="Findings">What an administrator should know: walls that can't be put up, limits that can't be kept. For people.</param>
public sealed record HostProbe(
    string EngineId, string Version, string MachineName, int Cpus, long MemoryBytes, long? DiskBytes, IReadOnlyList<string> Runtimes, IReadOnlyList<string> Findings);

/// <summary>Looks at a host, registered or about to be.</summary>
public interface IHostProbe
{
    /// <summary>Connects and looks at everything; makes a network for a moment, to see whether the firewall can be set up.</summary>
    /// <exception cref="Runtime.RuntimeException">It can't be reached or used; the message says why.</exception>
    Task<HostProbe> Probe(ContainerHost host, CancellationToken cancellationToken);

    /// <summary>Asks whether it answers, and nothing else. Which engine it is.</summary>
    /// <exception cref="Runtime.RuntimeException">It doesn't.</exception>
    Task<string> Ping(ContainerHost host, CancellationToken cancellationToken);
}
