using System.Globalization;
using System.Net;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Hosts;

/// <summary>What a host is to be.</summary>
/// <param name="ClientKey">PEM; null keeps the one that is there. It is never shown again.</param>
/// <param name="Cpus">Processors that may be reserved: more than the machine has, if containers are idle mostly.</param>
/// <param name="MemoryBytes">Memory that may be reserved; not more than the machine has.</param>
/// <param name="DiskBytes">Disk that may be reserved.</param>
/// <param name="OrganizationIds">Whose containers it takes; empty: everybody's.</param>
/// <param name="Runtime">The engine's runtime for containers; null: its default.</param>
/// <param name="PublishedAddress">The host's IP address for published ports.</param>
public sealed record HostValues(
    string Name, string Endpoint, string? CaPem, string? ClientCertPem, string? ClientKey, double Cpus, long MemoryBytes, long DiskBytes,
    IReadOnlyList<Guid> OrganizationIds, string? Runtime, HostReach Reach, string? PublishedAddress, bool Enabled = true);

/// <summary>A host as administrators see it.</summary>
/// <param name="IsStale">Whether it has not answered for a minute; it gets no containers then.</param>
/// <param name="ReservedCpus">Of containers that are to run; likewise memory. Disk also of stopped ones.</param>
public sealed record HostInfo(
    Guid Id, string Name, string Endpoint, string? CaPem, string? ClientCertPem, double Cpus, long MemoryBytes, long DiskBytes, IReadOnlyList<Guid> OrganizationIds,
    string? Runtime, HostReach Reach, string? PublishedAddress, bool Enabled, DateTimeOffset? LastSeenAt, string? LastError, bool IsStale,
    double ReservedCpus, long ReservedMemoryBytes, long ReservedDiskBytes, int Containers);

/// <summary>The engines that containers run on; for platform administrators. Nothing is saved that was not tried. Safe for concurrent use.</summary>
public sealed class ContainerHostService(IDbContextFactory<DemiurgeDbContext> contexts, HostKeys keys, IHostProbe probe, TimeProvider time)
{
    /// <summary>How many times its processors a host may promise.</summary>
    public const int CpuOvercommit = 64;

    /// <summary>A host that has not answered for so long is stale.</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromMinutes(1);

    private static readonly TextRule NameRule = new("name", "The host's name", 80);
    private static readonly TextRule RuntimeRule = new("runtime", "The runtime", 64) { Optional = true };

    /// <summary>By name.</summary>
    public async Task<Result<IReadOnlyList<HostInfo>>> List(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        var placement = await Placement.Load(db, time, cancellationToken);
        return placement.Hosts.Select(host => Describe(placement, host)).ToList();
    }

    /// <summary>Looks at a host as it would be saved, without saving it.</summary>
    /// <param name="hostId">The host that is being changed; null for a new one.</param>
    public async Task<Result<HostProbe>> Test(Actor actor, HostValues values, Guid? hostId = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        ContainerHost? host = null;
        if (hostId is { } id && (host = await db.Set<ContainerHost>().SingleOrDefaultAsync(row => row.Id == id, cancellationToken)) is null)
            return HostErrors.NotFound;
        var tried = await Try(db, host ?? New(), values, cancellationToken);
        return tried;
    }

    public async Task<Result<HostInfo>> Create(Actor actor, HostValues values, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        var host = New();
        db.Add(host);
        return await Save(db, actor, host, values, "host.created", cancellationToken);
    }

