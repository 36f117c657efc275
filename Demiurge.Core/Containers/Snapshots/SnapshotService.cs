using System.Globalization;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Snapshots.Archive;
using Demiurge.Core.Containers.Snapshots.Stores;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>
/// What people do with snapshots. Commands note what is wanted; <see cref="SnapshotWorker"/> sees to it. Everybody with a role in the project sees
/// them; who may start and stop the container takes them; who manages it restores, downloads, deletes and schedules. Safe for concurrent use.
/// </summary>
public sealed class SnapshotService(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerService containers, ContainerChanges changes, SnapshotStores stores, SnapshotSignal signal,
    IOptions<SnapshotOptions> options, TimeProvider time)
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromMinutes(10);

    private static readonly TextRule NameRule = new("name", "The snapshot's name", 80) { Optional = true };

    /// <summary>A container's snapshots, newest first, its restore, its schedule, and the organization's space.</summary>
    public async Task<Result<ContainerSnapshots>> Of(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Containers.Errors.ContainerNotFound;
        if (grant.Rights.Role is null)
            return Errors.NotYours;
        var rows = await Load(db, db.Set<Snapshot>().Where(row => row.ContainerId == containerId), (_, _) => grant.Rights.CanManage, cancellationToken);
        var restore = await db.Set<SnapshotRestore>().AsNoTracking().Where(row => row.ContainerId == containerId).OrderByDescending(row => row.Id).FirstOrDefaultAsync(cancellationToken);
        var schedule = await db.Set<SnapshotSchedule>().AsNoTracking().SingleOrDefaultAsync(row => row.ContainerId == containerId, cancellationToken);
        var organizationId = grant.Container.OrganizationId;
        return new ContainerSnapshots(
            rows, restore is null ? null : InfoOf(restore), schedule is null ? null : new SnapshotScheduleInfo(schedule.Cron, schedule.Keep, schedule.Enabled, schedule.NextAt),
            await Used(db, organizationId, cancellationToken), await Quota(db, organizationId, cancellationToken), grant.Rights.CanControl && grant.Container.DeletedAt is null,
            grant.Rights.CanManage);
    }

    /// <summary>A project's snapshots, newest first, also of containers that are gone.</summary>
    public async Task<Result<IReadOnlyList<SnapshotInfo>>> List(Actor actor, Guid projectId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ProjectAccess.Find(db, actor, projectId, cancellationToken) is not { } grant)
            return Projects.Errors.ProjectNotFound;
        var owners = await db.Set<Container>().Where(row => row.ProjectId == projectId).ToDictionaryAsync(row => row.Id, row => row.OwnerId, cancellationToken);
        return await Load(
            db, db.Set<Snapshot>().Where(row => row.ProjectId == projectId),
            (container, creator) => Manages(grant.Role, actor, owners.TryGetValue(container, out var owner) ? owner : creator), cancellationToken);
    }

    public async Task<Result<SnapshotInfo>> Get(Actor actor, Guid snapshotId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await Find(db, actor, snapshotId, cancellationToken) is { } found
            ? (await Load(db, db.Set<Snapshot>().Where(row => row.Id == snapshotId), (_, _) => found.Manages, cancellationToken))[0]
            : Errors.SnapshotNotFound;
    }

    /// <summary>Asks for a snapshot of a container as it is now; for those who control it.</summary>
    /// <param name="name">Empty: date and time.</param>
    public async Task<Result<SnapshotInfo>> Take(Actor actor, Guid containerId, string? name = null, CancellationToken cancellationToken = default)
    {
        var checkedName = NameRule.Check(name);
        if (!checkedName.Succeeded)
            return checkedName.Error;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Containers.Errors.ContainerNotFound;
        if (!grant.Rights.CanControl)
            return Errors.NotControlled;
        var added = await Add(db, grant.Container, actor, checkedName.Value, cancellationToken);
        if (!added.Succeeded)
            return added.Error;
        return await Get(actor, added.Value, cancellationToken);
    }

    /// <summary>Tries one that failed again, on the same row; for those who manage the container.</summary>
    public async Task<Result<SnapshotInfo>> Retry(Actor actor, Guid snapshotId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, actor, snapshotId, cancellationToken) is not { } found)
            return Errors.SnapshotNotFound;
        if (!found.Manages)
            return Errors.NotYours;
        var row = found.Snapshot;
        if (row.State != SnapshotState.Failed)
            return Errors.NotFailed;
        (row.State, row.Reason, row.Attempts, row.NextAttemptAt, row.FinishedAt) = (SnapshotState.Creating, null, 0, null, null);
        AuditLog.Record(db, time, actor, "snapshot.retried", row.OrganizationId, row.ProjectId, details: [("snapshot", row.Id), ("container", row.ContainerId)]);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return Errors.UnderWay;
        }
        Told(row);
        return await Get(actor, snapshotId, cancellationToken);
    }

    /// <summary>Removes one with its file; one that is being taken is given up. For those who manage the container.</summary>
    public async Task<Result> Delete(Actor actor, Guid snapshotId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, actor, snapshotId, cancellationToken) is not { } found)
            return Errors.SnapshotNotFound;
        if (!found.Manages)
            return Errors.NotYours;
        var row = found.Snapshot;
        if (await db.Set<SnapshotRestore>().AnyAsync(restore => restore.SnapshotId == snapshotId && restore.FinishedAt == null, cancellationToken))
            return Errors.RestoreUnderWay;
        if (row.State == SnapshotState.Deleting)
            return Result.Ok;
        (row.State, row.Step) = (SnapshotState.Deleting, null);
        AuditLog.Record(
            db, time, actor, "snapshot.deleted", row.OrganizationId, row.ProjectId, details: [("snapshot", row.Id), ("name", row.Name), ("container", row.ContainerId)]);
        await db.SaveChangesAsync(cancellationToken);
        Told(row);
        return Result.Ok;
    }

    /// <summary>
    /// Asks for a container's data to be what it was: the container is stopped, given fresh volumes with the snapshot's content, and started again if it
    /// ran. What it has now is gone afterwards. For those who manage it.
    /// </summary>
    public async Task<Result<RestoreInfo>> Restore(Actor actor, Guid snapshotId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, actor, snapshotId, cancellationToken) is not { } found)
            return Errors.SnapshotNotFound;
        if (!found.Manages)
            return Errors.NotYours;
        if (found.Snapshot.State != SnapshotState.Ready)
            return Errors.NotReady;
        return found.Container is not { DeletedAt: null } container ? Errors.ContainerGone : await Begin(db, actor, found.Snapshot, container, "snapshot.restored", cancellationToken);
    }

    /// <summary>Makes a container like the one that the snapshot is of, with the snapshot's data; for those who manage that one.</summary>
    /// <param name="name">Null: the snapshot's container's, with a word to tell them apart.</param>
    public async Task<Result<ContainerInfo>> RestoreAsNew(Actor actor, Guid snapshotId, string? name = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, actor, snapshotId, cancellationToken) is not { } found)
            return Errors.SnapshotNotFound;
        if (!found.Manages)
            return Errors.NotYours;
        var snapshot = found.Snapshot;
        if (snapshot.State != SnapshotState.Ready)
            return Errors.NotReady;
        name = string.IsNullOrWhiteSpace(name) ? (snapshot.ContainerName.Length > 70 ? snapshot.ContainerName : $"{snapshot.ContainerName} restored") : name;
        var made = found.Container is { DeletedAt: null } original
            ? await containers.Duplicate(actor, original.Id, cancellationToken)
            : await containers.Create(actor, new NewContainer(snapshot.ProjectId, snapshot.TemplateId, snapshot.TemplateVersion, snapshot.TierId, name), cancellationToken);
        if (!made.Succeeded)
            return made.Error;
        var container = await db.Set<Container>().SingleAsync(row => row.Id == made.Value.Id, cancellationToken);
        var begun = await Begin(db, actor, snapshot, container, "snapshot.restored_as_new", cancellationToken);
        if (!begun.Succeeded)
        {
            await containers.Delete(actor, container.Id, cancellationToken);
            return begun.Error;
        }
        return found.Container is { DeletedAt: null } ? await containers.Rename(actor, container.Id, name, cancellationToken) : made;
    }

    /// <summary>The stored file, as it comes; for those who manage the container. Noted in the audit log.</summary>
    public async Task<Result<SnapshotDownload>> Download(Actor actor, Guid snapshotId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await Find(db, actor, snapshotId, cancellationToken) is not { } found)
            return Errors.SnapshotNotFound;
        if (!found.Manages)
            return Errors.NotYours;
        var row = found.Snapshot;
        if (row is not { State: SnapshotState.Ready, Location: { } location, Sha256: { } hash })
            return Errors.NotReady;
        var (store, key) = stores.Of(location);
        var content = await store.Open(key, cancellationToken);
        AuditLog.Record(
            db, time, actor, "snapshot.downloaded", row.OrganizationId, row.ProjectId, details: [("snapshot", row.Id), ("name", row.Name), ("container", row.ContainerId)]);
        await db.SaveChangesAsync(cancellationToken);
        var plain = new string([.. row.ContainerName.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).Trim('-');
        return new SnapshotDownload(
            content, string.Create(CultureInfo.InvariantCulture, $"{(plain.Length == 0 ? "container" : plain)}-{row.CreatedAt.UtcDateTime:yyyyMMdd-HHmm}.tar.gz"), row.Bytes, hash);
    }

    /// <summary>Says when snapshots are taken by themselves; for those who manage the container.</summary>
    /// <param name="cron"><c>hourly</c>, <c>daily</c>, or cron's five fields in UTC; null ends it.</param>
    /// <param name="keep">How many automatic ones are kept, 1 to 100.</param>
    public async Task<Result> SetSchedule(Actor actor, Guid containerId, string? cron, int keep = 7, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Containers.Errors.ContainerNotFound;
        if (!grant.Rights.CanManage)
            return Errors.NotYours;
        var container = grant.Container;
        var row = await db.Set<SnapshotSchedule>().SingleOrDefaultAsync(schedule => schedule.ContainerId == containerId, cancellationToken);
        if (string.IsNullOrWhiteSpace(cron))
        {
            if (row is null)
                return Result.Ok;
            db.Remove(row);
        }
        else
        {
            if (container.Place == ContainerPlace.Remote)
                return Errors.RemotePlace;
            var text = cron.Trim() switch
            {
                "hourly" => CronTimes.Hourly,
                "daily" => CronTimes.Daily,
                var other => string.Join(' ', other.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            };
            if (text.Length > 100 || CronTimes.Parse(text) is not { } times)
                return Errors.CronInvalid;
            if (keep is < 1 or > 100)
                return Errors.KeepInvalid;
            var next = times.After(time.GetUtcNow())!.Value;
            for (var (at, i) = (next, 0); i < 60; i++)
            {
                if (times.After(at) is not { } following)
                    break;
                if (following - at < LeastPause)
                    return Errors.CronTooOften;
                at = following;
            }
            if (row is null)
                db.Add(new SnapshotSchedule { ContainerId = containerId, Cron = text, Keep = keep, NextAt = next });
            else
                (row.Cron, row.Keep, row.Enabled, row.NextAt) = (text, keep, true, next);
        }
        AuditLog.Record(
            db, time, actor, "snapshot.scheduled", container.OrganizationId, container.ProjectId, details: [("container", containerId), ("cron", cron ?? "never"), ("keep", keep)]);
        await db.SaveChangesAsync(cancellationToken);
        changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, containerId));
        return Result.Ok;
    }

    /// <summary>Notes a snapshot to be taken.</summary>
    /// <param name="actor">Null: a schedule.</param>
    internal async Task<Result<Guid>> Add(DemiurgeDbContext db, Container container, Actor? actor, string name, CancellationToken cancellationToken)
    {
        if (container.DeletedAt is not null)
            return Containers.Errors.Deleted;
        if (container.Place == ContainerPlace.Remote)
            return Errors.RemotePlace;
        if (container.HostId is null)
            return Errors.NeverRan;
        var spec = (await db.Set<Templates.TemplateVersion>().AsNoTracking().SingleAsync(
            row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
        if (spec.Volumes.Count == 0)
            return Errors.NoVolumes;
        if ((await Room(db, container, cancellationToken)).Full is { } full)
            return full;
        if (await db.Set<SnapshotRestore>().AnyAsync(row => row.ContainerId == container.Id && row.FinishedAt == null, cancellationToken))
            return Errors.RestoreUnderWay;
        var now = time.GetUtcNow();
        var snapshot = new Snapshot
        {
            ContainerId = container.Id,
            OrganizationId = container.OrganizationId,
            ProjectId = container.ProjectId,
            Name = name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyy-MM-dd HH:mm}"),
            ContainerName = container.Name,
            TemplateId = container.TemplateId,
            TemplateVersion = container.TemplateVersion,
            TierId = container.TierId,
            CreatedAt = now,
            CreatedBy = actor?.UserId,
            Automatic = actor is null,
            State = SnapshotState.Creating,
            Step = "Waits for its turn",
        };
        db.Add(snapshot);
        AuditLog.Record(
            db, time, actor, "snapshot.requested", container.OrganizationId, container.ProjectId, details: [("snapshot", snapshot.Id), ("container", container.Id), ("name", snapshot.Name)]);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            db.ChangeTracker.Clear();
            return Errors.UnderWay;
        }
        Told(snapshot);
        return snapshot.Id;
    }

    /// <summary>What the organization's snapshots take in the stores.</summary>
    internal static Task<long> Used(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) =>
        db.Set<Snapshot>().Where(row => row.OrganizationId == organizationId).SumAsync(row => row.Bytes, cancellationToken);

    internal async Task<long> Quota(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) =>
        await db.Set<ContainerQuota>().Where(row => row.OrganizationId == organizationId).Select(row => row.SnapshotBytes).SingleOrDefaultAsync(cancellationToken)
        ?? options.Value.PerOrganizationBytes;

    /// <summary>How many bytes are left for a container's snapshots, by its organization's quota and its owner's, and the refusal when there are none.</summary>
    internal async Task<(long Left, Error? Full)> Room(DemiurgeDbContext db, Container container, CancellationToken cancellationToken)
    {
        var quota = await Quota(db, container.OrganizationId, cancellationToken);
        var left = quota - await Used(db, container.OrganizationId, cancellationToken);
        var own = await db.Set<PersonQuota>().Where(row => row.OrganizationId == container.OrganizationId && row.UserId == container.OwnerId)
            .Select(row => row.SnapshotBytes).SingleOrDefaultAsync(cancellationToken);
        if (own is { } limit)
        {
            var owns = db.Set<Container>().Where(row => row.OrganizationId == container.OrganizationId && row.OwnerId == container.OwnerId).Select(row => row.Id);
            var rest = limit - await db.Set<Snapshot>().Where(row => owns.Contains(row.ContainerId)).SumAsync(row => row.Bytes, cancellationToken);
            if (rest < left)
                return (rest, rest <= 0 ? Errors.PersonQuotaReached(limit) : null);
        }
        return (left, left <= 0 ? Errors.QuotaReached(quota) : null);
    }

    private async Task<Result<RestoreInfo>> Begin(
        DemiurgeDbContext db, Actor actor, Snapshot snapshot, Container container, string action, CancellationToken cancellationToken)
    {
        if (container.Place == ContainerPlace.Remote)
            return Errors.RemotePlace;
        if (await db.Set<Snapshot>().AnyAsync(row => row.ContainerId == container.Id && row.State == SnapshotState.Creating, cancellationToken))
            return Errors.UnderWay;
        var restore = new SnapshotRestore { SnapshotId = snapshot.Id, ContainerId = container.Id, RequestedBy = actor.UserId, CreatedAt = time.GetUtcNow() };
        db.Add(restore);
        ContainerStory.Tell(db, container.Id, restore.CreatedAt, "snapshot.restoring", $"Restoring the snapshot {snapshot.Name}.");
        AuditLog.Record(
            db, time, actor, action, snapshot.OrganizationId, snapshot.ProjectId, details: [("snapshot", snapshot.Id), ("name", snapshot.Name), ("container", container.Id)]);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return Errors.RestoreUnderWay;
        }
        signal.Set();
        changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        return InfoOf(restore);
    }

    private void Told(Snapshot row)
    {
        signal.Set();
        changes.Publish(new ContainerChanged(row.OrganizationId, row.ProjectId, row.ContainerId));
    }

    private static async Task<(Snapshot Snapshot, Container? Container, bool Manages)?> Find(
        DemiurgeDbContext db, Actor actor, Guid snapshotId, CancellationToken cancellationToken)
    {
        if (await db.Set<Snapshot>().SingleOrDefaultAsync(row => row.Id == snapshotId, cancellationToken) is not { } snapshot)
            return null;
        if (await ProjectAccess.Find(db, actor, snapshot.ProjectId, cancellationToken) is not { } grant)
            return null;
        var container = await db.Set<Container>().SingleOrDefaultAsync(row => row.Id == snapshot.ContainerId, cancellationToken);
        return (snapshot, container, Manages(grant.Role, actor, container?.OwnerId ?? snapshot.CreatedBy));
    }

    /// <summary>As for the container; of one that is gone, who took the snapshot stands for the owner.</summary>
    private static bool Manages(ProjectRole role, Actor actor, Guid? owner) => role == ProjectRole.Manage || (role >= ProjectRole.Edit && owner == actor.UserId);

    private static async Task<List<SnapshotInfo>> Load(
        DemiurgeDbContext db, IQueryable<Snapshot> snapshots, Func<Guid, Guid?, bool> manages, CancellationToken cancellationToken)
    {
        var rows = await (
            from snapshot in snapshots.AsNoTracking()
            join user in db.Users on snapshot.CreatedBy equals user.Id into users
            from user in users.DefaultIfEmpty()
            orderby snapshot.Id descending
            select new { Snapshot = snapshot, Name = (string?)user.DisplayName }).ToListAsync(cancellationToken);
        return rows.ConvertAll(row =>
        {
            var found = row.Snapshot;
            return new SnapshotInfo(
                found.Id, found.ContainerId, found.ContainerName, found.Name, found.State, found.Step, found.Reason, found.Bytes, found.UnpackedBytes, found.Entries, found.Format,
                found.Sha256, found.CreatedAt, found.FinishedAt, found.CreatedBy, row.Name, found.Automatic, manages(found.ContainerId, found.CreatedBy));
        });
    }

    private static RestoreInfo InfoOf(SnapshotRestore row) =>
        new(row.Id, row.SnapshotId, row.ContainerId, row.State, row.Reason, row.Progress, row.CreatedAt, row.FinishedAt);
}
