using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>What containers that are to run have reserved of each host. For one look at the queue; not thread-safe.</summary>
internal sealed class Reservations
{
    private readonly Dictionary<Guid, (double Cpus, long Memory)> running = [];
    private readonly Dictionary<Guid, long> disk = [];
    private readonly HashSet<Guid> counted = [];

    public static async Task<Reservations> Load(DemiurgeDbContext db, CancellationToken cancellationToken)
    {
        var reservations = new Reservations();
        var rows = await (
            from container in db.Set<Container>()
            join tier in db.Set<Tier>() on container.TierId equals tier.Id
            where container.HostId != null && container.Place == ContainerPlace.Engine
            select new { container.Id, Host = container.HostId!.Value, Runs = container.Desired == DesiredState.Running && container.State != ContainerState.Queued, Tier = tier })
            .ToListAsync(cancellationToken);
        foreach (var row in rows)
        {
            // A container's volumes stay on its host while it is stopped, too.
            reservations.disk[row.Host] = reservations.disk.GetValueOrDefault(row.Host) + row.Tier.DiskBytes;
            reservations.counted.Add(row.Id);
            if (row.Runs)
                reservations.Run(row.Host, row.Tier);
        }
        return reservations;
    }

    public void Reserve(Container container, Tier tier, ContainerHost host)
    {
        Run(host.Id, tier);
        if (counted.Add(container.Id))
            disk[host.Id] = disk.GetValueOrDefault(host.Id) + tier.DiskBytes;
    }

    /// <summary>The host with the most memory to spare that takes the container, or why there is none. One that was placed stays where its volumes are.</summary>
    public (ContainerHost? Host, string? Why) Place(Container container, Tier tier, IReadOnlyList<ContainerHost> hosts)
    {
        if (container.HostId is { } placed)
        {
            var own = hosts.SingleOrDefault(host => host.Id == placed);
            return own is null ? (null, "The host that its data is on is not registered any more.")
                : !own.Enabled ? (null, $"The host that its data is on ({own.Name}) is switched off.")
                : !Fits(own, tier, withDisk: false) ? (null, $"The host that its data is on ({own.Name}) has no room for {Size(tier)} now.")
                : (own, null);
        }
        var open = hosts.Where(host => host.Enabled && (host.OrganizationIds.Count == 0 || host.OrganizationIds.Contains(container.OrganizationId))).ToList();
        if (open.Count == 0)
            return (null, hosts.Count == 0 ? "No host is registered. An administrator can add one." : "No host takes containers of this organization now.");
        return open.Where(host => Fits(host, tier, withDisk: true)).MaxBy(host => host.MemoryBytes - running.GetValueOrDefault(host.Id).Memory) is { } host
            ? (host, null)
            : (null, $"No host has room for {Size(tier)} now; it starts as soon as one has.");
    }

    private bool Fits(ContainerHost host, Tier tier, bool withDisk)
    {
        var (cpus, memory) = running.GetValueOrDefault(host.Id);
        return cpus + tier.Cpus <= host.Cpus && memory + tier.MemoryBytes <= host.MemoryBytes
            && (!withDisk || disk.GetValueOrDefault(host.Id) + tier.DiskBytes <= host.DiskBytes);
    }

    private void Run(Guid hostId, Tier tier)
    {
        var (cpus, memory) = running.GetValueOrDefault(hostId);
        running[hostId] = (cpus + tier.Cpus, memory + tier.MemoryBytes);
    }

    private static string Size(Tier tier) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{tier.Cpus:0.##} vCPU and {tier.MemoryBytes / (double)(1 << 30):0.##} GB");
}
