using Demiurge.Core.Audit;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Tiers;

/// <summary>A tier as people choose it.</summary>
/// <param name="PricePerHour">In the installation's currency.</param>
public sealed record TierInfo(
    Guid Id, string Name, double Cpus, long MemoryBytes, long DiskBytes, int Pids, decimal PricePerHour, bool Enabled, int Order);

/// <summary>What a tier is to be.</summary>
public sealed record TierValues(
    string Name, double Cpus, long MemoryBytes, long DiskBytes, int Pids, decimal PricePerHour, bool Enabled = true, int Order = 0);

/// <summary>The tiers: everybody sees them, platform administrators change them. Safe for concurrent use.</summary>
public sealed class TierService(IDbContextFactory<DemiurgeDbContext> contexts, TimeProvider time)
{
    private static readonly TextRule NameRule = new("name", "The tier's name", 40);

    /// <summary>In their order.</summary>
    /// <param name="disabled">Whether to list those that aren't offered any more, too.</param>
    public async Task<IReadOnlyList<TierInfo>> List(bool disabled = false, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<Tier>().Where(tier => disabled || tier.Enabled).OrderBy(tier => tier.Order).ThenBy(tier => tier.Name)
            .Select(tier => new TierInfo(
                tier.Id, tier.Name, tier.Cpus, tier.MemoryBytes, tier.DiskBytes, tier.Pids, tier.PricePerHour, tier.Enabled, tier.Order)).ToListAsync(cancellationToken);
    }

    public async Task<Result<TierInfo>> Create(Actor actor, TierValues values, CancellationToken cancellationToken = default) =>
        await Save(actor, new Tier { Name = values.Name }, isNew: true, values, cancellationToken);

    /// <summary>Containers have the new size from their next start on, and are metered at the new price from then on.</summary>
    public async Task<Result<TierInfo>> Update(Actor actor, Guid tierId, TierValues values, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<Tier>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == tierId, cancellationToken) is { } tier
            ? await Save(actor, tier, isNew: false, values, cancellationToken)
            : Errors.TierNotFound;
    }

    private async Task<Result<TierInfo>> Save(Actor actor, Tier tier, bool isNew, TierValues values, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        var name = NameRule.Check(values.Name);
        if (!name.Succeeded)
            return name.Error;
        if (Fault(values) is { } fault)
            return fault;
        if (await db.Set<Tier>().AnyAsync(row => row.Name == name.Value && row.Id != tier.Id, cancellationToken))
            return Errors.TierNameTaken;
        if (isNew)
            db.Add(tier);
        else
            db.Update(tier);
        tier.Name = name.Value;
        tier.Cpus = values.Cpus;
        tier.MemoryBytes = values.MemoryBytes;
        tier.DiskBytes = values.DiskBytes;
        tier.Pids = values.Pids;
        tier.PricePerHour = values.PricePerHour;
        tier.Enabled = values.Enabled;
        tier.Order = values.Order;
        AuditLog.Record(db, time, actor, isNew ? "tier.created" : "tier.updated", details: [("name", tier.Name), ("price", tier.PricePerHour), ("enabled", tier.Enabled)]);
        await db.SaveChangesAsync(cancellationToken);
        return new TierInfo(tier.Id, tier.Name, tier.Cpus, tier.MemoryBytes, tier.DiskBytes, tier.Pids, tier.PricePerHour, tier.Enabled, tier.Order);
    }

    private static Error? Fault(TierValues values) =>
        values.Cpus is not (>= 0.05 and <= 256) ? Refuse("cpus", "A tier has between 0.05 and 256 vCPUs.")
        : values.MemoryBytes is < 16L << 20 or > 4L << 40 ? Refuse("memoryBytes", "A tier has between 16 MB and 4 TB of memory.")
        : values.DiskBytes is < 0 or > 1L << 50 ? Refuse("diskBytes", "A tier has at most a petabyte of disk.")
        : values.Pids is < 16 or > 100_000 ? Refuse("pids", "A tier allows between 16 and 100000 processes.")
        : values.PricePerHour is < 0 or > 10_000 ? Refuse("pricePerHour", "The price of an hour lies between 0 and 10000.")
        : null;

    private static Error Refuse(string field, string message) => new("tier.value_refused", message, ErrorKind.Invalid) { Field = field };
}
