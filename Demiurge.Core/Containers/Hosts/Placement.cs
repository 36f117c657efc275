using System.Globalization;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Hosts;

/// <summary>Why a host doesn't take a container, in words for the installation's administrators.</summary>
/// <param name="Host">Its name.</param>
public sealed record HostRefusal(string Host, string Reason);

/// <summary>Where a container goes, or why it goes nowhere now.</summary>
/// <param name="Host">Null when no host takes it.</param>
/// <param name="Why">In words for its people, who don't know hosts by name; null when there is a host.</param>
/// <param name="Refusals">Each host's own reason, for administrators; empty when there is a host.</param>
internal sealed record PlacementAnswer(ContainerHost? Host, string? Why, IReadOnlyList<HostRefusal> Refusals);

/// <summary>What is reserved of a host: processors and memory by containers that are to run, disk by all that have their volumes there.</summary>
internal readonly record struct Reservation(double Cpus, long MemoryBytes, long DiskBytes, int Containers);

/// <summary>
/// Which host takes a container: one that is switched on and answers, that is open to the container's organization, and of whose capacity
/// enough is not reserved; of those the one with the most memory to spare. What was placed once stays where its volumes are. For one look at
/// the hosts; not thread-safe.
/// </summary>
internal sealed class Placement
{
    /// <summary>Sums of tenths are a little more than they should be.</summary>
    private const double Rounding = 1e-6;

    private readonly Dictionary<Guid, Reservation> reserved = [];
    private readonly HashSet<Guid> counted = [];
    private readonly IReadOnlyList<ContainerHost> hosts;
    private readonly DateTimeOffset now;

    private Placement(IReadOnlyList<ContainerHost> hosts, DateTimeOffset now)
    {
        this.hosts = hosts;
        this.now = now;
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<ContainerHost> Hosts => hosts;

    public static async Task<Placement> Load(DemiurgeDbContext db, TimeProvider time, CancellationToken cancellationToken)
    {
        var placement = new Placement(await db.Set<ContainerHost>().AsNoTracking().OrderBy(host => host.Name).ToListAsync(cancellationToken), time.GetUtcNow());
        var rows = await (
            from container in db.Set<Container>()
            join tier in db.Set<Tier>() on container.TierId equals tier.Id
            where container.HostId != null && container.Place == ContainerPlace.Engine
            select new { container.Id, Host = container.HostId!.Value, Runs = container.Desired == DesiredState.Running && container.State != ContainerState.Queued, Tier = tier })
            .ToListAsync(cancellationToken);
        foreach (var row in rows)
            placement.Add(row.Id, row.Host, row.Tier, row.Runs);
        return placement;
    }

    public Reservation On(Guid hostId) => reserved.GetValueOrDefault(hostId);

    /// <summary>Counts the container as one that runs on the host, until it is looked at anew.</summary>
    public void Reserve(Container container, Tier tier, ContainerHost host) => Add(container.Id, host.Id, tier, runs: true);

    public PlacementAnswer Place(Container container, Tier tier)
    {
        if (container.HostId is { } placed)
        {
            if (hosts.SingleOrDefault(host => host.Id == placed) is not { } own)
                return new(null, "The host that its data is on is not registered any more.", []);
            return Look(own, container, tier) is not { } refused ? new(own, null, []) : new(
                null,
                refused.Obstacle switch
                {
                    Obstacle.Off => "The host that its data is on is switched off.",
                    Obstacle.Away => "Its host doesn't answer; it is started as soon as it does.",
                    Obstacle.Small => $"The host that its data is on is too small for {Size(tier)}. Choose a smaller tier.",
                    _ => $"The host that its data is on has no room for {Size(tier)} now; it starts as soon as there is some.",
                },
                [new(own.Name, refused.Words)]);
        }
        var looked = hosts.Select(host => (Host: host, Refused: Look(host, container, tier))).ToList();
        if (looked.Where(one => one.Refused is null).Select(one => one.Host).MaxBy(host => host.MemoryBytes - On(host.Id).MemoryBytes) is { } host)
            return new(host, null, []);
        var obstacles = looked.ConvertAll(one => one.Refused!.Obstacle);
        return new(
            null,
            // Of several, the one that is over soonest.
            obstacles.Contains(Obstacle.Full) ? $"No host has room for {Size(tier)} now; it starts as soon as one has."
            : obstacles.Contains(Obstacle.Away) ? "No host answers now; it is started as soon as one does."
            : obstacles.Contains(Obstacle.Small) ? $"No host is large enough for {Size(tier)}. Choose a smaller tier."
            : obstacles.Count > 0 ? "No host takes containers of this organization now."
            : "No host is registered. An administrator can add one.",
            looked.ConvertAll(one => new HostRefusal(one.Host.Name, one.Refused!.Words)));
    }

    private enum Obstacle { Off, Others, Away, Small, Full }

    private sealed record Refusal(Obstacle Obstacle, string Words);

    /// <summary>Null when the host takes it.</summary>
    private Refusal? Look(ContainerHost host, Container container, Tier tier)
    {
        var isPlaced = container.HostId == host.Id;
        var (cpus, memory, disk, _) = On(host.Id);
        var diskNeeded = counted.Contains(container.Id) ? 0 : tier.DiskBytes;
        if (!host.Enabled)
            return new(Obstacle.Off, "It is switched off.");
        // Data that is there stays usable when a host is closed to its organization later.
        if (!isPlaced && host.OrganizationIds.Count > 0 && !host.OrganizationIds.Contains(container.OrganizationId))
            return new(Obstacle.Others, "It takes containers of other organizations only.");
        if (host.LastError is { } error)
            return new(Obstacle.Away, $"It doesn't answer: {error}");
        if (ContainerHostService.IsStale(host, now))
            return new(Obstacle.Away, string.Create(CultureInfo.InvariantCulture, $"It has not answered since {host.LastSeenAt:u}."));
        if (tier.Cpus > host.Cpus + Rounding || tier.MemoryBytes > host.MemoryBytes || diskNeeded > host.DiskBytes)
            return new(Obstacle.Small, $"It is too small: it has {Capacity(host.Cpus, host.MemoryBytes, host.DiskBytes)} to give.");
        return cpus + tier.Cpus > host.Cpus + Rounding || memory + tier.MemoryBytes > host.MemoryBytes || disk + diskNeeded > host.DiskBytes
            ? new(Obstacle.Full, $"Of it {Capacity(Math.Max(0, host.Cpus - cpus), Math.Max(0, host.MemoryBytes - memory), Math.Max(0, host.DiskBytes - disk))} are not reserved.")
            : null;
    }

    private void Add(Guid containerId, Guid hostId, Tier tier, bool runs)
    {
        var before = On(hostId);
        var isNew = counted.Add(containerId);
        reserved[hostId] = new(
            before.Cpus + (runs ? tier.Cpus : 0), before.MemoryBytes + (runs ? tier.MemoryBytes : 0), before.DiskBytes + (isNew ? tier.DiskBytes : 0),
            before.Containers + (isNew ? 1 : 0));
    }

    private static string Size(Tier tier) => string.Create(CultureInfo.InvariantCulture, $"{tier.Cpus:0.##} vCPU and {Gigabytes(tier.MemoryBytes)}");

    private static string Capacity(double cpus, long memory, long disk) =>
        string.Create(CultureInfo.InvariantCulture, $"{cpus:0.##} vCPU, {Gigabytes(memory)} of memory and {Gigabytes(disk)} of disk");

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):0.##} GB");
}
