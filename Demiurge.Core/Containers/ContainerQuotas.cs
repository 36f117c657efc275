using System.Globalization;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers;

/// <summary>What organizations and people may have at a time.</summary>
public sealed class ContainerQuotas(IOptions<ContainerOptions> options)
{
    /// <summary>Refuses when one more container, or one more that runs, is over a limit. Call it with the organization's row locked.</summary>
    /// <param name="isNew">Whether it counts as one more container.</param>
    /// <param name="starts">The tier of one more that is to run; null: none.</param>
    internal async Task<Result> Check(
        DemiurgeDbContext db, Guid organizationId, Guid ownerId, bool isNew, Tier? starts, CancellationToken cancellationToken)
    {
        var rows = await (
            from container in db.Set<Container>()
            join tier in db.Set<Tier>() on container.TierId equals tier.Id
            where container.OrganizationId == organizationId && container.DeletedAt == null
            group new { container, tier } by new { Own = container.OwnerId == ownerId, Runs = container.Desired == DesiredState.Running && container.Place == ContainerPlace.Engine }
            into part
            select new { part.Key.Own, part.Key.Runs, Count = part.Count(), Cpus = part.Sum(row => row.tier.Cpus), Memory = part.Sum(row => row.tier.MemoryBytes) })
            .ToListAsync(cancellationToken);
        var quota = await db.Set<ContainerQuota>().AsNoTracking().SingleOrDefaultAsync(row => row.OrganizationId == organizationId, cancellationToken);
        var general = options.Value.PerOrganization;
        var limits = new ContainerLimits
        {
            Containers = quota?.Containers ?? general.Containers,
            Running = quota?.Running ?? general.Running,
            Cpus = quota?.Cpus ?? general.Cpus,
            MemoryBytes = quota?.MemoryBytes ?? general.MemoryBytes,
        };
        return Check(limits, person: false, rows.Sum(row => row.Count), rows.Where(row => row.Runs).Sum(row => row.Count),
                rows.Where(row => row.Runs).Sum(row => row.Cpus), rows.Where(row => row.Runs).Sum(row => row.Memory))
            ?? Check(options.Value.PerPerson, person: true, rows.Where(row => row.Own).Sum(row => row.Count), rows.Where(row => row.Own && row.Runs).Sum(row => row.Count),
                rows.Where(row => row.Own && row.Runs).Sum(row => row.Cpus), rows.Where(row => row.Own && row.Runs).Sum(row => row.Memory))
            ?? Result.Ok;

        Result? Check(ContainerLimits limits, bool person, int containers, int running, double cpus, long memory)
        {
            if (isNew && containers + 1 > limits.Containers)
                return Errors.QuotaReached("containers", limits.Containers.ToString(CultureInfo.InvariantCulture), person);
            if (starts is null)
                return null;
            if (running + 1 > limits.Running)
                return Errors.QuotaReached("running containers", limits.Running.ToString(CultureInfo.InvariantCulture), person);
            if (cpus + starts.Cpus > limits.Cpus)
                return Errors.QuotaReached("vCPUs in running containers", limits.Cpus.ToString("0.##", CultureInfo.InvariantCulture), person);
            if (memory + starts.MemoryBytes > limits.MemoryBytes)
                return Errors.QuotaReached("memory in running containers", $"{limits.MemoryBytes / (double)(1 << 30):0.##} GB", person);
            return null;
        }
    }
}
