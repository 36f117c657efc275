using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>
/// Writes what was observed. A write counts only while the row still asks for what the observation belongs to: whoever worked for an
/// earlier request is refused. Safe for concurrent use.
/// </summary>
internal sealed class ContainerWriter(IDbContextFactory<DemiurgeDbContext> contexts, ContainerChanges changes, TimeProvider time)
{
    public async Task<Container?> Read(Guid containerId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<Container>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == containerId, cancellationToken);
    }

    /// <summary>Changes the row if it is still wanted like <paramref name="seen"/>; returns it as it is then, or null if it isn't.</summary>
    public async Task<Container?> Write(Container seen, Func<DemiurgeDbContext, Container, Task> change, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var row = await db.Set<Container>().FromSql($"SELECT *, xmin FROM containers WHERE id = {seen.Id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
        if (row is null || row.Generation != seen.Generation || row.Desired != seen.Desired)
            return null;
        await change(db, row);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new ContainerChanged(row.OrganizationId, row.ProjectId, row.Id));
        return row;
    }

    public Task<Container?> Write(Container seen, Action<DemiurgeDbContext, Container> change, CancellationToken cancellationToken) => Write(
        seen,
        (db, row) =>
        {
            change(db, row);
            return Task.CompletedTask;
        },
        cancellationToken);

    /// <summary>Puts the row into a state and adds that to its story.</summary>
    public void Show(DemiurgeDbContext db, Container row, ContainerState state, string? reason, string story)
    {
        if (row.State != state)
            row.StateChangedAt = time.GetUtcNow();
        row.State = state;
        row.Reason = reason;
        row.Progress = null;
        if (state != ContainerState.Running)
            row.Endpoints = [];
        ContainerStory.Tell(db, row.Id, time.GetUtcNow(), $"state.{state.ToString().ToLowerInvariant()}", story);
    }
}
