using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Remote;

/// <summary>What a person runs on their own machine.</summary>
/// <param name="Command">One line for a shell.</param>
/// <param name="Url">What <c>DEMIURGE_URL</c> is in it.</param>
/// <param name="Token">What <c>DEMIURGE_TOKEN</c> is in it: good once, for this container, until <paramref name="ExpiresAt"/>. Shown now and never again.</param>
public sealed record RemoteCommand(Guid ContainerId, string Command, string Url, string Token, DateTimeOffset ExpiresAt)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"{ContainerId} until {ExpiresAt:O}";
}

/// <summary>How a person's own machine does.</summary>
public enum RemoteMachineState
{
    /// <summary>Nothing was asked to join, or what was has been cut off.</summary>
    None,

    /// <summary>A command was made and can still be used.</summary>
    Invited,

    /// <summary>It reports.</summary>
    Joined,

    /// <summary>It joined and hasn't been heard of for a while; it may come back.</summary>
    Silent,
}

/// <summary>The machine of a container, as those see it who see the container.</summary>
/// <param name="InvitedUntil">Until when a command can be used that wasn't yet.</param>
/// <param name="PersonName">Whose machine it is.</param>
/// <param name="Address">Its address in the organization's network; null while there is no network.</param>
/// <param name="Problem">Why machines can't be reached at the moment, where that is the installation's matter.</param>
public sealed record RemoteMachineInfo(
    Guid ContainerId, string ContainerName, RemoteMachineState State, DateTimeOffset? InvitedUntil, Guid? PersonId, string? PersonName, DateTimeOffset? JoinedAt,
    DateTimeOffset? LastSeenAt, string? Address, IReadOnlyList<RemoteService> Services, DateTimeOffset? CertificateExpiresAt, string? Problem);

