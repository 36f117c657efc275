using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>A gateway of the pool, as its administrators see it.</summary>
/// <param name="Name"><c>gw-pool-N</c>.</param>
/// <param name="StateChangedAt">Since when it is in this state.</param>
/// <param name="OrganizationName">Whom it serves; null when nobody.</param>
/// <param name="Epoch">How often that organization has been given a gateway; 0 when it serves nobody.</param>
/// <param name="Load">What it said of itself just now; null when it didn't answer.</param>
public sealed record GatewayInfo(
    string Name, GatewayState State, int Port, DateTimeOffset StateChangedAt, DateTimeOffset LastHeartbeatAt, Guid? OrganizationId, string? OrganizationName, long Epoch,
    GatewayLoad? Load);

/// <summary>How busy a gateway is.</summary>
/// <param name="Rooms">Documents in memory.</param>
/// <param name="Connections">Sockets in rooms. All people who use Demiurge's own board share one socket a project.</param>
/// <param name="BacklogBytes">Edits on their way to the database.</param>
/// <param name="MemoryBytes">Of its process.</param>
/// <param name="ReleasesAt">When it gives its organization back unless somebody does something; null when it serves nobody.</param>
public sealed record GatewayLoad(int Rooms, int Connections, long BacklogBytes, long MemoryBytes, DateTimeOffset? LastActivityAt, DateTimeOffset? ReleasesAt);

