using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>What restores and repositories do with a container, on behalf of the person who asked for it and was allowed to.</summary>
public sealed partial class ContainerService
{
    /// <summary>Asks for it to be stopped.</summary>
    internal Task StopForRestore(Guid containerId, CancellationToken cancellationToken) => ByItself(
        containerId,
        (db, container) =>
        {
            if (container.Desired != DesiredState.Running)
                return Unchanged;
            container.Desired = DesiredState.Stopped;
            Show(db, container, ContainerState.Stopping, null, "stop.requested", "Stopped while a snapshot is restored.");
            return Changed;
        },
        cancellationToken);

    /// <summary>Gives it another set of volumes, from the next start on.</summary>
    internal Task<Result> SwapVolumes(Guid containerId, int set, bool starts, CancellationToken cancellationToken) => ByItself(
        containerId,
        async (db, container) =>
        {
            if (container.Desired == DesiredState.Running && container.VolumeSet != set)
                return (false, new Error("snapshot.container_runs", "The container was started while the snapshot was restored.", ErrorKind.Conflict));
            container.VolumeSet = set;
            return starts ? await Run(db, container, "start.requested", "Start requested after a restore.", cancellationToken) : (true, null);
        },
        cancellationToken);

    /// <summary>Gives it the services of its repository; true when they are new to it, and it was asked to start anew with them.</summary>
    internal async Task<bool> SetExtraServices(Guid containerId, IReadOnlyList<Templates.TemplateService> services, CancellationToken cancellationToken)
    {
        var restarts = false;
        await ByItself(
            containerId,
            async (db, container) =>
            {
                if (container.ExtraServices.SequenceEqual(services))
                    return (false, null);
                restarts = !container.ExtraServices.Select(service => service.Port).Order().SequenceEqual(services.Select(service => service.Port).Order());
                container.ExtraServices = [.. services];
                return restarts ? await Run(db, container, "restart.requested", "Restarted for the services of demiurge.yaml.", cancellationToken) : (true, null);
            },
            cancellationToken);
        return restarts;
    }

    private async Task<Result> ByItself(
        Guid containerId, Func<Persistence.DemiurgeDbContext, Container, Task<(bool Changed, Error? Refused)>> change, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"SELECT 1 FROM organizations o JOIN containers c ON c.organization_id = o.id WHERE c.id = {containerId} FOR UPDATE OF o", cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM containers WHERE id = {containerId} FOR UPDATE", cancellationToken);
        var container = await db.Set<Container>().SingleOrDefaultAsync(row => row.Id == containerId && row.DeletedAt == null, cancellationToken);
        if (container is null)
            return Errors.ContainerNotFound;
        var (changed, refused) = await change(db, container);
        if (refused is not null)
            return refused;
        if (!changed)
            return Result.Ok;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Request(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
        return Result.Ok;
    }
}
