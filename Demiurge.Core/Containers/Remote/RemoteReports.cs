using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Remote;

/// <summary>What a machine needs to be part of its organization's network.</summary>
/// <param name="ReportToken">Proves the machine from now on; as long-lived as its being joined.</param>
/// <param name="Certificate">Its certificate, PEM, for the key that its request was signed with.</param>
/// <param name="Authority">The certificate that the gateway's is issued by, PEM.</param>
/// <param name="ChannelKey">OpenVPN's <c>tls-crypt</c> key.</param>
/// <param name="Services">What people expect to find there, by the container's template.</param>
public sealed record RemoteJoined(
    Guid ContainerId, string ContainerName, string Url, string ReportToken, string Certificate, string Authority, string ChannelKey, IReadOnlyList<RemoteService> Services,
    RemoteOrders Orders);

/// <summary>What a machine is to do now.</summary>
/// <param name="Vpn">Where to connect; null while the organization's gateway rests.</param>
/// <param name="IntervalSeconds">When to report next.</param>
/// <param name="Renew">Whether to ask for another certificate.</param>
public sealed record RemoteOrders(RemoteVpn? Vpn, int IntervalSeconds, bool Renew);

/// <summary>The gateway's VPN server.</summary>
/// <param name="Name">The name in its certificate; it differs with each gateway that the organization gets.</param>
public sealed record RemoteVpn(string Host, int Port, string Name);

/// <summary>A machine's next certificate.</summary>
public sealed record RemoteRenewed(string Certificate, DateTimeOffset ExpiresAt);

