namespace Demiurge.Core.Containers.Snapshots;

/// <summary>Tells this process's worker that there is something to do; it looks by itself from time to time as well. Safe for concurrent use.</summary>
public sealed class SnapshotSignal
{
    private readonly SemaphoreSlim signal = new(0, 1);

    public void Set()
    {
        lock (signal)
        {
            if (signal.CurrentCount == 0)
                signal.Release();
        }
    }

    /// <summary>Returns when it was set since the last time, or after that long.</summary>
    public Task Wait(TimeSpan longest, CancellationToken cancellationToken) => signal.WaitAsync(longest, cancellationToken);
}
