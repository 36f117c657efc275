using Demiurge.Core.Accounts;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Sharing;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Gateways;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>
/// Answers gateways' questions about one organization's containers and their visitors, many at a time. Whoever calls it has made sure that
/// the gateway serves that organization. Safe for concurrent use.
/// </summary>
public sealed class ContainerReach(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerService containers, ContainerPorts ports, IOptions<SiteOptions> site, TimeProvider time)
{
    private const int DiagnosisLines = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>How fresh a token's <see cref="ContainerToken.LastUsedAt"/> is kept.</summary>
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    public async Task<GatewayContainers> Resolve(Guid organizationId, IReadOnlyList<Guid> containerIds, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await (
            from container in db.Set<Container>().AsNoTracking()
            join version in db.Set<TemplateVersion>().AsNoTracking()
                on new { container.TemplateId, Version = container.TemplateVersion } equals new { version.TemplateId, version.Version }
            where container.OrganizationId == organizationId && containerIds.Contains(container.Id)
                && db.Projects.Any(project => project.Id == container.ProjectId) && db.Organizations.Any(organization => organization.Id == organizationId)
            select new { Container = container, version.Spec, IsMachine = db.Set<RemoteMachine>().Any(machine => machine.ContainerId == container.Id) })
            .ToDictionaryAsync(row => row.Container.Id, cancellationToken);
        return new GatewayContainers([.. containerIds.Select(id => rows.TryGetValue(id, out var row) ? View(row.Container, row.Spec, row.IsMachine) : null)]);
    }

    public async Task<GatewayGrants> Check(Guid organizationId, IReadOnlyList<GatewayVisit> visits, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        var asked = visits.Select(visit => (visit.ContainerId, Visitor: ContainerVisitor.TryParse(visit.Visitor, out var visitor) ? visitor : (ContainerVisitor?)null)).ToList();
        var containerIds = asked.Select(visit => visit.ContainerId).Distinct().ToList();
        var found = await (
            from container in db.Set<Container>().AsNoTracking()
            join project in db.Projects on container.ProjectId equals project.Id
            where container.OrganizationId == organizationId && containerIds.Contains(container.Id) && container.DeletedAt == null
                && db.Organizations.Any(organization => organization.Id == organizationId)
            select new { Container = container, project.Visibility }).ToDictionaryAsync(row => row.Container.Id, cancellationToken);

        var hashes = asked.Select(visit => visit.Visitor?.TokenHash).OfType<byte[]>().ToList();
        var tokens = hashes.Count == 0 ? [] : await db.Set<ContainerToken>()
            .Where(token => hashes.Contains(token.TokenHash) && token.RevokedAt == null && (token.ExpiresAt == null || token.ExpiresAt > now))
            .ToDictionaryAsync(token => ContainerVisitor.KeyOf(token.TokenHash), cancellationToken);
        var linkIds = IdsOf(ContainerVisitorKind.Link);
        var links = linkIds.Count == 0 ? [] : await db.Set<ShareLink>().AsNoTracking()
            .Where(link => linkIds.Contains(link.Id) && link.RevokedAt == null && link.ExpiresAt > now).ToDictionaryAsync(link => link.Id, cancellationToken);
        var userIds = IdsOf(ContainerVisitorKind.User).Concat(tokens.Values.Select(token => token.CreatedBy)).Distinct().ToList();
        var sessionIds = asked.Select(visit => visit.Visitor?.SessionId ?? default).Where(id => id != default).Distinct().ToList();
        var ended = sessionIds.Count == 0 ? [] : (await db.Set<EndedSession>().Where(session => sessionIds.Contains(session.Id))
            .Select(session => session.Id).ToListAsync(cancellationToken)).ToHashSet();
        var users = userIds.Count == 0 ? [] : await (
            from user in db.Users
            join member in db.OrganizationMembers on user.Id equals member.UserId
            where userIds.Contains(user.Id) && member.OrganizationId == organizationId
            select new { user.Id, user.DisplayName, user.SecurityStamp, member.Role }).ToDictionaryAsync(user => user.Id, cancellationToken);
        var projectIds = found.Values.Select(row => row.Container.ProjectId).Distinct().ToList();
        var inProject = userIds.Count == 0 ? [] : await db.Set<ProjectMember>()
            .Where(member => projectIds.Contains(member.ProjectId) && userIds.Contains(member.UserId))
            .ToDictionaryAsync(member => (member.ProjectId, member.UserId), member => (ProjectRole?)member.Role, cancellationToken);

        foreach (var token in tokens.Values.Where(token => token.LastUsedAt is null || now - token.LastUsedAt > LastUsedPrecision))
            token.LastUsedAt = now;
        await db.SaveChangesAsync(cancellationToken);
        return new GatewayGrants([.. asked.Select(visit => visit.Visitor is { } visitor ? Grant(visit.ContainerId, visitor) : null)]);

        List<Guid> IdsOf(ContainerVisitorKind kind) =>
            [.. asked.Where(visit => visit.Visitor?.Kind == kind).Select(visit => visit.Visitor!.Value.Id).Distinct()];

        GatewayGrant? Grant(Guid containerId, ContainerVisitor visitor) => !found.TryGetValue(containerId, out var row) ? null : visitor.Kind switch
        {
            ContainerVisitorKind.Link => links.TryGetValue(visitor.Id, out var link) && link.ContainerId == containerId && row.Container.Share == ShareLevel.Link
                ? new GatewayGrant(false, "A guest") : null,
            ContainerVisitorKind.Token => tokens.TryGetValue(visitor.Proof, out var token) && token.ContainerId == containerId
                ? Person(row.Container, row.Visibility, token.CreatedBy) is { } maker ? maker with { Name = token.Name } : null : null,
            _ => users.TryGetValue(visitor.Id, out var user) && ContainerVisitor.ProofOf(user.SecurityStamp) == visitor.Proof && !ended.Contains(visitor.SessionId)
                ? Person(row.Container, row.Visibility, visitor.Id) : null,
        };

        GatewayGrant? Person(Container container, ProjectVisibility visibility, Guid userId)
        {
            if (!users.TryGetValue(userId, out var user))
                return null;
            var rights = ContainerAccess.RightsIn(
                container, new Actor(userId), ProjectAccess.Combine(user.Role, inProject.GetValueOrDefault((container.ProjectId, userId)), visibility));
            return rights.CanOpen ? new GatewayGrant(rights.CanControl, user.DisplayName) : null;
        }
    }