/// <summary>
/// People's commands about their own machines. Whose container it is (or who manages the project) may let a machine join and cut it off; who
/// sees the container sees how its machine does. Safe for concurrent use.
/// </summary>
public sealed class RemoteMachines(
    IDbContextFactory<DemiurgeDbContext> contexts, RemoteNetworks networks, ContainerChanges changes, IOptions<RemoteOptions> remoteOptions, IOptions<SiteOptions> site,
    TimeProvider time)
{
    private readonly RemoteOptions options = remoteOptions.Value;
    private readonly Uri url = remoteOptions.Value.WebUrl(site.Value);

    /// <summary>
    /// The command by which a machine joins. One that was made before is taken back; a machine that is joined stays until another joins in its
    /// place. For those who manage the container.
    /// </summary>
    public async Task<Result<RemoteCommand>> CreateCommand(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var granted = await Require(db, actor, containerId, cancellationToken);
        if (!granted.Succeeded)
            return granted.Error;
        var organizationId = granted.Value.OrganizationId;
        await networks.Ensure(organizationId, cancellationToken);

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Numbers are given out one at a time.
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM remote_networks WHERE organization_id = {organizationId} FOR UPDATE", cancellationToken);
        if (await RemoteState.Lock(db, containerId, cancellationToken) is not var (container, machine))
            return Errors.ContainerNotFound;
        if (machine is null)
        {
            var taken = await db.Set<RemoteMachine>().Where(row => row.OrganizationId == organizationId).Select(row => row.Number).ToHashSetAsync(cancellationToken);
            var number = Enumerable.Range(RemoteNetwork.GatewayNumber + 1, RemoteNetwork.LastNumber - RemoteNetwork.GatewayNumber).FirstOrDefault(candidate => !taken.Contains(candidate));
            if (number == 0)
                return RemoteErrors.NetworkFull;
            db.Add(machine = new RemoteMachine { ContainerId = containerId, OrganizationId = organizationId, Number = number });
        }
        var token = SecretToken.Create();
        var now = time.GetUtcNow();
        machine.JoinTokenHash = SecretToken.Hash(token);
        machine.JoinTokenExpiresAt = now + options.TokenTime;
        machine.InvitedBy = actor.UserId;
        AuditLog.Record(
            db, time, actor, "container.machine_invited", container.OrganizationId, container.ProjectId, details: [("container", container.Id), ("name", container.Name)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(RemoteState.Change(container));
        return new RemoteCommand(containerId, Line(token), WebUrl, token, machine.JoinTokenExpiresAt.Value);
    }

    /// <summary>Cuts the machine off, and takes back a command that wasn't used. For those who manage the container.</summary>
    public async Task<Result> Revoke(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var granted = await Require(db, actor, containerId, cancellationToken);
        if (!granted.Succeeded)
            return granted.Error;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await RemoteState.Lock(db, containerId, cancellationToken) is not var (container, machine))
            return Errors.ContainerNotFound;
        if (machine is null)
            return RemoteErrors.NoMachine;
        var now = time.GetUtcNow();
        machine.Revoke(now);
        RemoteState.Stops(db, container, "Its machine was cut off. Copy a new command to join again.", now);
        AuditLog.Record(
            db, time, actor, "container.machine_revoked", container.OrganizationId, container.ProjectId, details: [("container", container.Id), ("name", container.Name)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(RemoteState.Change(container));
        return Result.Ok;
    }

    /// <summary>A container's machine; for everybody with a role in its project.</summary>
    public async Task<Result<RemoteMachineInfo>> Get(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { Rights.Role: not null } grant)
            return Errors.ContainerNotFound;
        if (grant.Container.Place != ContainerPlace.Remote)
            return RemoteErrors.NotRemote;
        return (await Load(db, grant.Container.OrganizationId, db.Set<Container>().Where(row => row.Id == containerId), cancellationToken))[0];
    }

    /// <summary>The machines of a project's containers, oldest container first; for everybody with a role in it.</summary>
    public async Task<Result<IReadOnlyList<RemoteMachineInfo>>> List(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ProjectAccess.Find(db, actor, projectId, cancellationToken) is not { } grant)
            return Projects.Errors.ProjectNotFound;
        return await Load(
            db, grant.Project.OrganizationId,
            db.Set<Container>().Where(row => row.ProjectId == projectId && row.Place == ContainerPlace.Remote && row.DeletedAt == null), cancellationToken);
    }

    private string WebUrl => url.GetLeftPart(UriPartial.Authority);

    private static async Task<Result<Container>> Require(DemiurgeDbContext db, Actor actor, Guid containerId, CancellationToken cancellationToken)
    {
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        if (!grant.Rights.CanManage)
            return Errors.NotYours;
        if (grant.Container.DeletedAt is not null)
            return Errors.Deleted;
        db.ChangeTracker.Clear();
        return grant.Container.Place == ContainerPlace.Remote ? grant.Container : RemoteErrors.NotRemote;
    }

    private async Task<List<RemoteMachineInfo>> Load(DemiurgeDbContext db, Guid organizationId, IQueryable<Container> containers, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var network = await db.Set<RemoteNetwork>().AsNoTracking().SingleOrDefaultAsync(row => row.OrganizationId == organizationId, cancellationToken);
        var server = await RemoteNetworks.ServerOf(db, organizationId, cancellationToken);
        var rows = await (
            from container in containers.AsNoTracking()
            join machine in db.Set<RemoteMachine>().AsNoTracking() on container.Id equals machine.ContainerId into machines
            from machine in machines.DefaultIfEmpty()
            join person in db.Users on machine.JoinedBy equals person.Id into people
            from person in people.DefaultIfEmpty()
            orderby container.Id
            select new { container.Id, container.Name, Machine = (RemoteMachine?)machine, Person = (string?)person.DisplayName }).ToListAsync(cancellationToken);
        return rows.ConvertAll(row =>
        {
            var machine = row.Machine;
            var invitedUntil = machine?.JoinTokenHash is not null && machine.JoinTokenExpiresAt > now ? machine.JoinTokenExpiresAt : null;
            var joined = machine?.ReportTokenHash is not null;
            var state = joined && machine!.LastSeenAt + options.SilenceLimit >= now ? RemoteMachineState.Joined
                : joined ? RemoteMachineState.Silent
                : invitedUntil is not null ? RemoteMachineState.Invited
                : RemoteMachineState.None;
            return new RemoteMachineInfo(
                row.Id, row.Name, state, invitedUntil, joined ? machine!.JoinedBy : null, joined ? row.Person : null, joined ? machine!.JoinedAt : null, machine?.LastSeenAt,
                joined && server is not null ? RemoteNetwork.AddressOf(server.Network, machine!.Number) : null, machine?.Services ?? [],
                joined ? machine!.CertificateExpiresAt : null, network?.Problem);
        });
    }

    /// <summary>Every part of the line is ours, or checked at start, so that nothing in it needs quoting.</summary>
    private string Line(string token)
    {
        // Names below .localhost mean the machine itself to whoever asks, also inside of a container.
        var host = url.Host == "localhost" || url.Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) ? $"--add-host {url.Host}:host-gateway " : "";
        return $"docker run --rm -d --cap-drop ALL --cap-add NET_ADMIN --security-opt no-new-privileges --device /dev/net/tun {host}"
            + $"-e DEMIURGE_URL={WebUrl} -e DEMIURGE_TOKEN={token} {options.Image}";
    }
}
