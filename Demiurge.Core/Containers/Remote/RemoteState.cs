using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Remote;

/// <summary>What a container on a person's own machine shows of itself. The reconciler leaves its row alone; this is what writes it.</summary>
internal static class RemoteState
{
    /// <summary>The container, locked until the transaction ends, and its machine; null when there is none of either.</summary>
    public static async Task<(Container Container, RemoteMachine? Machine)?> Lock(DemiurgeDbContext db, Guid containerId, CancellationToken cancellationToken)
    {
        var container = await db.Set<Container>().FromSql($"SELECT *, xmin FROM containers WHERE id = {containerId} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
        return container is null
            ? null
            : (container, await db.Set<RemoteMachine>().SingleOrDefaultAsync(row => row.ContainerId == containerId, cancellationToken));
    }

    /// <summary>Whether that is a change that people see.</summary>
    public static bool Runs(DemiurgeDbContext db, Container container, string? reason, List<ContainerEndpoint> endpoints, DateTimeOffset now)
    {
        if (container.State == ContainerState.Running && container.Reason == reason && container.Endpoints.SequenceEqual(endpoints))
            return false;
        if (container.State != ContainerState.Running)
        {
            container.StateChangedAt = now;
            container.StartedAt = now;
            Tell(db, container, "state.running", "Your machine is there.", now);
        }
        container.State = ContainerState.Running;
        container.Reason = reason;
        container.Endpoints = endpoints;
        return true;
    }

    /// <summary>Whether that is a change that people see.</summary>
    public static bool Stops(DemiurgeDbContext db, Container container, string reason, DateTimeOffset now)
    {
        if (container.State is not (ContainerState.Running or ContainerState.Stopped) || (container.State == ContainerState.Stopped && container.Reason == reason))
            return false;
        if (container.State == ContainerState.Running)
            container.StateChangedAt = now;
        container.State = ContainerState.Stopped;
        container.Reason = reason;
        container.Endpoints = [];
        container.StartedAt = null;
        Tell(db, container, "state.stopped", reason, now);
        return true;
    }

    /// <summary>
    /// Machines' addresses were those of a network that is gone with its gateway; another organization's may have them next. They are forgotten in the transaction that gives the
    /// organization a gateway, so that this one is never told of them.
    /// </summary>
    public static Task ForgetEndpoints(DemiurgeDbContext db, Guid organizationId, CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync(
        $"""
        UPDATE containers SET endpoints = '[]'
        WHERE organization_id = {organizationId} AND endpoints <> '[]' AND EXISTS (SELECT FROM remote_machines WHERE container_id = containers.id)
        """, cancellationToken);

    public static ContainerChanged Change(Container container) => new(container.OrganizationId, container.ProjectId, container.Id);

    private static void Tell(DemiurgeDbContext db, Container container, string kind, string text, DateTimeOffset now) =>
        db.Add(new ContainerEvent { ContainerId = container.Id, At = now, Kind = kind, Text = text });
}
