using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Keeps the pool as it should be: adopts the gateways that an earlier Web left running, starts missing ones, gives up those that
/// ended, hang or don't finish a step, and finds another for their organizations. One loop; it looks twice a second, and at
/// once when a gateway ends.
/// </summary>
public sealed partial class GatewaySupervisor(
    GatewayPool pool, GatewayAllocator allocator, GatewayClient gateways, IGatewayHost host, IOptions<GatewayPoolOptions> options,
    TimeProvider time, ILogger<GatewaySupervisor> logger) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim poke = new(0, 1);
    private readonly Dictionary<int, (int Failures, DateTimeOffset NotBefore)> failedStarts = [];
    private DateTimeOffset since;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        host.Exited += Poke;
        since = time.GetUtcNow();
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await Supervise(stoppingToken);
                }
                catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
                {
                    Log.Failed(logger, exception);
                }

                await poke.WaitAsync(Look, stoppingToken);
            }
        }
        finally
        {
            host.Exited -= Poke;
        }
    }

    /// <summary>
    /// An orderly end of Web ends its gateways too, while the control port still answers: each gives its organization back first, so
    /// nothing is lost.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await StopAsync(cancellationToken);
        await Task.WhenAll((await pool.List(cancellationToken)).Select(entry => End(entry.Gateway, cancellationToken)));
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Poke()
    {
        try
        {
            poke.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will look anyway.
        }
    }

    private async Task Supervise(CancellationToken cancellationToken)
    {
        var places = await pool.List(cancellationToken);
        foreach (var (gateway, allocation) in places)
        {
            if (gateway.State == GatewayState.Lost || await Trouble(gateway, allocation, cancellationToken) is not { } trouble)
                continue;
            if (gateway.State == GatewayState.Starting)
                HoldBack(gateway.Ordinal);
            var organizationId = await pool.Lose(gateway.Name, gateway.InstanceId, trouble, cancellationToken);
            if (gateway.HostReference is { } reference)
                await host.Kill(reference, cancellationToken);
            if (organizationId is { } served)
                _ = Reallocate(served, cancellationToken);
        }

        await pool.Publish(cancellationToken);
        await Fill(await pool.List(cancellationToken), cancellationToken);
    }

    private async Task<string?> Trouble(Gateway gateway, GatewayAllocation? allocation, CancellationToken cancellationToken)
    {
        if (gateway.HostReference is null)
            return Since(gateway.StateChangedAt) > options.Value.StartTimeout ? "it was never started" : null;
        if (!await host.IsRunning(gateway.HostReference, cancellationToken))
            return "it ended";
        // After a restart of Web everyone gets the time to report.
        if (Since(Later(gateway.LastHeartbeatAt, since)) > options.Value.LeaseTime && gateway.State != GatewayState.Starting)
            return "it was not heard of";
        var inTransit = gateway.State is GatewayState.Starting or GatewayState.Draining || allocation is { State: AllocationState.Starting };
        if (inTransit && Since(Later(gateway.StateChangedAt, since)) > options.Value.StartTimeout)
            return $"it stayed {gateway.State.ToString().ToLowerInvariant()} for too long";
        return null;
    }

    private async Task Reallocate(Guid organizationId, CancellationToken cancellationToken)
    {
        try
        {
            await allocator.Ensure(organizationId, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.Failed(logger, exception);
        }
    }

    private async Task Fill(IReadOnlyList<(Gateway Gateway, GatewayAllocation? Allocation)> places, CancellationToken cancellationToken)
    {
        var free = places.Count(place => place.Gateway.State is GatewayState.Ready or GatewayState.Starting or GatewayState.Draining);
        var live = places.Count(place => place.Gateway.State != GatewayState.Lost);
        var wanted = Math.Min(
            Math.Max(options.Value.PoolSize, live + Math.Max(0, allocator.Waiting - free)),
            Math.Max(options.Value.PoolSize, options.Value.MaximumSize));
        var taken = places.Where(place => place.Gateway.State != GatewayState.Lost).Select(place => place.Gateway.Ordinal).ToHashSet();
        foreach (var (gateway, _) in places.Where(place => place.Gateway.State is GatewayState.Ready or GatewayState.Allocated))
            failedStarts.Remove(gateway.Ordinal);
        for (var ordinal = 0; taken.Count < wanted; ordinal++)
        {
            if (taken.Add(ordinal) && !(failedStarts.TryGetValue(ordinal, out var failed) && time.GetUtcNow() < failed.NotBefore))
                await Start(ordinal, cancellationToken);
        }
    }

    /// <summary>A gateway that ends before it is ready is tried again after 1, 2, 4 … 30 seconds.</summary>
    private void HoldBack(int ordinal)
    {
        var failures = failedStarts.GetValueOrDefault(ordinal).Failures + 1;
        failedStarts[ordinal] = (failures, time.GetUtcNow() + TimeSpan.FromSeconds(Math.Min(30, 1 << Math.Min(failures - 1, 5))));
    }

    private async Task Start(int ordinal, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        // Another installation on this machine may have the customary port.
        var port = settings.BasePort != 0 && TryListen(settings.BasePort + ordinal) is { } customary ? customary : TryListen(0)!.Value;
        var gateway = await pool.Prepare(ordinal, port, cancellationToken);
        var reference = await host.Start(
            new GatewaySpec(gateway.Name, gateway.InstanceId, port, settings.ControlUrl, gateway.PoolToken), CancellationToken.None);
        await pool.Started(gateway, reference, CancellationToken.None);
        Log.Started(logger, gateway.Name, port, reference);
    }

    private async Task End(Gateway gateway, CancellationToken cancellationToken)
    {
        if (gateway.HostReference is null)
            return;
        try
        {
            if (gateway.State == GatewayState.Allocated)
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timeout.CancelAfter(TimeSpan.FromSeconds(10));
                await gateways.Drain(gateway, timeout.Token);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            Log.NotDrained(logger, gateway.Name, exception.Message);
        }

        await pool.Lose(gateway.Name, gateway.InstanceId, "Web is stopping", CancellationToken.None);
        await host.Kill(gateway.HostReference, CancellationToken.None);
    }

    private TimeSpan Since(DateTimeOffset when) => time.GetUtcNow() - when;

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    /// <summary>The port if it is free, with 0 any that is; null if it is taken.</summary>
    private static int? TryListen(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException) when (port != 0)
        {
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Gateway} starts on port {Port} as {Reference}")]
        public static partial void Started(ILogger logger, string gateway, int port, string reference);

        [LoggerMessage(2, LogLevel.Error, "Looking after the gateways failed; trying again")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(3, LogLevel.Warning, "{Gateway} was ended without giving its organization back: {Reason}")]
        public static partial void NotDrained(ILogger logger, string gateway, string reason);
    }
}
