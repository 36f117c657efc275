using System.Globalization;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers;

/// <summary>Limits on containers: how many, how many that run, and what these take. Null keeps to the installation's setting.</summary>
/// <param name="Cpus">Of those that are to run; likewise memory.</param>
/// <param name="DiskBytes">Of all of them.</param>
/// <param name="SnapshotBytes">What snapshots take in the stores.</param>
public sealed record QuotaValues(
    int? Containers = null, int? Running = null, double? Cpus = null, long? MemoryBytes = null, long? DiskBytes = null, long? SnapshotBytes = null);

/// <summary>A person's limits in an organization and what they have.</summary>
/// <param name="Limits">Those that were given; what is null is the installation's setting.</param>
public sealed record PersonQuotaInfo(Guid UserId, string Name, QuotaValues Limits, QuotaValues Used);

/// <summary>An organization's limits, what it has, and its people's.</summary>
/// <param name="Limits">Those that were given; what is null is in <paramref name="Defaults"/>.</param>
/// <param name="PersonDefaults">For a person who was given none.</param>
/// <param name="CanChange">Whether the one who asked may change the organization's own.</param>
public sealed record OrganizationQuotaInfo(
    QuotaValues Limits, QuotaValues Defaults, QuotaValues Used, QuotaValues PersonDefaults, IReadOnlyList<PersonQuotaInfo> People, bool CanChange);

