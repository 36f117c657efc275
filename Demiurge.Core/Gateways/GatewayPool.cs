using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Gateways;

/// <summary>
/// The pool as rows: every change of a gateway's or an allocation's state, each in one transaction. Invariants: a gateway
/// serves at most one organization and an organization has at most one gateway; an organization's epoch grows with each
/// allocation and never shrinks. Locks are taken allocation first, then gateway. Safe for concurrent use, from several
/// processes on one database too.
/// </summary>
public sealed partial class GatewayPool(
    IDbContextFactory<DemiurgeDbContext> contexts, GatewayRoutes routes, TimeProvider time, ILogger<GatewayPool> logger)
{
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next change that this process makes to the pool.</summary>
    public Task Changed => changed.Task;

    /// <summary>
    /// Gives the organization its gateway: the one it has, or else the first that is ready, under the next epoch.
    /// Null when none is ready.
    /// </summary>
    internal async Task<GatewayLease?> Take(Guid organizationId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO gateway_allocations (organization_id, epoch, state, last_batch, allocated_at)
            VALUES ({organizationId}, 0, {nameof(AllocationState.None)}, 0, {time.GetUtcNow()}) ON CONFLICT DO NOTHING
            """, cancellationToken);
        var allocation = (await db.Set<GatewayAllocation>()
            .FromSql($"SELECT * FROM gateway_allocations WHERE organization_id = {organizationId} FOR UPDATE").ToListAsync(cancellationToken))[0];
        if (allocation.GatewayName is { } holder)
        {
            var held = await db.Set<Gateway>().AsNoTracking().SingleAsync(gateway => gateway.Name == holder, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new GatewayLease(held, allocation, HandshakeToken: null);
        }

        var gateway = (await db.Set<Gateway>().FromSql(
            $"SELECT * FROM gateways WHERE state = {nameof(GatewayState.Ready)} ORDER BY ordinal LIMIT 1 FOR UPDATE SKIP LOCKED").ToListAsync(cancellationToken)).FirstOrDefault();
        if (gateway is null)
            return null;

        var handshakeToken = SecretToken.Create();
        Enter(gateway, GatewayState.Allocated);
        allocation.Epoch++;
        allocation.State = AllocationState.Starting;
        allocation.GatewayName = gateway.Name;
        allocation.HandshakeTokenHash = SecretToken.Hash(handshakeToken);
        allocation.GatewayTokenHash = null;
        allocation.LastBatch = 0;
        allocation.AllocatedAt = time.GetUtcNow();
        await RemoteState.ForgetEndpoints(db, organizationId, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Log.Allocated(logger, gateway.Name, organizationId, allocation.Epoch);
        return new GatewayLease(gateway, allocation, handshakeToken);
    }

    /// <summary>The gateway has the organization's configuration and serves it.</summary>
    internal async Task<bool> Serve(Guid organizationId, long epoch, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Set<GatewayAllocation>()
            .Where(allocation => allocation.OrganizationId == organizationId && allocation.Epoch == epoch && allocation.GatewayName != null)
            .ExecuteUpdateAsync(set => set.SetProperty(allocation => allocation.State, AllocationState.Serving), cancellationToken);
        await Publish(cancellationToken);
        return rows == 1;
    }

    /// <summary>Exchanges the one-time token for the allocation and a token to serve it under.</summary>
    internal async Task<(GatewayAllocation Allocation, string GatewayToken)?> Configure(
        string name, string handshakeToken, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var allocation = (await db.Set<GatewayAllocation>()
            .FromSql($"SELECT * FROM gateway_allocations WHERE gateway_name = {name} FOR UPDATE").ToListAsync(cancellationToken)).FirstOrDefault();
        if (allocation is null || !SecretToken.Matches(handshakeToken, allocation.HandshakeTokenHash))
            return null;
        var gatewayToken = SecretToken.Create();
        allocation.HandshakeTokenHash = null;
        allocation.GatewayTokenHash = SecretToken.Hash(gatewayToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (allocation, gatewayToken);
    }

    /// <summary>The allocation that a gateway token stands for; null when there is none (any more).</summary>
    internal async Task<GatewayAllocation?> FindByToken(string gatewayToken, CancellationToken cancellationToken)
    {
        var hash = SecretToken.Hash(gatewayToken);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<GatewayAllocation>().AsNoTracking()
            .SingleOrDefaultAsync(allocation => allocation.GatewayTokenHash == hash && allocation.GatewayName != null, cancellationToken);
    }

    /// <summary>The gateway of that name, if the token is its present instance's.</summary>
    internal async Task<Gateway?> Authenticate(string name, string poolToken, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var gateway = await db.Set<Gateway>().AsNoTracking().SingleOrDefaultAsync(row => row.Name == name, cancellationToken);
        return gateway is not null && gateway.State != GatewayState.Lost && SecretToken.Matches(poolToken, SecretToken.Hash(gateway.PoolToken)) ? gateway : null;
    }

    /// <summary>An instance has nothing to serve and waits for work. An allocation that it still had is over.</summary>
    internal async Task<bool> Ready(string name, Guid instanceId, CancellationToken cancellationToken)
    {
        var ready = await Change(name, instanceId, async (db, gateway) =>
        {
            await Detach(db, name, cancellationToken);
            gateway.LastHeartbeatAt = time.GetUtcNow();
            Enter(gateway, GatewayState.Ready);
        }, cancellationToken);
        await Publish(cancellationToken);
        return ready;
    }

    /// <summary>Takes the organization from a gateway that has flushed everything; it is ready again when it says so.</summary>
    internal async Task<bool> Release(Guid organizationId, long epoch, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var allocation = (await db.Set<GatewayAllocation>()
            .FromSql($"SELECT * FROM gateway_allocations WHERE organization_id = {organizationId} AND epoch = {epoch} FOR UPDATE")
            .ToListAsync(cancellationToken)).FirstOrDefault();
        if (allocation?.GatewayName is not { } name)
            return false;
        var gateway = await Lock(db, name, cancellationToken);
        End(allocation);
        if (gateway is { State: GatewayState.Allocated })
            Enter(gateway, GatewayState.Draining);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Log.Released(logger, name, organizationId, epoch);
        await Publish(cancellationToken);
        return true;
    }

    /// <summary>
    /// Gives an instance up: from now on its epoch is closed, whatever it may still try. Returns the organization that it
    /// served; null when it served none or was given up before.
    /// </summary>
    internal async Task<Guid?> Lose(string name, Guid instanceId, string reason, CancellationToken cancellationToken)
    {
        Guid? organizationId = null;
        var lost = await Change(name, instanceId, async (db, gateway) =>
        {
            organizationId = await Detach(db, name, cancellationToken);
            Enter(gateway, GatewayState.Lost);
        }, cancellationToken);
        if (!lost)
            return null;
        Log.Lost(logger, name, reason);
        await Publish(cancellationToken);
        return organizationId;
    }

    /// <summary>Notes that the instance is alive. False when it should not be: unknown, replaced, or serving what it lost.</summary>
    internal async Task<bool> Beat(GatewayHeartbeat beat, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        var known = await db.Set<Gateway>()
            .Where(gateway => gateway.Name == beat.Name && gateway.InstanceId == beat.InstanceId && gateway.State != GatewayState.Lost)
            .ExecuteUpdateAsync(set => set.SetProperty(gateway => gateway.LastHeartbeatAt, now), cancellationToken);
        if (known == 0 || beat.OrganizationId is not { } organizationId)
            return known == 1;
        var allocation = await db.Set<GatewayAllocation>().AsNoTracking().SingleOrDefaultAsync(
            row => row.OrganizationId == organizationId && row.Epoch == beat.Epoch && row.GatewayName == beat.Name, cancellationToken);
        // Web ended between the handshake's last step and writing it down.
        if (allocation is { State: AllocationState.Starting, HandshakeTokenHash: null })
            await Serve(organizationId, beat.Epoch, cancellationToken);
        return allocation is not null;
    }

    /// <summary>Fills a place of the pool with a new instance that has yet to start.</summary>
    internal async Task<Gateway> Prepare(int ordinal, int port, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var gateway = await db.Set<Gateway>().SingleOrDefaultAsync(row => row.Ordinal == ordinal, cancellationToken);
        if (gateway is null)
            db.Add(gateway = new Gateway { Name = $"gw-pool-{ordinal}", Ordinal = ordinal, PoolToken = "" });
        gateway.InstanceId = Guid.NewGuid();
        gateway.PoolToken = SecretToken.Create();
        gateway.Port = port;
        gateway.HostReference = null;
        gateway.LastHeartbeatAt = time.GetUtcNow();
        Enter(gateway, GatewayState.Starting);
        await db.SaveChangesAsync(cancellationToken);
        return gateway;
    }

    internal async Task Started(Gateway gateway, string hostReference, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await db.Set<Gateway>().Where(row => row.Name == gateway.Name && row.InstanceId == gateway.InstanceId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.HostReference, hostReference), cancellationToken);
    }

    /// <summary>Every gateway, by ordinal, with the allocation that it has.</summary>
    public async Task<IReadOnlyList<(Gateway Gateway, GatewayAllocation? Allocation)>> List(CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await (
            from gateway in db.Set<Gateway>().AsNoTracking()
            join allocation in db.Set<GatewayAllocation>().AsNoTracking() on gateway.Name equals allocation.GatewayName into allocations
            from allocation in allocations.DefaultIfEmpty()
            orderby gateway.Ordinal
            select new { Gateway = gateway, Allocation = allocation }).ToListAsync(cancellationToken);
        return rows.ConvertAll(row => (row.Gateway, (GatewayAllocation?)row.Allocation));
    }

    /// <summary>Reads the routes anew and wakes whoever waits for a change.</summary>
    internal async Task Publish(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        routes.Replace(await (
            from allocation in db.Set<GatewayAllocation>()
            join gateway in db.Set<Gateway>() on allocation.GatewayName equals gateway.Name
            where allocation.State == AllocationState.Serving
            select new GatewayRoute(allocation.OrganizationId, gateway.Name, gateway.Port, allocation.Epoch)).ToListAsync(cancellationToken));
        Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    private async Task<bool> Change(
        string name, Guid instanceId, Func<DemiurgeDbContext, Gateway, Task> change, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM gateway_allocations WHERE gateway_name = {name} FOR UPDATE", cancellationToken);
        var gateway = await Lock(db, name, cancellationToken);
        if (gateway is null || gateway.InstanceId != instanceId || gateway.State == GatewayState.Lost)
            return false;
        await change(db, gateway);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static async Task<Gateway?> Lock(DemiurgeDbContext db, string name, CancellationToken cancellationToken) =>
        (await db.Set<Gateway>().FromSql($"SELECT * FROM gateways WHERE name = {name} FOR UPDATE").ToListAsync(cancellationToken)).FirstOrDefault();

    private static async Task<Guid?> Detach(DemiurgeDbContext db, string name, CancellationToken cancellationToken)
    {
        var allocation = await db.Set<GatewayAllocation>().SingleOrDefaultAsync(row => row.GatewayName == name, cancellationToken);
        if (allocation is null)
            return null;
        End(allocation);
        return allocation.OrganizationId;
    }

    private static void End(GatewayAllocation allocation)
    {
        allocation.GatewayName = null;
        allocation.State = AllocationState.None;
        allocation.HandshakeTokenHash = null;
        allocation.GatewayTokenHash = null;
    }

    private void Enter(Gateway gateway, GatewayState state)
    {
        gateway.State = state;
        gateway.StateChangedAt = time.GetUtcNow();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Gateway} goes to organization {OrganizationId} in epoch {Epoch}")]
        public static partial void Allocated(ILogger logger, string gateway, Guid organizationId, long epoch);

        [LoggerMessage(2, LogLevel.Information, "{Gateway} gave organization {OrganizationId} back, epoch {Epoch}")]
        public static partial void Released(ILogger logger, string gateway, Guid organizationId, long epoch);

        [LoggerMessage(3, LogLevel.Warning, "{Gateway} is lost: {Reason}")]
        public static partial void Lost(ILogger logger, string gateway, string reason);
    }
}

/// <summary>An organization's gateway; the handshake token is there only for whoever just took it.</summary>
internal sealed record GatewayLease(Gateway Gateway, GatewayAllocation Allocation, string? HandshakeToken);
