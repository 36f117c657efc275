namespace Demiurge.Web.Relay;

/// <summary>A token bucket for what one circuit asks for. Not thread-safe: a circuit's calls come one at a time.</summary>
/// <param name="perSecond">How many a second in the long run.</param>
/// <param name="burst">How many at once.</param>
internal sealed class RateLimit(double perSecond, double burst, TimeProvider time)
{
    private readonly double _burst = burst;
    private double _tokens = burst;
    private long _at = time.GetTimestamp();

    /// <summary>False when there have been too many; then nothing is taken.</summary>
    public bool Take(double count = 1)
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(_burst, _tokens + time.GetElapsedTime(_at, now).TotalSeconds * perSecond);
        _at = now;
        if (_tokens < count)
        {
            return false;
        }

        _tokens -= count;
        return true;
    }
}