/// <summary>What platform administrators see of the pool of gateways and do with it. Safe for concurrent use.</summary>
public sealed class GatewayPoolService(
    IDbContextFactory<DemiurgeDbContext> contexts, GatewayPool pool, GatewayClient gateways, GatewayAllocator allocator, IGatewayHost host,
    IOptions<GatewayPoolOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), DrainTime = TimeSpan.FromSeconds(15), Look = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim reloading = new(1);

    /// <summary>The pool by place, each asked how it is.</summary>
    public async Task<Result<IReadOnlyList<GatewayInfo>>> List(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return GatewayErrors.Forbidden;
        var places = await pool.List(cancellationToken);
        var served = places.Select(place => place.Allocation?.OrganizationId).OfType<Guid>().ToList();
        var names = await db.Organizations.AsNoTracking().Where(row => served.Contains(row.Id)).ToDictionaryAsync(row => row.Id, row => row.Name, cancellationToken);
        var loads = await Task.WhenAll(places.Select(place => Ask(place.Gateway, cancellationToken)));
        return places.Zip(loads, (place, load) => new GatewayInfo(
            place.Gateway.Name, place.Gateway.State, place.Gateway.Port, place.Gateway.StateChangedAt, place.Gateway.LastHeartbeatAt, place.Allocation?.OrganizationId,
            place.Allocation is { } allocation ? names.GetValueOrDefault(allocation.OrganizationId) : null, place.Allocation?.Epoch ?? 0, load)).ToList();
    }

    /// <summary>
    /// Has a gateway give its organization back. Everything is durable then; who is connected is sent to the next gateway, which may be the
    /// same. Nothing happens to one that serves nobody.
    /// </summary>
    public async Task<Result> Drain(Actor actor, string name, CancellationToken cancellationToken = default)
    {
        var found = await Find(actor, name, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        if (found.Value.Allocation is not { } allocation)
            return Result.Ok;
        try
        {
            using var limit = Limit(DrainTime, cancellationToken);
            await gateways.Drain(found.Value.Gateway, limit.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return GatewayErrors.NotDrained;
        }

        await Note(actor, "gateway.drained", name, allocation.OrganizationId, cancellationToken);
        return await Serve(allocation.OrganizationId);
    }

    /// <summary>Ends a gateway, its organization drained from it and served by another; a new process fills its place.</summary>
    public async Task<Result> Restart(Actor actor, string name, CancellationToken cancellationToken = default)
    {
        var found = await Find(actor, name, cancellationToken);
        if (!found.Succeeded)
            return found.Error;
        var (gateway, allocation) = found.Value;
        await Note(actor, "gateway.restarted", name, allocation?.OrganizationId, cancellationToken);
        return await Replace(gateway, allocation);
    }

    /// <summary>Replaces every gateway by a new process, one after another, each ready before the next is touched. Returns their names.</summary>
    public async Task<Result<IReadOnlyList<string>>> Reload(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return GatewayErrors.Forbidden;
        if (!await reloading.WaitAsync(0, cancellationToken))
            return GatewayErrors.Reloading;
        try
        {
            await Note(actor, "gateway.reloaded", "all", null, cancellationToken);
            var names = new List<string>();
            foreach (var (gateway, _) in await pool.List(cancellationToken))
            {
                // As it is by now: the one before may have passed its organization on to it.
                var (present, allocation) = (await pool.List(cancellationToken)).Single(place => place.Gateway.Name == gateway.Name);
                if (present.State == GatewayState.Lost)
                    continue;
                var replaced = await Replace(present, allocation);
                if (!replaced.Succeeded)
                    return replaced.Error;
                if (!await Back(present, cancellationToken))
                    return GatewayErrors.NotBack(present.Name);
                names.Add(present.Name);
            }

            return names;
        }
        finally
        {
            reloading.Release();
        }
    }

    private async Task<GatewayLoad?> Ask(Gateway gateway, CancellationToken cancellationToken)
    {
        if (gateway.State is GatewayState.Lost or GatewayState.Starting)
            return null;
        try
        {
            using var limit = Limit(Patience, cancellationToken);
            return await gateways.Status(gateway, limit.Token) is { } status && status.InstanceId == gateway.InstanceId
                ? new(status.Rooms, status.Connections, status.BacklogBytes, status.MemoryBytes, status.LastActivityAt, status.LastActivityAt + options.Value.IdleTimeout)
                : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or System.Text.Json.JsonException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<Result<(Gateway Gateway, GatewayAllocation? Allocation)>> Find(Actor actor, string name, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return GatewayErrors.Forbidden;
        foreach (var place in await pool.List(cancellationToken))
        {
            if (place.Gateway.Name == name && place.Gateway.State != GatewayState.Lost)
                return place;
        }

        return GatewayErrors.NotFound;
    }

    /// <summary>Once begun it is done, whoever has stopped waiting for it.</summary>
    private async Task<Result> Replace(Gateway gateway, GatewayAllocation? allocation)
    {
        if (allocation is not null)
        {
            try
            {
                using var limit = Limit(DrainTime, CancellationToken.None);
                await gateways.Drain(gateway, limit.Token);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                // What isn't durable was never acknowledged; peers offer it to the next one.
            }
        }

        // It may have been given another organization since.
        var interrupted = await pool.Lose(gateway.Name, gateway.InstanceId, "it is replaced", CancellationToken.None);
        if (gateway.HostReference is { } reference)
            await host.Kill(reference, CancellationToken.None);
        foreach (var organizationId in new[] { allocation?.OrganizationId, interrupted }.OfType<Guid>().Distinct())
        {
            var served = await Serve(organizationId);
            if (!served.Succeeded)
                return served;
        }

        return Result.Ok;
    }

    private async Task<Result> Serve(Guid organizationId) => await allocator.Ensure(organizationId) is { Succeeded: false, Error: var error } ? error : Result.Ok;

    /// <summary>
    /// Whether a new instance fills the place and has reported, within the time that a start may take. A pool that had grown needs not every place
    /// filled: then the others are enough.
    /// </summary>
    private async Task<bool> Back(Gateway replaced, CancellationToken cancellationToken)
    {
        for (var deadline = time.GetUtcNow() + options.Value.StartTimeout; time.GetUtcNow() < deadline; await Task.Delay(Look, time, cancellationToken))
        {
            var working = (await pool.List(cancellationToken)).Select(place => place.Gateway).Where(gateway => gateway.State is GatewayState.Ready or GatewayState.Allocated).ToList();
            if (working.Count >= options.Value.PoolSize || working.Exists(gateway => gateway.Name == replaced.Name && gateway.InstanceId != replaced.InstanceId))
                return true;
        }

        return false;
    }

    private async Task Note(Actor actor, string action, string name, Guid? organizationId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        AuditLog.Record(db, time, actor, action, organizationId, details: [("gateway", name)]);
        await db.SaveChangesAsync(cancellationToken);
    }

    private static CancellationTokenSource Limit(TimeSpan time, CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(time);
        return limit;
    }
}
