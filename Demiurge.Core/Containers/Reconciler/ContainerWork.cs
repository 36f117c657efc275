namespace Demiurge.Core.Containers.Reconciler;

/// <summary>That somebody works on a container: one at a time works on each. Its fields are guarded by the reconciler's lock.</summary>
internal sealed class ContainerWork(Guid containerId, CancellationToken leading) : IDisposable
{
    private readonly CancellationTokenSource attempt = CancellationTokenSource.CreateLinkedTokenSource(leading);

    public Guid ContainerId => containerId;

    /// <summary>The host that it holds a place on for a start; null when it holds none.</summary>
    public Guid? StartsOn { get; set; }

    /// <summary>Whether something happened to the container since the work began.</summary>
    public bool Again { get; set; }

    /// <summary>What the work is for.</summary>
    public (int Generation, DesiredState Desired)? For { get; set; }

    /// <summary>Ends when the reconciler does, or when what the work is for is no longer wanted.</summary>
    public CancellationToken Cancelled => attempt.Token;

    /// <summary>Completes at the next thing that happens to the container.</summary>
    public SemaphoreSlim Happened { get; } = new(0, 1);

    public void Cancel() => attempt.Cancel();

    public void Poke()
    {
        if (Happened.CurrentCount == 0)
            Happened.Release();
    }

    public void Dispose()
    {
        attempt.Dispose();
        Happened.Dispose();
    }
}