/// <summary>
/// What organizations and people may have at a time. An organization's limits are set by administrators of the installation, its people's also
/// by its owners and admins. Lowering one takes nothing away: it holds for what is started or made from then on. Safe for concurrent use.
/// </summary>
public sealed class ContainerQuotas(
    IDbContextFactory<DemiurgeDbContext> contexts, IOptions<ContainerOptions> options, IOptions<SnapshotOptions> snapshotOptions, TimeProvider time)
{
    /// <summary>For owners, admins and administrators of the installation.</summary>
    public async Task<Result<OrganizationQuotaInfo>> Get(Actor actor, Guid organizationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var isAdministrator = await PlatformService.IsAdministrator(db, actor, cancellationToken);
        if ((await Allow(db, actor, organizationId, isAdministrator, cancellationToken)).Error is { } refused)
            return refused;
        var own = await db.Set<ContainerQuota>().AsNoTracking().SingleOrDefaultAsync(row => row.OrganizationId == organizationId, cancellationToken);
        var given = await db.Set<PersonQuota>().AsNoTracking().Where(row => row.OrganizationId == organizationId).ToDictionaryAsync(row => row.UserId, cancellationToken);
        var members = await (
            from member in db.OrganizationMembers
            join user in db.Users on member.UserId equals user.Id
            where member.OrganizationId == organizationId
            orderby user.DisplayName, user.Id
            select new { user.Id, user.DisplayName }).ToListAsync(cancellationToken);
        var held = await Held(db, organizationId, except: null, cancellationToken);
        var snapshots = await (
            from snapshot in db.Set<Snapshot>()
            join container in db.Set<Container>() on snapshot.ContainerId equals container.Id into containers
            from container in containers.DefaultIfEmpty()
            where snapshot.OrganizationId == organizationId
            group snapshot.Bytes by (Guid?)container.OwnerId into part
            select new { Owner = part.Key, Bytes = part.Sum() }).ToListAsync(cancellationToken);
        return new OrganizationQuotaInfo(
            Values(own), General(options.Value.PerOrganization, snapshotOptions.Value.PerOrganizationBytes), Used(held, snapshots.Sum(row => row.Bytes)),
            General(options.Value.PerPerson, null),
            members.ConvertAll(member => new PersonQuotaInfo(
                member.Id, member.DisplayName, Values(given.GetValueOrDefault(member.Id)),
                Used(held.Where(row => row.OwnerId == member.Id), snapshots.Where(row => row.Owner == member.Id).Sum(row => row.Bytes)))),
            isAdministrator);
    }

    /// <summary>Sets an organization's limits; for administrators of the installation.</summary>
    public async Task<Result> Set(Actor actor, Guid organizationId, QuotaValues values, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        if (!await db.Organizations.AnyAsync(row => row.Id == organizationId, cancellationToken))
            return Organizations.Errors.OrganizationNotFound;
        if (Fault(values) is { } fault)
            return fault;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        if (await db.Set<ContainerQuota>().SingleOrDefaultAsync(row => row.OrganizationId == organizationId, cancellationToken) is not { } quota)
            db.Add(quota = new ContainerQuota { OrganizationId = organizationId });
        Fill(quota, values);
        AuditLog.Record(db, time, actor, "quota.changed", organizationId, details: Details(values));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Sets a member's limits; for the organization's owners and admins, and administrators of the installation.</summary>
    public async Task<Result> SetPerson(Actor actor, Guid organizationId, Guid userId, QuotaValues values, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var isAdministrator = await PlatformService.IsAdministrator(db, actor, cancellationToken);
        if ((await Allow(db, actor, organizationId, isAdministrator, cancellationToken)).Error is { } refused)
            return refused;
        if (Fault(values) is { } fault)
            return fault;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        if (!await db.OrganizationMembers.AnyAsync(row => row.OrganizationId == organizationId && row.UserId == userId, cancellationToken))
            return Organizations.Errors.MemberNotFound;
        if (await db.Set<PersonQuota>().SingleOrDefaultAsync(row => row.OrganizationId == organizationId && row.UserId == userId, cancellationToken) is not { } quota)
            db.Add(quota = new PersonQuota { OrganizationId = organizationId, UserId = userId });
        Fill(quota, values);
        AuditLog.Record(db, time, actor, "quota.person_changed", organizationId, subjectUserId: userId, details: Details(values));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Refuses what would go over a limit of the organization or the container's owner. Call it with the organization's row locked.</summary>
    /// <param name="container">As it is or is to be; it isn't counted beside itself.</param>
    /// <param name="tier">The tier that it has or is to have.</param>
    /// <param name="isNew">Whether it counts as one more container.</param>
    /// <param name="runs">Whether it is to run.</param>
    /// <param name="before">For a change of the tier, the one that it has: only what grows is looked at.</param>
    internal async Task<Result> Check(
        DemiurgeDbContext db, Container container, Tier tier, bool isNew, bool runs, Tier? before = null, CancellationToken cancellationToken = default)
    {
        var others = await Held(db, container.OrganizationId, container.Id, cancellationToken);
        var own = await db.Set<ContainerQuota>().AsNoTracking().SingleOrDefaultAsync(row => row.OrganizationId == container.OrganizationId, cancellationToken);
        var person = await db.Set<PersonQuota>().AsNoTracking().SingleOrDefaultAsync(
            row => row.OrganizationId == container.OrganizationId && row.UserId == container.OwnerId, cancellationToken);
        return Over(own, options.Value.PerOrganization, others, isPerson: false)
            ?? Over(person, options.Value.PerPerson, others.FindAll(row => row.OwnerId == container.OwnerId), isPerson: true)
            ?? Result.Ok;

        Result? Over(QuotaLimits? given, ContainerLimits general, List<Holding> others, bool isPerson)
        {
            var (containers, running) = (given?.Containers ?? general.Containers, given?.Running ?? general.Running);
            var (cpus, memory, disk) = (given?.Cpus ?? general.Cpus, given?.MemoryBytes ?? general.MemoryBytes, given?.DiskBytes ?? general.DiskBytes);
            var run = others.FindAll(row => row.Runs);
            if (isNew && others.Count + 1 > containers)
                return Errors.QuotaReached("containers", containers.ToString(CultureInfo.InvariantCulture), isPerson);
            if ((isNew || tier.DiskBytes > before?.DiskBytes) && others.Sum(row => row.DiskBytes) + tier.DiskBytes > disk)
                return Errors.QuotaReached("disk for containers", Gigabytes(disk), isPerson);
            if (!runs)
                return null;
            if (before is null && run.Count + 1 > running)
                return Errors.QuotaReached("running containers", running.ToString(CultureInfo.InvariantCulture), isPerson);
            if ((before is null || tier.Cpus > before.Cpus) && run.Sum(row => row.Cpus) + tier.Cpus > cpus + 1e-6)
                return Errors.QuotaReached("vCPUs in running containers", cpus.ToString("0.##", CultureInfo.InvariantCulture), isPerson);
            if ((before is null || tier.MemoryBytes > before.MemoryBytes) && run.Sum(row => row.MemoryBytes) + tier.MemoryBytes > memory)
                return Errors.QuotaReached("memory in running containers", Gigabytes(memory), isPerson);
            return null;
        }
    }

    private static async Task<Result> Allow(DemiurgeDbContext db, Actor actor, Guid organizationId, bool isAdministrator, CancellationToken cancellationToken) =>
        isAdministrator
            ? await db.Organizations.AnyAsync(row => row.Id == organizationId, cancellationToken) ? Result.Ok : Organizations.Errors.OrganizationNotFound
            : (await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "see and set limits", cancellationToken)).Error is { } refused ? refused : Result.Ok;

    private sealed record Holding(Guid OwnerId, bool Runs, double Cpus, long MemoryBytes, long DiskBytes);

    private static Task<List<Holding>> Held(DemiurgeDbContext db, Guid organizationId, Guid? except, CancellationToken cancellationToken) => (
        from container in db.Set<Container>()
        join tier in db.Set<Tier>() on container.TierId equals tier.Id
        where container.OrganizationId == organizationId && container.DeletedAt == null && container.Id != except
        let isOurs = container.Place == ContainerPlace.Engine
        select new Holding(
            container.OwnerId, isOurs && container.Desired == DesiredState.Running, tier.Cpus, tier.MemoryBytes, isOurs ? tier.DiskBytes : 0)).ToListAsync(cancellationToken);

    private static QuotaValues Used(IEnumerable<Holding> held, long snapshots)
    {
        var all = held.ToList();
        var run = all.FindAll(row => row.Runs);
        return new(all.Count, run.Count, run.Sum(row => row.Cpus), run.Sum(row => row.MemoryBytes), all.Sum(row => row.DiskBytes), snapshots);
    }

    private static QuotaValues Values(QuotaLimits? limits) =>
        new(limits?.Containers, limits?.Running, limits?.Cpus, limits?.MemoryBytes, limits?.DiskBytes, limits?.SnapshotBytes);

    private static QuotaValues General(ContainerLimits limits, long? snapshots) =>
        new(limits.Containers, limits.Running, limits.Cpus, limits.MemoryBytes, limits.DiskBytes, snapshots);

    private static void Fill(QuotaLimits limits, QuotaValues values)
    {
        (limits.Containers, limits.Running, limits.Cpus) = (values.Containers, values.Running, values.Cpus);
        (limits.MemoryBytes, limits.DiskBytes, limits.SnapshotBytes) = (values.MemoryBytes, values.DiskBytes, values.SnapshotBytes);
    }

    private static (string, object?)[] Details(QuotaValues values) =>
    [
        ("containers", values.Containers), ("running", values.Running), ("cpus", values.Cpus), ("memoryBytes", values.MemoryBytes),
        ("diskBytes", values.DiskBytes), ("snapshotBytes", values.SnapshotBytes),
    ];

    private static Error? Fault(QuotaValues values) =>
        values.Containers < 0 ? Errors.LimitNegative("containers")
        : values.Running < 0 ? Errors.LimitNegative("running")
        : values.Cpus is { } cpus && !(cpus >= 0 && double.IsFinite(cpus)) ? Errors.LimitNegative("cpus")
        : values.MemoryBytes < 0 ? Errors.LimitNegative("memoryBytes")
        : values.DiskBytes < 0 ? Errors.LimitNegative("diskBytes")
        : values.SnapshotBytes < 0 ? Errors.LimitNegative("snapshotBytes")
        : null;

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):0.##} GB");
}