/// <summary>
/// What machines say: they join by the token of a command, then report under a token of their own. Each call looks up again whether the
/// container is there and whether the person whose machine it is may still manage it. Safe for concurrent use.
/// </summary>
public sealed partial class RemoteReports(
    IDbContextFactory<DemiurgeDbContext> contexts, RemoteNetworks networks, ContainerChanges changes, ContainerUrls urls, IOptions<RemoteOptions> remoteOptions,
    IOptions<SiteOptions> site, TimeProvider time, ILogger<RemoteReports> logger)
{
    /// <summary>While it isn't connected a machine asks more often: the gateway it waits for may be there any moment.</summary>
    private static readonly TimeSpan SeekInterval = TimeSpan.FromSeconds(2);

    private const string Resting = "The organization's gateway rests. Open the container, or its project, to wake it.";
    private const string Connecting = "Your machine reports, and its tunnel is being built.";
    private const string Silent = "Nothing listens on your machine at the ports that this container is known to have.";

    private readonly RemoteOptions options = remoteOptions.Value;

    /// <summary>Exchanges a command's token for what the machine needs; whatever machine was joined before is cut off.</summary>
    /// <param name="request">A PKCS#10 request, PEM, for a P-256 key that stays on the machine.</param>
    public async Task<Result<RemoteJoined>> Join(string token, string request, CancellationToken cancellationToken = default)
    {
        var hash = SecretToken.Hash(token);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var containerId = await db.Set<RemoteMachine>().Where(row => row.JoinTokenHash == hash).Select(row => (Guid?)row.ContainerId).SingleOrDefaultAsync(cancellationToken);
        if (containerId is not { } id)
            return RemoteErrors.TokenInvalid;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (await RemoteState.Lock(db, id, cancellationToken) is not ({ DeletedAt: null } container, { InvitedBy: { } person } machine)
            || !SecretToken.Matches(token, machine.JoinTokenHash) || machine.JoinTokenExpiresAt <= now || !await MayManage(db, container, person, cancellationToken))
        {
            return RemoteErrors.TokenInvalid;
        }
        var network = await networks.Ensure(container.OrganizationId, cancellationToken);
        using var authority = networks.AuthorityOf(network);
        if (authority.IssueMachine(container.Id, request, now, options.CertificateTime) is not { } certificate)
            return RemoteErrors.RequestMalformed;
        var reportToken = SecretToken.Create();
        machine.JoinTokenHash = null;
        machine.JoinTokenExpiresAt = null;
        machine.ReportTokenHash = SecretToken.Hash(reportToken);
        machine.JoinedBy = person;
        machine.JoinedAt = now;
        machine.LastSeenAt = now;
        machine.Services = [];
        machine.CertificateSerial = certificate.Serial;
        machine.CertificateExpiresAt = certificate.ExpiresAt;
        machine.CertificateRevokedAt = null;
        var server = await RemoteNetworks.ServerOf(db, container.OrganizationId, cancellationToken);
        RemoteState.Runs(db, container, server is null ? Resting : Connecting, [], now);
        AuditLog.Record(
            db, time, new Actor(person), "container.machine_joined", container.OrganizationId, container.ProjectId, details: [("container", container.Id), ("name", container.Name)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(RemoteState.Change(container));
        Log.Joined(logger, container.Id);
        var expected = (await SpecOf(db, container, cancellationToken)).Services.Select(service => new RemoteService(service.Name, service.Port, service.Path));
        return new RemoteJoined(
            container.Id, container.Name, urls.Origin(container.OrganizationId, container.Id), reportToken, certificate.Pem, network.AuthorityPem, networks.ChannelKeyOf(network),
            [.. expected], OrdersFor(machine, server, connected: false, now));
    }

    /// <summary>Takes what listens on the machine. It is dropped when it doesn't say so for <see cref="RemoteOptions.SilenceLimit"/>.</summary>
    /// <param name="connectedTo">The <see cref="RemoteVpn.Name"/> of the gateway that its tunnel leads to; null while it has none.</param>
    public async Task<Result<RemoteOrders>> Report(
        string reportToken, string? connectedTo, IReadOnlyList<RemoteService> services, CancellationToken cancellationToken = default)
    {
        if (!RemoteRules.Allow(services))
            return RemoteErrors.ServicesMalformed;
        return await As<RemoteOrders>(
            reportToken,
            async (db, container, machine) =>
            {
                var now = time.GetUtcNow();
                machine.LastSeenAt = now;
                machine.Services = [.. services];
                var server = await RemoteNetworks.ServerOf(db, container.OrganizationId, cancellationToken);
                var connected = server is not null && connectedTo == RemoteAuthority.GatewayName(server.Epoch);
                var changed = RemoteState.Runs(
                    db, container, server is null ? Resting : !connected ? Connecting : services.Count == 0 ? Silent : null,
                    connected ? EndpointsOf(machine, server!) : [], now);
                return (changed, OrdersFor(machine, server, connected, now));
            },
            cancellationToken);
    }

    /// <summary>Issues the machine's next certificate. The one before is of no use from then on.</summary>
    public Task<Result<RemoteRenewed>> Renew(string reportToken, string request, CancellationToken cancellationToken = default) => As<RemoteRenewed>(
        reportToken,
        async (_, container, machine) =>
        {
            using var authority = networks.AuthorityOf(await networks.Ensure(container.OrganizationId, cancellationToken));
            if (authority.IssueMachine(container.Id, request, time.GetUtcNow(), options.CertificateTime) is not { } certificate)
                return (false, RemoteErrors.RequestMalformed);
            machine.CertificateSerial = certificate.Serial;
            machine.CertificateExpiresAt = certificate.ExpiresAt;
            return (false, new RemoteRenewed(certificate.Pem, certificate.ExpiresAt));
        },
        cancellationToken);

    /// <summary>The machine ends in order; with a container that is started again it may come back.</summary>
    public async Task<Result> Leave(string reportToken, CancellationToken cancellationToken = default)
    {
        var left = await As<bool>(
            reportToken,
            (db, container, machine) =>
            {
                machine.Services = [];
                machine.LastSeenAt = null;
                return Task.FromResult<(bool, Result<bool>)>((RemoteState.Stops(db, container, "Your machine has left.", time.GetUtcNow()), true));
            },
            cancellationToken);
        return left.Succeeded ? Result.Ok : left.Error;
    }

    internal static List<ContainerEndpoint> EndpointsOf(RemoteMachine machine, RemoteServer server)
    {
        var address = RemoteNetwork.AddressOf(server.Network, machine.Number);
        return machine.Services.ConvertAll(service => new ContainerEndpoint(service.Name, address, service.Port));
    }

    /// <summary>Whether somebody may still have their machine stand for that container.</summary>
    internal static async Task<bool> MayManage(DemiurgeDbContext db, Container container, Guid personId, CancellationToken cancellationToken)
    {
        var grant = await ProjectAccess.Find(db, new Actor(personId), container.ProjectId, cancellationToken);
        return ContainerAccess.RightsIn(container, new Actor(personId), grant?.Role).CanManage;
    }

    private async Task<Result<T>> As<T>(
        string reportToken, Func<DemiurgeDbContext, Container, RemoteMachine, Task<(bool Changed, Result<T> Result)>> act, CancellationToken cancellationToken)
    {
        var hash = SecretToken.Hash(reportToken);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var containerId = await db.Set<RemoteMachine>().Where(row => row.ReportTokenHash == hash).Select(row => (Guid?)row.ContainerId).SingleOrDefaultAsync(cancellationToken);
        if (containerId is not { } id)
            return RemoteErrors.Ended;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await RemoteState.Lock(db, id, cancellationToken) is not ({ DeletedAt: null } container, { JoinedBy: { } person } machine)
            || !SecretToken.Matches(reportToken, machine.ReportTokenHash) || !await MayManage(db, container, person, cancellationToken))
        {
            return RemoteErrors.Ended;
        }
        var (changed, result) = await act(db, container, machine);
        if (!result.Succeeded)
            return result.Error;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (changed)
            changes.Publish(RemoteState.Change(container));
        return result;
    }

    private RemoteOrders OrdersFor(RemoteMachine machine, RemoteServer? server, bool connected, DateTimeOffset now) => new(
        server is null ? null : new RemoteVpn(options.VpnHostOf(site.Value), server.Port, RemoteAuthority.GatewayName(server.Epoch)),
        (int)Math.Max(1, (connected || SeekInterval > options.ReportInterval ? options.ReportInterval : SeekInterval).TotalSeconds),
        machine.CertificateExpiresAt - now < options.CertificateTime / 2);

    private static async Task<TemplateSpec> SpecOf(DemiurgeDbContext db, Container container, CancellationToken cancellationToken) =>
        (await db.Set<TemplateVersion>().AsNoTracking().SingleAsync(
            row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A person's own machine joined as container {ContainerId}")]
        public static partial void Joined(ILogger logger, Guid containerId);
    }
}
