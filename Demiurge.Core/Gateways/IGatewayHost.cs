namespace Demiurge.Core.Gateways;

/// <summary>What a gateway needs to know to report for duty.</summary>
public sealed record GatewaySpec(string Name, Guid InstanceId, int Port, Uri ControlUrl, string PoolToken);

/// <summary>
/// Where gateways run: starts and ends them, and tells whether one still runs. Instances outlive this process and are found
/// again by their reference. Safe for concurrent use.
/// </summary>
public interface IGatewayHost
{
    /// <summary>Starts an instance and returns the reference under which it can be found again. It reports itself when it is ready.</summary>
    Task<string> Start(GatewaySpec spec, CancellationToken cancellationToken);

    ValueTask<bool> IsRunning(string reference, CancellationToken cancellationToken);

    /// <summary>Ends an instance at once, also one that hangs; nothing happens when it has ended already.</summary>
    Task Kill(string reference, CancellationToken cancellationToken);

    /// <summary>Raised, on any thread, when an instance that was started by this process ended.</summary>
    event Action? Exited;
}
