using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Accounts;

/// <summary>
/// Counts attempts on one e-mail address, from wherever they come and whether or not it has an account; the limit by network
/// address stands before the endpoints. In this process only; forgotten at restart. Safe for concurrent use.
/// </summary>
public sealed class CredentialThrottle(IOptions<AccountOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<string> signIns = Limit(options.Value.SignInsPerEmail, TimeSpan.FromMinutes(5));
    private readonly PartitionedRateLimiter<string> resets = Limit(options.Value.ResetsPerEmail, TimeSpan.FromHours(1));

    internal bool MaySignIn(string normalizedEmail) => Take(signIns, normalizedEmail);

    internal bool MayReset(string normalizedEmail) => Take(resets, normalizedEmail);

    public void Dispose()
    {
        signIns.Dispose();
        resets.Dispose();
    }

    private static bool Take(PartitionedRateLimiter<string> limiter, string normalizedEmail)
    {
        using var lease = limiter.AttemptAcquire(normalizedEmail);
        return lease.IsAcquired;
    }

    private static PartitionedRateLimiter<string> Limit(int permits, TimeSpan window) =>
        PartitionedRateLimiter.Create<string, string>(email => RateLimitPartition.GetFixedWindowLimiter(
            email, _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = window }));
}
