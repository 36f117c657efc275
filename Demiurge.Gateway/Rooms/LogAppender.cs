using System.Text.Json;
using Demiurge.Core.Rooms;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Rooms;

/// <summary>
/// Carries the rooms' edits to Web's log, in order. One batch is on its way at a time and the next collects meanwhile, so a lone
/// edit leaves at once and a busy gateway commits in groups. A batch that got no answer is sent again, the same, until Web
/// confirms or fences. What waits is bounded: <see cref="Admit"/> holds the readers back. Thread-safe.
/// </summary>
public sealed partial class LogAppender(ControlPlane control, string gatewayToken, RoomLimits limits, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Batches start no closer together than this: below what anyone notices, and a tenth of the commits.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(15);

    private const int BatchBytes = 8 << 20;

    private readonly Lock gate = new();
    private readonly Queue<RoomAppend> waiting = new();
    private readonly SemaphoreSlim arrived = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private long enqueued, committed, backlogBytes;
    private TaskCompletionSource? roomInBacklog;
    private TaskCompletionSource progress = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task running = Task.CompletedTask;

    /// <summary>Position of the last update that is durable; positions count from 1 in the order of <see cref="Enqueue"/>.</summary>
    public long Committed => Volatile.Read(ref committed);

    public long Enqueued => Volatile.Read(ref enqueued);

    public long BacklogBytes => Volatile.Read(ref backlogBytes);

    /// <summary>A batch became durable; on the appender's loop.</summary>
    public event Action? Advanced;

    /// <summary>Projects whose updates Web dropped because they are no more.</summary>
    public event Action<IReadOnlyList<Guid>>? Unknown;

    /// <summary>Begins to append. The task ends when disposed, and throws <see cref="FencedException"/> when Web refuses the epoch.</summary>
    public Task Start() => running = Run();

    /// <summary>Takes an update of a room and returns its position.</summary>
    public long Enqueue(Guid projectId, ReadOnlyMemory<byte> update)
    {
        long position;
        lock (gate)
        {
            waiting.Enqueue(new RoomAppend(projectId, update));
            position = ++enqueued;
            backlogBytes += update.Length;
        }

        Signal();
        return position;
    }

    /// <summary>Waits until there is room for more edits.</summary>
    public ValueTask Admit(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (backlogBytes <= limits.LogBacklogBytes)
                return ValueTask.CompletedTask;
            roomInBacklog ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return new(roomInBacklog.Task.WaitAsync(cancellationToken));
        }
    }

    /// <summary>Waits until everything enqueued before the call is durable.</summary>
    /// <exception cref="FencedException">Web refused the epoch, so it never will be. Any other failure of the appender comes out likewise.</exception>
    /// <exception cref="ObjectDisposedException">The appender was disposed before.</exception>
    public async Task Flush(CancellationToken cancellationToken)
    {
        var target = Enqueued;
        while (true)
        {
            var next = Volatile.Read(ref progress).Task;
            if (Committed >= target)
                return;
            if (await Task.WhenAny(next, running).WaitAsync(cancellationToken) == running)
            {
                await running;
                ObjectDisposedException.ThrowIf(Committed < target, this);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
        arrived.Dispose();
    }

    private async Task Run()
    {
        try
        {
            for (long number = 1; ; number++)
            {
                while (Committed == Enqueued)
                    await arrived.WaitAsync(stopping.Token);
                var started = time.GetTimestamp();
                var (batch, bytes) = Collect();
                var unknown = await AppendUntilAnswered(RoomLogWire.WriteAppend(number, batch), stopping.Token);
                Commit(batch.Count, bytes);
                if (unknown.Count > 0)
                    Unknown?.Invoke(unknown);
                if (Pace - time.GetElapsedTime(started) is { Ticks: > 0 } pause)
                    await Task.Delay(pause, time, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private (List<RoomAppend> Batch, long Bytes) Collect()
    {
        var batch = new List<RoomAppend>();
        var bytes = 0L;
        lock (gate)
        {
            while (waiting.TryPeek(out var next) && (batch.Count == 0 || bytes + next.Bytes.Length <= BatchBytes))
            {
                batch.Add(waiting.Dequeue());
                bytes += next.Bytes.Length;
            }
        }

        return (batch, bytes);
    }

    private async Task<IReadOnlyList<Guid>> AppendUntilAnswered(byte[] body, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await control.Append(gatewayToken, body, cancellationToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                if (attempt == 0 || attempt % 20 == 19)
                    Log.Retrying(logger, attempt + 1, exception.Message);
                var pause = TimeSpan.FromMilliseconds(Math.Min(1000, 25 << Math.Min(attempt, 6)) * (0.5 + Random.Shared.NextDouble()));
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private void Commit(int count, long bytes)
    {
        TaskCompletionSource? room = null;
        lock (gate)
        {
            committed += count;
            backlogBytes -= bytes;
            if (backlogBytes <= limits.LogBacklogBytes / 2)
                (room, roomInBacklog) = (roomInBacklog, null);
        }

        room?.SetResult();
        Interlocked.Exchange(ref progress, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        Advanced?.Invoke();
    }

    private void Signal()
    {
        try
        {
            arrived.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
        catch (ObjectDisposedException)
        {
            // The organization has just gone; its room has yet to notice.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Appending to the log failed {Attempts} times, trying again: {Reason}")]
        public static partial void Retrying(ILogger logger, int attempts, string reason);
    }
}
