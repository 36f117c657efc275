using System.Diagnostics;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// How fast one connection may send: so many messages a second, and ten seconds' worth of them at once (a token bucket). Not thread-safe.
/// </summary>
internal sealed class MessageRate(int perSecond)
{
    private const int Burst = 10;

    private double left = (double)perSecond * Burst;
    private long since = Stopwatch.GetTimestamp();

    /// <summary>A message has come. Returns how long it has to wait; zero while the sender keeps to the rate.</summary>
    public TimeSpan Take()
    {
        var now = Stopwatch.GetTimestamp();
        left = Math.Min((double)perSecond * Burst, left + (Stopwatch.GetElapsedTime(since, now).TotalSeconds * perSecond)) - 1;
        since = now;
        return left >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-left / perSecond);
    }
}