    /// <summary>Starts it on behalf of a visitor, whose rights are looked up as for any other command.</summary>
    public async Task<GatewayStarted> Start(Guid organizationId, GatewayVisit visit, CancellationToken cancellationToken)
    {
        if (!ContainerVisitor.TryParse(visit.Visitor, out var visitor) || visitor.Kind != ContainerVisitorKind.User
            || (await Check(organizationId, [visit], cancellationToken)).Grants[0] is not { MayControl: true })
        {
            return new GatewayStarted("You may not start this container. Ask its owner, or somebody who edits the project.");
        }
        var started = await containers.Start(new Actor(visitor.Id), visit.ContainerId, cancellationToken);
        return new GatewayStarted(started.Error?.Message);
    }

    /// <summary>What listens in the container and what it wrote last. Lines are for people with an account alone.</summary>
    public async Task<GatewayDiagnosis> Diagnose(Guid organizationId, GatewayVisit visit, CancellationToken cancellationToken)
    {
        if (!ContainerVisitor.TryParse(visit.Visitor, out var visitor) || (await Check(organizationId, [visit], cancellationToken)).Grants[0] is null)
            return new GatewayDiagnosis(null, []);
        List<string> lines = [];
        if (visitor.Kind == ContainerVisitorKind.User
            && await containers.Logs(new Actor(visitor.Id), visit.ContainerId, DiagnosisLines, follow: false, cancellationToken) is { Succeeded: true, Value: var log })
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            timeout.CancelAfter(Patience);
            try
            {
                await foreach (var line in log.WithCancellation(timeout.Token))
                    lines.Add(line.Text);
            }
            catch (Exception exception) when (exception is RuntimeException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // As many as there were in time.
            }
        }
        return new GatewayDiagnosis(await ports.Listening(visit.ContainerId, cancellationToken), lines);
    }

    private GatewayContainer View(Container container, TemplateSpec spec, bool isMachine)
    {
        var deleted = container.DeletedAt is not null;
        return new GatewayContainer(
            container.Id, container.Name, container.State, container.Reason, container.Progress, container.Desired, deleted,
            $"{site.Value.PublicUrl.TrimEnd('/')}/projects/{container.ProjectId}",
            [.. ContainerStarter.ServicesOf(container, spec).Select(service =>
            {
                var endpoint = deleted || container.State != ContainerState.Running ? null : container.Endpoints.Find(candidate => candidate.Service == service.Name);
                return new GatewayContainerService(service.Name, service.Title, service.Path, service.Embeddable, ContainerStarter.PortOf(service, container), endpoint?.Address, endpoint?.Port ?? 0);
            })],
            isMachine);
    }
}
