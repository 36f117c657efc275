using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Hosts;

/// <summary>
/// Keeps in the rows when each host answered last, and registers the machine's own engine when there is no host yet. Runs in every Web; two of them do the same work twice,
/// which harms nothing.
/// </summary>
public sealed partial class HostWatcher(
    IDbContextFactory<DemiurgeDbContext> contexts, IHostProbe probe, IOptions<ContainerOptions> options, TimeProvider time, ILogger<HostWatcher> logger) : BackgroundService
{
    private const string LocalName = "local";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Why containers can't be started, in words for administrators; null while a host is registered.</summary>
    public string? WhyOff { get; private set; }

    /// <summary>One look at all hosts.</summary>
    public async Task Look(CancellationToken cancellationToken = default)
    {
        List<ContainerHost> hosts;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
            hosts = await db.Set<ContainerHost>().AsNoTracking().ToListAsync(cancellationToken);
        if (hosts.Count == 0)
            await Register(cancellationToken);
        else
            WhyOff = null;
        await Task.WhenAll(hosts.Select(host => Look(host, cancellationToken)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Look(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception.Message);
            }
            await Task.Delay(Interval, time, stoppingToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Look(ContainerHost host, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var error = await Trouble(host, cancellationToken);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var row = db.Set<ContainerHost>().Where(row => row.Id == host.Id && row.Endpoint == host.Endpoint);
        if (error is null)
        {
            var now = time.GetUtcNow();
            await row.ExecuteUpdateAsync(set => set.SetProperty(each => each.LastSeenAt, now).SetProperty(each => each.LastError, (string?)null), cancellationToken);
        }
        else
        {
            // Unless it answered somebody else meanwhile.
            await row.Where(each => each.LastSeenAt == null || each.LastSeenAt < began)
                .ExecuteUpdateAsync(set => set.SetProperty(each => each.LastError, error), cancellationToken);
        }
    }

    private async Task<string?> Trouble(ContainerHost host, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await probe.Ping(host, limit.Token) is var engine && host.EngineId is { } known && engine != known
                ? "Another engine than the one that was registered answers there."
                : null;
        }
        catch (RuntimeException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "It did not answer in time.";
        }
    }

    private async Task Register(CancellationToken cancellationToken)
    {
        if (options.Value.Engine is not { Length: > 0 } endpoint)
        {
            WhyOff = "No host is registered, and Demiurge:Containers:Engine names no engine of this machine. Add a host on the page of hosts.";
            return;
        }

        var host = new ContainerHost { Name = LocalName, Endpoint = endpoint, CreatedAt = time.GetUtcNow() };
        HostProbe found;
        try
        {
            found = await probe.Probe(host, cancellationToken);
        }
        catch (RuntimeException exception)
        {
            var why = $"No host is registered, and this machine's engine can't be used: {exception.Message}";
            if (WhyOff != why)
                Log.NoEngine(logger, exception.Message);
            WhyOff = why;
            return;
        }

        // Containers are idle mostly: processors are promised several times over, memory is not.
        host.Cpus = found.Cpus * 8.0;
        host.MemoryBytes = found.MemoryBytes / 10 * 8;
        host.DiskBytes = found.DiskBytes is { } free ? free / 10 * 8 : 100L << 30;
        host.EngineId = found.EngineId;
        host.LastSeenAt = time.GetUtcNow();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        db.Add(host);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            Log.Registered(logger, endpoint, found.Version);
        }
        catch (DbUpdateException exception) when (exception.InnerException is Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.UniqueViolation })
        {
            // Another Web was faster.
        }

        WhyOff = null;
        foreach (var finding in found.Findings)
            Log.Finding(logger, host.Name, finding);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Containers run on this machine's engine, {Endpoint} (Docker {Version}).")]
        public static partial void Registered(ILogger logger, string endpoint, string version);

        [LoggerMessage(2, LogLevel.Information, "Containers are off: {Reason}")]
        public static partial void NoEngine(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Warning, "The host {Host}: {Finding}")]
        public static partial void Finding(ILogger logger, string host, string finding);

        [LoggerMessage(4, LogLevel.Warning, "The hosts could not be looked at: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
