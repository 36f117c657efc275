using Demiurge.Core.Audit;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>
/// What is asked for by nobody, but follows: containers go with their project and organization, are handed on when their owner leaves,
/// stop when nobody uses them, and are purged when the time for an undo is over.
/// </summary>
internal sealed class ContainerHousekeeping(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerWriter writer, ContainerMetrics metrics, IOptions<ContainerOptions> options, TimeProvider time)
{
    /// <summary>After a start, reports of activity that were held back while Web was down get so long to arrive.</summary>
    private static readonly TimeSpan IdleGrace = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan PruneInterval = TimeSpan.FromHours(1);

    private readonly DateTimeOffset began = time.GetUtcNow();
    private DateTimeOffset prunedAt;

    /// <summary>Looks once; returns the containers for which there is something to do on their engine.</summary>
    public async Task<List<Guid>> Look(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var changed = new List<Guid>();
        await DeleteWithProjects(db, changed, cancellationToken);
        await HandOn(db, changed, cancellationToken);
        await StopIdle(db, changed, cancellationToken);
        var due = time.GetUtcNow() - options.Value.UndoTime;
        changed.AddRange(await db.Set<Container>().Where(row => row.DeletedAt <= due).Select(row => row.Id).ToListAsync(cancellationToken));
        await Prune(db, cancellationToken);
        var counts = await db.Set<Container>().Where(row => row.DeletedAt == null).GroupBy(row => row.State)
            .Select(group => new { group.Key, Count = group.Count() }).ToDictionaryAsync(row => row.Key, row => row.Count, cancellationToken);
        metrics.Count(counts);
        return changed;
    }

    private async Task DeleteWithProjects(DemiurgeDbContext db, List<Guid> changed, CancellationToken cancellationToken)
    {
        var gone = await (
            from container in db.Set<Container>().AsNoTracking()
            where container.DeletedAt == null && !db.Set<Project>().Any(project => project.Id == container.ProjectId)
            select container).ToListAsync(cancellationToken);
        foreach (var container in gone)
        {
            await writer.Write(
                container,
                (unit, row) =>
                {
                    row.Desired = DesiredState.Deleted;
                    row.DeletedAt = time.GetUtcNow();
                    row.QueuedAt = null;
                    writer.Show(unit, row, ContainerState.Deleting, "Its project was deleted.", "Deleted with its project.");
                },
                cancellationToken);
            changed.Add(container.Id);
        }
    }

    /// <summary>
    /// Containers of somebody who left go to the organization's longest owner, so that work is not lost. One that was that person's alone, or
    /// carries their own secrets, is stopped, and the secrets stay behind.
    /// </summary>
    private async Task HandOn(DemiurgeDbContext db, List<Guid> changed, CancellationToken cancellationToken)
    {
        var left = await (
            from container in db.Set<Container>().AsNoTracking()
            where container.DeletedAt == null
                && !db.OrganizationMembers.Any(member => member.OrganizationId == container.OrganizationId && member.UserId == container.OwnerId)
            select container).ToListAsync(cancellationToken);
        foreach (var container in left)
        {
            var heir = await db.OrganizationMembers.Where(member => member.OrganizationId == container.OrganizationId && member.Role == OrganizationRole.Owner)
                .OrderBy(member => member.JoinedAt).ThenBy(member => member.UserId).Select(member => (Guid?)member.UserId).FirstOrDefaultAsync(cancellationToken);
            if (heir is not { } newOwner)
                continue;
            var own = await db.Set<EnvSet>().Where(set => set.Scope == EnvSetScope.Person && set.ScopeId == container.OwnerId).Select(set => set.Id).ToListAsync(cancellationToken);
            await writer.Write(
                container,
                (unit, row) =>
                {
                    var stops = row.Place == ContainerPlace.Engine && row.Desired == DesiredState.Running
                        && (row.Share == ShareLevel.Owner || row.EnvSetIds.Intersect(own).Any());
                    row.OwnerId = newOwner;
                    row.EnvSetIds = [.. row.EnvSetIds.Except(own)];
                    ContainerStory.Tell(unit, row.Id, time.GetUtcNow(), "handed_on", "Its owner left the organization; it belongs to an owner of the organization now.");
                    AuditLog.Record(
                        unit, time, null, "container.handed_on", row.OrganizationId, row.ProjectId, newOwner,
                        [("container", row.Id), ("name", row.Name), ("from", container.OwnerId)]);
                    if (!stops)
                        return;
                    row.Desired = DesiredState.Stopped;
                    row.QueuedAt = null;
                    writer.Show(unit, row, ContainerState.Stopping, "Stopped because its owner left the organization.", "Stopped because its owner left.");
                },
                cancellationToken);
            changed.Add(container.Id);
        }
    }

    private async Task StopIdle(DemiurgeDbContext db, List<Guid> changed, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (now - began < IdleGrace)
            return;
        var running = await (
            from container in db.Set<Container>().AsNoTracking()
            join version in db.Set<TemplateVersion>() on new { container.TemplateId, Version = container.TemplateVersion } equals new { version.TemplateId, version.Version }
            where container.State == ContainerState.Running && container.Desired == DesiredState.Running && !container.Pinned
            select new { Container = container, version.Spec }).ToListAsync(cancellationToken);
        foreach (var candidate in running.Where(row => IdleRule.StopsAt(row.Container, row.Spec) <= now))
        {
            var stopped = await writer.Write(
                candidate.Container,
                (unit, row) =>
                {
                    // Somebody may have come back, or pinned it, since it was read.
                    if (!(IdleRule.StopsAt(row, candidate.Spec) <= now))
                        return;
                    row.Desired = DesiredState.Stopped;
                    var minutes = row.IdleMinutes ?? candidate.Spec.IdleMinutes;
                    writer.Show(unit, row, ContainerState.Stopping, $"Stopped because nobody used it for {minutes} minutes. Its data is kept.", "Stopped because nobody used it.");
                },
                cancellationToken);
            if (stopped is not null)
                changed.Add(candidate.Container.Id);
        }
    }

    private async Task Prune(DemiurgeDbContext db, CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() - prunedAt < PruneInterval)
            return;
        prunedAt = time.GetUtcNow();
        await db.Database.ExecuteSqlAsync(
            $"""
            DELETE FROM container_events WHERE id IN (
                SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY container_id ORDER BY id DESC) AS place FROM container_events) AS numbered
                WHERE place > {ContainerStory.Longest})
            """,
            cancellationToken);
    }
}
