using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Usage;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>Stops, removes and purges containers, and finds out about those that ended by themselves. Every step can be repeated.</summary>
internal sealed class ContainerEnder(
    IDbContextFactory<DemiurgeDbContext> contexts, ContainerWriter writer, ContainerLogKeeper logs, ContainerEnvironment environment, Installation installation,
    ContainerChanges changes, IOptions<ContainerOptions> options, TimeProvider time)
{
    public async Task Stop(Container container, IContainerRuntime? runtime, CancellationToken cancellationToken)
    {
        RuntimeContainer? found = null;
        if (runtime is not null)
        {
            var name = (await installation.Names(cancellationToken)).Container(container.Id);
            found = await runtime.Find(name, cancellationToken);
            if (found is not null && found.State is not (RuntimeState.Exited or RuntimeState.Dead or RuntimeState.Created))
            {
                await runtime.Stop(name, options.Value.StopGrace, cancellationToken);
                found = await runtime.Find(name, cancellationToken);
            }
            if (container.State == ContainerState.Stopping)
                await logs.Keep(container, runtime, name, cancellationToken);
        }
        if (container.State is ContainerState.Stopped or ContainerState.Failed && container.StartedAt is null)
            return;
        await writer.Write(
            container,
            async (db, row) =>
            {
                row.StartedAt = null;
                row.ExitCode = found?.ExitCode;
                if (row.State is not (ContainerState.Stopped or ContainerState.Failed))
                    writer.Show(db, row, ContainerState.Stopped, row.Reason, "Stopped.");
                await UsageMeter.Ended(db, row.Id, found?.FinishedAt ?? time.GetUtcNow(), cancellationToken);
            },
            cancellationToken);
    }

    public async Task Remove(Container container, IContainerRuntime? runtime, CancellationToken cancellationToken)
    {
        var purges = container.DeletedAt + options.Value.UndoTime <= time.GetUtcNow();
        if (runtime is not null && (purges || container.EngineId is not null || container.StartedAt is not null || container.HostId is not null))
        {
            var name = (await installation.Names(cancellationToken)).Container(container.Id);
            if (await runtime.Find(name, cancellationToken) is { } found)
            {
                if (found.State == RuntimeState.Running)
                    await runtime.Stop(name, options.Value.StopGrace, cancellationToken);
                await logs.Keep(container, runtime, name, cancellationToken);
            }
            await runtime.Remove(name, volumes: purges, cancellationToken);
        }
        if (purges)
        {
            await Purge(container, cancellationToken);
            return;
        }
        if (container.EngineId is null && container.StartedAt is null)
            return;
        await writer.Write(
            container,
            async (db, row) =>
            {
                row.EngineId = null;
                row.StartedAt = null;
                ContainerStory.Tell(db, row.Id, time.GetUtcNow(), "removed", "Removed from its host; its data is kept for an undo.");
                await UsageMeter.Ended(db, row.Id, time.GetUtcNow(), cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Of a container on a person's own machine only the row is ours.</summary>
    public Task PurgeRemote(Container container, CancellationToken cancellationToken) =>
        container.DeletedAt + options.Value.UndoTime <= time.GetUtcNow() ? Purge(container, cancellationToken) : Task.CompletedTask;

    /// <summary>Looks whether it runs still, and where, or has ended by itself.</summary>
    /// <exception cref="RuntimeException">It ended, but its engine is going, too.</exception>
    public async Task Verify(Container container, IContainerRuntime? runtime, CancellationToken cancellationToken)
    {
        if (runtime is null)
            return;
        var name = (await installation.Names(cancellationToken)).Container(container.Id);
        var found = await runtime.Find(name, cancellationToken);
        await using var reading = await contexts.CreateDbContextAsync(cancellationToken);
        if (found is { State: RuntimeState.Running or RuntimeState.Paused or RuntimeState.Restarting } && found.Generation == container.Generation)
        {
            var template = (await reading.Set<TemplateVersion>().AsNoTracking().SingleAsync(
                row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
            var endpoints = ContainerStarter.Endpoints(container, template, found);
            if (container.Reason is null && endpoints.SequenceEqual(container.Endpoints) && (container.StartedAt - found.StartedAt)?.Duration() <= UsageMeter.Same)
                return;
            await writer.Write(
                container,
                async (db, row) =>
                {
                    row.Reason = null;
                    row.Endpoints = endpoints;
                    row.EngineId = found.EngineId;
                    row.StartedAt = found.StartedAt ?? row.StartedAt ?? time.GetUtcNow();
                    await UsageMeter.Runs(db, row, row.StartedAt.Value, time.GetUtcNow(), cancellationToken);
                },
                cancellationToken);
            return;
        }
        if (!await runtime.TakesConnections(cancellationToken))
            throw new RuntimeException(RuntimeFailure.Unreachable, "It ended while its engine shuts down.");

        await logs.Keep(container, runtime, name, cancellationToken);
        var reason = (await environment.Redactor(reading, container, cancellationToken)).Apply(found is null ? "It was removed from its host." : EndReason.Of(found));
        await writer.Write(
            container,
            async (db, row) =>
            {
                row.Desired = DesiredState.Stopped;
                row.ExitCode = found?.ExitCode;
                row.StartedAt = null;
                writer.Show(db, row, found is { ExitCode: 0, OutOfMemory: false } ? ContainerState.Stopped : ContainerState.Failed, reason, reason);
                await UsageMeter.Ended(db, row.Id, found?.FinishedAt, cancellationToken);
            },
            cancellationToken);
    }

    private async Task Purge(Container container, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await UsageMeter.Ended(db, container.Id, time.GetUtcNow(), cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.Set<Container>().Where(row => row.Id == container.Id && row.Desired == DesiredState.Deleted).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new ContainerChanged(container.OrganizationId, container.ProjectId, container.Id));
    }
}
