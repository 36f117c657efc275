using Demiurge.Core.Gateways;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Remote;

/// <summary>
/// Answers gateways' questions about their organization's VPN: what to run it with, and who may be in it. Whoever calls it has made sure that
/// the gateway holds that allocation. Safe for concurrent use.
/// </summary>
public sealed class RemoteGateways(
    IDbContextFactory<DemiurgeDbContext> contexts, RemoteNetworks networks, GatewayPool pool, ContainerChanges changes, TimeProvider time)
{
    /// <summary>It ends with the allocation long before; machines take no server's certificate of an earlier one.</summary>
    private static readonly TimeSpan CertificateTime = TimeSpan.FromDays(365);

    /// <summary>Whether the organization has machines that are joined, or may at any moment.</summary>
    public async Task<bool> Wanted(Guid organizationId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        return await db.Set<RemoteMachine>().AnyAsync(
            machine => machine.OrganizationId == organizationId && (machine.ReportTokenHash != null || (machine.JoinTokenHash != null && machine.JoinTokenExpiresAt > now)),
            cancellationToken);
    }

    public async Task<Result<GatewayVpn>> Configure(string gatewayToken, CancellationToken cancellationToken)
    {
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        var network = await networks.Ensure(allocation.OrganizationId, cancellationToken);
        using var authority = networks.AuthorityOf(network);
        var (certificate, key) = authority.IssueGateway(allocation.Epoch, time.GetUtcNow(), CertificateTime);
        return new GatewayVpn(network.AuthorityPem, certificate.Pem, key, networks.ChannelKeyOf(network));
    }

    /// <summary>Takes where the server is now, or why there is none. Machines have to connect anew, so none can be reached until it says so.</summary>
    public async Task<Result> Started(string gatewayToken, GatewayVpnStarted started, CancellationToken cancellationToken)
    {
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // An older gateway, which may take itself for the present one still, doesn't speak over it.
        var rows = await db.Set<RemoteNetwork>()
            .Where(network => network.OrganizationId == allocation.OrganizationId && (network.Epoch == null || network.Epoch <= allocation.Epoch))
            .ExecuteUpdateAsync(
                set => set.SetProperty(network => network.Epoch, allocation.Epoch).SetProperty(network => network.Port, started.Port)
                    .SetProperty(network => network.Network, started.Network)
                    .SetProperty(network => network.Problem, started.Problem == null ? null : started.Problem.Length > 1000 ? started.Problem.Substring(0, 1000) : started.Problem),
                cancellationToken);
        if (rows == 0)
            return GatewayErrors.NotYours;
        var changed = await db.Set<Container>().FromSql(
            $"SELECT *, xmin FROM containers WHERE organization_id = {allocation.OrganizationId} AND place = 'Remote' AND state = 'Running' AND endpoints <> '[]' FOR UPDATE")
            .ToListAsync(cancellationToken);
        foreach (var container in changed)
            RemoteState.Runs(db, container, "The organization has another gateway; your machine connects to it.", [], time.GetUtcNow());
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        foreach (var container in changed)
            changes.Publish(RemoteState.Change(container));
        return Result.Ok;
    }

    /// <summary>Who of these may be in the network now.</summary>
    public async Task<Result<GatewayVpnGrants>> Check(string gatewayToken, GatewayVpnCheck check, CancellationToken cancellationToken)
    {
        if (check.Serials.Count > RemoteNetwork.LastNumber)
            return GatewayErrors.TooMany;
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        var serials = check.Serials.ToList();
        var rows = await (
            from machine in db.Set<RemoteMachine>().AsNoTracking()
            join container in db.Set<Container>().AsNoTracking() on machine.ContainerId equals container.Id
            join project in db.Projects on container.ProjectId equals project.Id
            join member in db.OrganizationMembers on new { container.OrganizationId, UserId = machine.JoinedBy } equals new { member.OrganizationId, UserId = (Guid?)member.UserId }
            where machine.OrganizationId == allocation.OrganizationId && serials.Contains(machine.CertificateSerial!) && machine.ReportTokenHash != null
                && machine.CertificateRevokedAt == null && machine.CertificateExpiresAt > now && container.DeletedAt == null
            select new
            {
                machine.CertificateSerial,
                machine.Number,
                Person = member.UserId,
                Container = container,
                member.Role,
                project.Visibility,
                InProject = db.Set<ProjectMember>().Where(own => own.ProjectId == project.Id && own.UserId == member.UserId).Select(own => (ProjectRole?)own.Role).FirstOrDefault(),
            }).ToListAsync(cancellationToken);
        var allowed = rows
            .Where(row => ContainerAccess.RightsIn(row.Container, new Actor(row.Person), ProjectAccess.Combine(row.Role, row.InProject, row.Visibility)).CanManage)
            .ToDictionary(row => row.CertificateSerial!, row => (row.Container.Id, row.Number));
        return new GatewayVpnGrants([.. check.Serials.Select(
            serial => allowed.TryGetValue(serial, out var machine) ? new GatewayVpnGrant(RemoteAuthority.MachineName(machine.Id), machine.Number) : null)]);
    }
}
