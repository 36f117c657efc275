using Microsoft.Extensions.Logging;
using Npgsql;

namespace Demiurge.Core.Persistence;

/// <summary>
/// Work that one process at a time does, of all on a database: the one that holds an advisory lock, which goes with its connection. A process
/// that loses its connection is told by the token, and may go on for a moment beside its successor: the work must put up with that.
/// </summary>
internal sealed partial class AdvisoryLease(NpgsqlDataSource database, TimeProvider time, ILogger<AdvisoryLease> logger)
{
    private static readonly TimeSpan Standby = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(2);

    /// <summary>Waits for the lock, does the work, and begins again whenever either ends, until it is cancelled.</summary>
    public async Task Hold(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(cancellationToken);
                await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", connection);
                command.Parameters.AddWithValue(name);
                if (await command.ExecuteScalarAsync(cancellationToken) is true)
                    await Work(connection, work, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Interrupted(logger, name, exception.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(Standby, time, cancellationToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Work(NpgsqlConnection connection, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var working = work(held.Token);
        try
        {
            while (await Task.WhenAny(working, Task.Delay(Check, time, held.Token)) != working)
            {
                held.Token.ThrowIfCancellationRequested();
                await using var command = new NpgsqlCommand("SELECT 1", connection) { CommandTimeout = 5 };
                await command.ExecuteScalarAsync(held.Token);
            }
        }
        finally
        {
            await held.CancelAsync();
            await working;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The work of {Name} was interrupted: {Reason}")]
        public static partial void Interrupted(ILogger logger, string name, string reason);
    }
}
