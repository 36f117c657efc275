namespace Demiurge.Tests.Infrastructure;

/// <summary>The system's clock, which a test can put forward. Timers run by the real one.</summary>
public sealed class MovableTime : TimeProvider
{
    private long offset;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offset));

    public void Advance(TimeSpan by) => Interlocked.Add(ref offset, by.Ticks);
}
