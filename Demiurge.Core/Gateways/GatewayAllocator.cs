using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Sees to it that an organization has a gateway that serves it. Calls for one organization share one attempt in this process;
/// between processes the rows decide. Safe for concurrent use.
/// </summary>
public sealed partial class GatewayAllocator(
    GatewayPool pool, GatewayRoutes routes, GatewayClient gateways, IOptions<GatewayPoolOptions> options, TimeProvider time,
    IHostApplicationLifetime lifetime, ILogger<GatewayAllocator> logger)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Guid, Lazy<Task<Result<GatewayRoute>>>> attempts = new();
    private int waiting;

    /// <summary>How many organizations found no gateway ready and wait; the supervisor grows the pool for them.</summary>
    internal int Waiting => Volatile.Read(ref waiting);

    /// <summary>
    /// The organization's gateway, serving; allocates one when there is none and waits when none is free.
    /// Error: <see cref="GatewayErrors.PoolEmpty"/> after <see cref="GatewayPoolOptions.AllocationTimeout"/>.
    /// </summary>
    public async Task<Result<GatewayRoute>> Ensure(Guid organizationId, CancellationToken cancellationToken = default)
    {
        if (routes.Find(organizationId) is { } route)
            return route;
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return GatewayErrors.Stopping;
        // The attempt belongs to everyone who waits for it, so no single caller's cancellation ends it.
        var attempt = attempts.GetOrAdd(organizationId, id => new(() => Task.Run(() => Allocate(id))));
        return await attempt.Value.WaitAsync(cancellationToken);
    }

    private async Task<Result<GatewayRoute>> Allocate(Guid organizationId)
    {
        var deadline = time.GetUtcNow() + options.Value.AllocationTimeout;
        var isWaiting = false;
        try
        {
            while (true)
            {
                var change = pool.Changed;
                var lease = await pool.Take(organizationId, CancellationToken.None);
                if (lease?.HandshakeToken is not null)
                {
                    if (await Start(lease))
                        return Route(lease);
                    continue;
                }

                if (lease is { Allocation.State: AllocationState.Serving })
                {
                    await pool.Publish(CancellationToken.None);
                    return Route(lease);
                }

                // Another process is starting it, or none is ready.
                if (time.GetUtcNow() >= deadline)
                {
                    Log.PoolEmpty(logger, organizationId);
                    return GatewayErrors.PoolEmpty;
                }

                if (lease is null && !isWaiting)
                {
                    isWaiting = true;
                    Interlocked.Increment(ref waiting);
                }

                await Task.WhenAny(change, Task.Delay(Look, time));
            }
        }
        finally
        {
            if (isWaiting)
                Interlocked.Decrement(ref waiting);
            attempts.TryRemove(organizationId, out _);
        }
    }

    private async Task<bool> Start(GatewayLease lease)
    {
        try
        {
            using var timeout = new CancellationTokenSource(options.Value.StartTimeout, time);
            await gateways.Start(lease.Gateway, lease.HandshakeToken!, timeout.Token);
            return await pool.Serve(lease.Allocation.OrganizationId, lease.Allocation.Epoch, CancellationToken.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            await pool.Lose(lease.Gateway.Name, lease.Gateway.InstanceId, $"it did not take the organization ({exception.Message})", CancellationToken.None);
            return false;
        }
    }

    private static GatewayRoute Route(GatewayLease lease) =>
        new(lease.Allocation.OrganizationId, lease.Gateway.Name, lease.Gateway.Port, lease.Allocation.Epoch);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No gateway became free for organization {OrganizationId}")]
        public static partial void PoolEmpty(ILogger logger, Guid organizationId);
    }
}