    public async Task<Result<HostInfo>> Update(Actor actor, Guid hostId, HostValues values, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        return await db.Set<ContainerHost>().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken) is { } host
            ? await Save(db, actor, host, values, "host.updated", cancellationToken)
            : HostErrors.NotFound;
    }

    /// <summary>Whether it takes new containers and starts those it has. Those that run go on. Not tried: a host that is away can be switched off.</summary>
    public async Task<Result> SetEnabled(Actor actor, Guid hostId, bool enabled, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        if (await db.Set<ContainerHost>().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken) is not { } host)
            return HostErrors.NotFound;
        host.Enabled = enabled;
        AuditLog.Record(db, time, actor, enabled ? "host.enabled" : "host.disabled", details: ("name", host.Name));
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>Refused while containers have their data on it.</summary>
    public async Task<Result> Delete(Actor actor, Guid hostId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return HostErrors.Forbidden;
        if (await db.Set<ContainerHost>().SingleOrDefaultAsync(row => row.Id == hostId, cancellationToken) is not { } host)
            return HostErrors.NotFound;
        if (await db.Set<Container>().CountAsync(container => container.HostId == hostId, cancellationToken) is > 0 and var containers)
            return HostErrors.InUse(containers);
        db.Remove(host);
        AuditLog.Record(db, time, actor, "host.deleted", details: ("name", host.Name));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return Result.Ok;
        }
        catch (DbUpdateException exception) when (exception.InnerException is Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.ForeignKeyViolation })
        {
            return HostErrors.InUse(1);
        }
    }

    /// <summary>Whether a host has not answered for a minute.</summary>
    public static bool IsStale(ContainerHost host, DateTimeOffset now) => host.LastSeenAt is { } seen ? now - seen > StaleAfter : host.LastError is not null;

    private ContainerHost New() => new() { Name = "", Endpoint = "", CreatedAt = time.GetUtcNow() };

    private async Task<Result<HostInfo>> Save(DemiurgeDbContext db, Actor actor, ContainerHost host, HostValues values, string action, CancellationToken cancellationToken)
    {
        var tried = await Try(db, host, values, cancellationToken);
        if (!tried.Succeeded)
            return tried.Error;
        host.EngineId = tried.Value.EngineId;
        host.LastSeenAt = time.GetUtcNow();
        host.LastError = null;
        AuditLog.Record(db, time, actor, action, details: [("name", host.Name), ("endpoint", host.Endpoint), ("enabled", host.Enabled)]);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.UniqueViolation } violation)
        {
            return violation.ConstraintName?.Contains("engine", StringComparison.Ordinal) == true ? HostErrors.EngineTaken("another host") : HostErrors.NameTaken;
        }
        return Describe(await Placement.Load(db, time, cancellationToken), host);
    }

    /// <summary>Puts the values into the row, which is not saved here, and connects with them.</summary>
    private async Task<Result<HostProbe>> Try(DemiurgeDbContext db, ContainerHost host, HostValues values, CancellationToken cancellationToken)
    {
        if (Fill(host, values) is { } fault)
            return fault;
        if (await db.Set<ContainerHost>().AnyAsync(other => other.Name == host.Name && other.Id != host.Id, cancellationToken))
            return HostErrors.NameTaken;
        if (host.OrganizationIds.Count > 0 && await db.Organizations.CountAsync(organization => host.OrganizationIds.Contains(organization.Id), cancellationToken) != host.OrganizationIds.Count)
            return HostErrors.OrganizationUnknown;
        HostProbe found;
        try
        {
            found = await probe.Probe(host, cancellationToken);
        }
        catch (RuntimeException exception)
        {
            return HostErrors.Unusable(exception.Message);
        }

        if (await db.Set<ContainerHost>().FirstOrDefaultAsync(other => other.EngineId == found.EngineId && other.Id != host.Id, cancellationToken) is { } same)
            return HostErrors.EngineTaken(same.Name);
        if (host.EngineId is { } before && before != found.EngineId && await db.Set<Container>().AnyAsync(container => container.HostId == host.Id, cancellationToken))
            return HostErrors.EngineChanged;
        return Exceeds(host, found) is { } exceeds ? exceeds : found;
    }

    private Error? Fill(ContainerHost host, HostValues values)
    {
        var name = NameRule.Check(values.Name);
        if (!name.Succeeded)
            return name.Error;
        var runtime = RuntimeRule.Check(values.Runtime);
        if (!runtime.Succeeded)
            return runtime.Error;
        if (!Enum.IsDefined(values.Reach))
            return HostErrors.ReachUnknown;
        if (values.Reach == HostReach.Published && !(IPAddress.TryParse(values.PublishedAddress, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)))
            return HostErrors.PublishedAddressMissing;
        if (!string.IsNullOrWhiteSpace(values.ClientCertPem) && string.IsNullOrWhiteSpace(values.ClientKey) && host.ClientKeyProtected is null)
            return HostErrors.KeyMissing;
        host.Name = name.Value!;
        host.Endpoint = values.Endpoint?.Trim() ?? "";
        host.CaPem = Text(values.CaPem);
        host.ClientCertPem = Text(values.ClientCertPem);
        host.ClientKeyProtected = host.ClientCertPem is null ? null : Text(values.ClientKey) is { } key ? keys.Protect(key) : host.ClientKeyProtected;
        host.Cpus = values.Cpus;
        host.MemoryBytes = values.MemoryBytes;
        host.DiskBytes = values.DiskBytes;
        host.OrganizationIds = [.. (values.OrganizationIds ?? []).Distinct()];
        host.Runtime = runtime.Value is { Length: > 0 } given ? given : null;
        host.Reach = values.Reach;
        host.PublishedAddress = values.Reach == HostReach.Published ? values.PublishedAddress!.Trim() : null;
        host.Enabled = values.Enabled;
        return null;
    }

    private static Error? Exceeds(ContainerHost host, HostProbe found)
    {
        if (host.Runtime is { } runtime && !found.Runtimes.Contains(runtime))
            return HostErrors.RuntimeUnknown(runtime, found.Runtimes);
        if (!(host.Cpus > 0 && host.Cpus <= (double)found.Cpus * CpuOvercommit))
            return HostErrors.Capacity("cpus", string.Create(CultureInfo.InvariantCulture, $"The machine has {found.Cpus} processors: between 0 and {found.Cpus * CpuOvercommit} may be reserved."));
        if (host.MemoryBytes <= 0 || host.MemoryBytes > found.MemoryBytes)
            return HostErrors.Capacity("memoryBytes", string.Create(CultureInfo.InvariantCulture, $"The machine has {found.MemoryBytes >> 20} MB of memory; not more may be reserved."));
        return host.DiskBytes <= 0 ? HostErrors.Capacity("diskBytes", "Say how much disk may be reserved.") : null;
    }

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private HostInfo Describe(Placement placement, ContainerHost host)
    {
        var reserved = placement.On(host.Id);
        return new HostInfo(
            host.Id, host.Name, host.Endpoint, host.CaPem, host.ClientCertPem, host.Cpus, host.MemoryBytes, host.DiskBytes, host.OrganizationIds, host.Runtime, host.Reach,
            host.PublishedAddress, host.Enabled, host.LastSeenAt, host.LastError, IsStale(host, time.GetUtcNow()),
            reserved.Cpus, reserved.MemoryBytes, reserved.DiskBytes, reserved.Containers);
    }
}
