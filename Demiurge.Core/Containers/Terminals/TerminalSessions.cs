using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Terminals;

/// <summary>
/// The terminals of this process: one shell for each container and name, shared by all who open it. Safe for concurrent use; starting a
/// shell is serialized by container and name.
/// </summary>
public sealed class TerminalSessions(ContainerEngine engine, TimeProvider time) : IAsyncDisposable
{
    public const int MaxPerContainer = 8, MaxWatchers = 32, MaxPerPerson = 16;

    /// <summary>How long a shell is kept that nobody watches.</summary>
    internal static readonly TimeSpan UnwatchedLife = TimeSpan.FromHours(12);

    private static readonly Error NotRunning = new("container.not_running", "The container doesn't run, so it has no terminal now. Start it first.", ErrorKind.Conflict);

    private static readonly Error NoTerminal = new("container.no_terminal", "Containers of this template have no terminal.", ErrorKind.NotFound);

    private static readonly Error TooMany = new(
        "container.too_many_terminals", "There are as many terminals open as may be. Close one, by `exit` in its shell or by closing its view.", ErrorKind.TooMany);

    private readonly Lock gate = new();
    private readonly Dictionary<(Guid ContainerId, string Name), Slot> slots = [];
    private readonly Dictionary<string, int> openByPerson = [];

    /// <summary>
    /// Joins the terminal, starting its shell when there is none. Errors: the container doesn't run, has no shell, or the limits are reached.
    /// Dispose of the watcher to leave.
    /// </summary>
    /// <param name="visitor">Whom the limit counts; people with the same one are the same.</param>
    public async Task<Result<TerminalWatcher>> Open(
        Guid containerId, string name, string visitor, TerminalPerson person, int columns, int rows, CancellationToken cancellationToken)
    {
        EndUnwatched();
        Slot slot;
        lock (gate)
        {
            var key = (containerId, name);
            if (openByPerson.GetValueOrDefault(visitor) >= MaxPerPerson)
                return TooMany;
            if (!slots.TryGetValue(key, out slot!))
            {
                if (slots.Keys.Count(other => other.ContainerId == containerId) >= MaxPerContainer)
                    return TooMany;
                slots[key] = slot = new Slot();
            }

            slot.Users++;
            openByPerson[visitor] = openByPerson.GetValueOrDefault(visitor) + 1;
        }

        Result<TerminalWatcher> joined = NotRunning;
        try
        {
            await slot.Starting.WaitAsync(cancellationToken);
            try
            {
                joined = await Join(slot, containerId, person, columns, rows, cancellationToken);
            }
            finally
            {
                slot.Starting.Release();
            }
        }
        finally
        {
            if (!joined.Succeeded)
                Left(containerId, name, visitor, slot);
        }

        if (joined.Succeeded)
            joined.Value.Left = () => Left(containerId, name, visitor, slot);
        return joined;
    }

    public async ValueTask DisposeAsync()
    {
        List<TerminalSession> all;
        lock (gate)
            all = [.. slots.Values.Select(slot => slot.Session).OfType<TerminalSession>()];
        foreach (var session in all)
            session.End();
        await Task.WhenAll(all.Select(session => session.Completion)).WaitAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<Result<TerminalWatcher>> Join(
        Slot slot, Guid containerId, TerminalPerson person, int columns, int rows, CancellationToken cancellationToken)
    {
        if (slot.Session is { } running)
        {
            if (running.WatcherCount >= MaxWatchers)
                return TooMany;
            if (running.Join(person, columns, rows) is { } watcher)
                return watcher;
        }

        if (await engine.Find(containerId, cancellationToken) is not var (runtime, containerName, spec))
            return NotRunning;
        if (spec.Shell is not { } shell)
            return NoTerminal;
        IExecStream stream;
        try
        {
            stream = await runtime.Exec(containerName, new ExecSpec([shell], Math.Max(columns, 2), Math.Max(rows, 2))
            {
                Environment = new Dictionary<string, string> { ["TERM"] = "xterm-256color", ["COLORTERM"] = "truecolor" },
                WorkingDirectory = spec.WorkingDirectory,
            }, cancellationToken);
        }
        catch (RuntimeException exception)
        {
            return exception.Failure is RuntimeFailure.NotFound
                ? NotRunning
                : new Error("container.terminal_failed", $"The shell could not be started: {exception.Message}", ErrorKind.Unavailable);
        }

        slot.Session = new TerminalSession(stream, columns, rows, time);
        return slot.Session.Join(person, columns, rows) is { } first ? first : NotRunning;
    }

    private void Left(Guid containerId, string name, string visitor, Slot slot)
    {
        lock (gate)
        {
            slot.Users--;
            if (openByPerson[visitor] == 1)
                openByPerson.Remove(visitor);
            else
                openByPerson[visitor]--;
            if (slot.Users == 0 && slot.Session is null or { Completion.IsCompleted: true })
                slots.Remove((containerId, name));
        }
    }

    /// <summary>Ends shells that were left alone too long, and forgets those that ended.</summary>
    private void EndUnwatched()
    {
        lock (gate)
        {
            foreach (var (key, slot) in slots.Where(entry => entry.Value.Users == 0).ToList())
            {
                if (slot.Session is { Completion.IsCompleted: false } session)
                {
                    if (session.UnwatchedSince < time.GetUtcNow() - UnwatchedLife)
                        session.End();
                }
                else
                {
                    slots.Remove(key);
                }
            }
        }
    }

    /// <summary>A terminal's place. <see cref="Session"/> is written under <see cref="Starting"/>.</summary>
    private sealed class Slot
    {
        public SemaphoreSlim Starting { get; } = new(1, 1);

        public volatile TerminalSession? Session;

        /// <summary>Who watches or is about to; of the lock.</summary>
        public int Users;
    }
}
