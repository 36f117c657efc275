using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Demiurge.Core.Accounts;
using Demiurge.Web.Api;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Accounts;

/// <summary>
/// The limit by network address on everything that takes credentials: the API's endpoints and, with
/// <c>[EnableRateLimiting(CredentialRateLimit.Policy)]</c>, the account pages, whose GET is free. The limit by e-mail address is
/// <see cref="CredentialThrottle"/>, in the service that both call.
/// </summary>
public static class CredentialRateLimit
{
    public const string Policy = "credentials";

    public static IServiceCollection AddCredentialRateLimit(this IServiceCollection services) => services.AddRateLimiter(limiter =>
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.OnRejected = async (rejected, _) =>
        {
            rejected.HttpContext.Response.Headers.RetryAfter = "60";
            if (rejected.HttpContext.Request.Path.StartsWithSegments("/api"))
                await ApiProblem.Write(rejected.HttpContext, StatusCodes.Status429TooManyRequests);
        };
        limiter.AddPolicy(Policy, context => HttpMethods.IsGet(context.Request.Method)
            ? RateLimitPartition.GetNoLimiter("GET")
            : RateLimitPartition.GetSlidingWindowLimiter(
                NetworkOf(context.Connection.RemoteIpAddress),
                _ => new SlidingWindowRateLimiterOptions
                {
                    PermitLimit = context.RequestServices.GetRequiredService<IOptions<AccountOptions>>().Value.CredentialRequestsPerMinute,
                    Window = TimeSpan.FromMinutes(1),
                    SegmentsPerWindow = 6,
                }));
    });

    /// <summary>An IPv4 address, or the /64 of an IPv6 address: whoever has one address of it has them all.</summary>
    internal static string NetworkOf(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };
}
