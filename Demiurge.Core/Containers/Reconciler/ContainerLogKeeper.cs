using System.Text;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Reconciler;

/// <summary>Keeps a container's last words, so that they can be read when its engine has forgotten them.</summary>
internal sealed class ContainerLogKeeper(IDbContextFactory<DemiurgeDbContext> contexts, ContainerEnvironment environment, TimeProvider time)
{
    private const int Lines = 200;
    private const int Longest = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Never fails: without them life goes on.</summary>
    public async Task Keep(Container container, IContainerRuntime runtime, string name, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            var text = new StringBuilder();
            await foreach (var line in runtime.Logs(name, null, follow: false, Lines, limit.Token))
                text.Append(line.Text).Append('\n');
            if (text.Length == 0)
                return;
            await using var db = await contexts.CreateDbContextAsync(limit.Token);
            var redacted = (await environment.Redactor(db, container, limit.Token)).Apply(text.ToString()).Replace("\0", "", StringComparison.Ordinal);
            if (redacted.Length > Longest)
                redacted = redacted[^Longest..];
            await db.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO container_log_tails (container_id, generation, at, text)
                SELECT id, {container.Generation}, {time.GetUtcNow()}, {redacted} FROM containers WHERE id = {container.Id}
                ON CONFLICT (container_id) DO UPDATE SET generation = excluded.generation, at = excluded.at, text = excluded.text
                """,
                limit.Token);
        }
        catch (Exception exception) when (exception is RuntimeException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The engine is gone, or slow, or never had it.
        }
    }
}
