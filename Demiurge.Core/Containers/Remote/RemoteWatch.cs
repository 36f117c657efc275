using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Remote;

/// <summary>
/// Drops machines that have been silent for too long, and cuts those off whose container was deleted or whose person may not manage it any
/// more. Looks every few seconds, and at once when access or a container changes. It writes nothing twice, so several may run on one database.
/// </summary>
public sealed partial class RemoteWatch(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, AccessChanges access, IOptions<RemoteOptions> options, TimeProvider time,
    ILogger<RemoteWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim poke = new(0, 1);

    /// <summary>Looks once.</summary>
    public async Task Look(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var silentSince = time.GetUtcNow() - options.Value.SilenceLimit;
        var joined = await (
            from machine in db.Set<RemoteMachine>()
            join container in db.Set<Container>() on machine.ContainerId equals container.Id
            where machine.ReportTokenHash != null || machine.JoinTokenHash != null
            select new
            {
                Container = container,
                Person = machine.ReportTokenHash != null ? machine.JoinedBy : null,
                IsSilent = container.State == ContainerState.Running && (machine.LastSeenAt == null || machine.LastSeenAt < silentSince),
            }).AsNoTracking().ToListAsync(cancellationToken);
        foreach (var row in joined)
        {
            var isOver = row.Container.DeletedAt is not null
                || (row.Person is { } person && !await RemoteReports.MayManage(db, row.Container, person, cancellationToken));
            if (isOver || row.IsSilent)
                await End(row.Container.Id, row.Person, isOver, silentSince, cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        access.Changed += OnAccess;
        changes.Changed += OnContainer;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await Look(stoppingToken);
                }
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    Log.Failed(logger, exception);
                }
                await poke.WaitAsync(Interval, stoppingToken);
            }
        }
        finally
        {
            access.Changed -= OnAccess;
            changes.Changed -= OnContainer;
        }
    }

    private async Task End(Guid containerId, Guid? person, bool isOver, DateTimeOffset silentSince, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // It may have spoken, or been replaced, meanwhile.
        if (await RemoteState.Lock(db, containerId, cancellationToken) is not (var container, { } machine))
            return;
        var now = time.GetUtcNow();
        var changed = false;
        if (isOver)
        {
            if (container.DeletedAt is null && (machine.JoinedBy != person || machine.ReportTokenHash is null))
                return;
            machine.Revoke(now);
            changed = RemoteState.Stops(db, container, "Cut off: the person whose machine it was may not manage this container any more.", now);
            Log.CutOff(logger, containerId);
        }
        else if (machine.LastSeenAt is null || machine.LastSeenAt < silentSince)
        {
            changed = RemoteState.Stops(db, container, $"Your machine hasn't been heard of for {options.Value.SilenceLimit.TotalSeconds:0} seconds.", now);
        }
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (changed)
            changes.Publish(RemoteState.Change(container));
    }

    private void OnAccess(AccessChanged change) => Poke();

    private void OnContainer(ContainerChanged change) => Poke();

    private void Poke()
    {
        try
        {
            poke.Release();
        }
        catch (SemaphoreFullException)
        {
            // It will look anyway.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Looking after people's own machines failed; trying again")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Information, "The machine of container {ContainerId} was cut off")]
        public static partial void CutOff(ILogger logger, Guid containerId);
    }
}
