using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Rooms;
using Demiurge.Core.Tokens;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Gateways;

/// <summary>
/// Web's side of the handshake (see <see cref="GatewayContracts"/>): what a gateway may ask, with the token that each question
/// takes. Safe for concurrent use.
/// </summary>
public sealed class GatewayHandshake(
    GatewayPool pool, RoomLog log, RoomAccess access, SigningKeys keys, ContainerCookieKeys cookieKeys, ContainerReach containers, ContainerActivity used, RemoteGateways remotes,
    IOptions<GatewayPoolOptions> options, IOptions<RoomLimits> limits, IOptions<SiteOptions> site)
{
    public async Task<Result> Ready(string poolToken, GatewayReady ready, CancellationToken cancellationToken) =>
        await pool.Authenticate(ready.Name, poolToken, cancellationToken) is null || !await pool.Ready(ready.Name, ready.InstanceId, cancellationToken)
            ? GatewayErrors.UnknownGateway
            : Result.Ok;

    public async Task<Result<GatewayConfig>> Configure(string poolToken, GatewayConfigRequest request, CancellationToken cancellationToken)
    {
        if (await pool.Authenticate(request.Name, poolToken, cancellationToken) is null)
            return GatewayErrors.UnknownGateway;
        if (await pool.Configure(request.Name, request.HandshakeToken, cancellationToken) is not var (allocation, gatewayToken))
            return GatewayErrors.NotYours;
        return new GatewayConfig(
            allocation.OrganizationId, allocation.Epoch, gatewayToken, site.Value.PublicUrl, (await keys.Trusted(cancellationToken)).Keys,
            limits.Value, options.Value.IdleTimeout, new GatewaySite(site.Value.Domain, site.Value.PublicUrl),
            await cookieKeys.Of(allocation.OrganizationId, cancellationToken));
    }

    public async Task<Result<GatewayNews>> Beat(string poolToken, GatewayHeartbeat beat, CancellationToken cancellationToken)
    {
        if (await pool.Authenticate(beat.Name, poolToken, cancellationToken) is not { } gateway || gateway.InstanceId != beat.InstanceId)
            return GatewayErrors.UnknownGateway;
        return await pool.Beat(beat, cancellationToken)
            ? new GatewayNews(
                (await keys.Trusted(cancellationToken)).Keys,
                beat.OrganizationId is { } organizationId && await remotes.Wanted(organizationId, cancellationToken))
            : GatewayErrors.NotYours;
    }

    public async Task<Result<byte[]>> Pull(string gatewayToken, GatewayPull pull, CancellationToken cancellationToken)
    {
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        var records = await log.Load(allocation.OrganizationId, pull.ProjectId, cancellationToken);
        return records.Succeeded ? RoomLogWire.WritePull(pull.ProjectId, records.Value) : records.Error;
    }

    /// <param name="body">See <see cref="RoomLogWire"/>.</param>
    /// <exception cref="InvalidDataException">The body is no batch.</exception>
    public async Task<Result<GatewayAppended>> Append(string gatewayToken, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var (batch, updates) = RoomLogWire.ReadAppend(body);
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        var appended = await log.Append(allocation.OrganizationId, allocation.Epoch, batch, updates, cancellationToken);
        return appended.Succeeded ? new GatewayAppended(appended.Value) : appended.Error;
    }

    public async Task<Result<GatewayAccess>> CheckAccess(string gatewayToken, GatewayAccessCheck check, CancellationToken cancellationToken)
    {
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        return new GatewayAccess(await access.RolesOf(
            allocation.OrganizationId, [.. check.People.Select(person => (person.ProjectId, person.UserId))], cancellationToken));
    }

    public async Task<Result<GatewayContainers>> ResolveContainers(string gatewayToken, GatewayContainersResolve ask, CancellationToken cancellationToken) =>
        ask.ContainerIds.Count > GatewayContainersResolve.Max ? GatewayErrors.TooMany
        : await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation ? GatewayErrors.NotYours
        : await containers.Resolve(allocation.OrganizationId, ask.ContainerIds, cancellationToken);

    public async Task<Result<GatewayGrants>> CheckVisits(string gatewayToken, GatewayVisitsCheck check, CancellationToken cancellationToken) =>
        check.Visits.Count > GatewayContainersResolve.Max ? GatewayErrors.TooMany
        : await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation ? GatewayErrors.NotYours
        : await containers.Check(allocation.OrganizationId, check.Visits, cancellationToken);

    public async Task<Result> NoteActivity(string gatewayToken, GatewayActivity activity, CancellationToken cancellationToken)
    {
        if (await pool.FindByToken(gatewayToken, cancellationToken) is not { } allocation)
            return GatewayErrors.NotYours;
        await used.Report(allocation.OrganizationId, activity.LastUsed, cancellationToken);
        return Result.Ok;
    }

    public async Task<Result<GatewayStarted>> StartContainer(string gatewayToken, GatewayVisit visit, CancellationToken cancellationToken) =>
        await pool.FindByToken(gatewayToken, cancellationToken) is { } allocation
            ? await containers.Start(allocation.OrganizationId, visit, cancellationToken)
            : GatewayErrors.NotYours;

    public async Task<Result<GatewayDiagnosis>> DiagnoseContainer(string gatewayToken, GatewayVisit visit, CancellationToken cancellationToken) =>
        await pool.FindByToken(gatewayToken, cancellationToken) is { } allocation
            ? await containers.Diagnose(allocation.OrganizationId, visit, cancellationToken)
            : GatewayErrors.NotYours;

    /// <summary>What a visitor of a terminal may do; null when they may not see it, or the gateway doesn't serve that organization.</summary>
    public async Task<GatewayGrant?> AdmitToTerminal(string gatewayToken, GatewayVisit visit, CancellationToken cancellationToken) =>
        await pool.FindByToken(gatewayToken, cancellationToken) is { } allocation
            ? (await containers.Check(allocation.OrganizationId, [visit], cancellationToken)).Grants[0]
            : null;

    public async Task<Result> Stop(string gatewayToken, CancellationToken cancellationToken) =>
        await pool.FindByToken(gatewayToken, cancellationToken) is { } allocation
        && await pool.Release(allocation.OrganizationId, allocation.Epoch, cancellationToken)
            ? Result.Ok
            : GatewayErrors.NotYours;
}
