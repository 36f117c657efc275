using System.Threading.Channels;
using Demiurge.Core.Containers.Runtime;

namespace Demiurge.Core.Containers.Terminals;

/// <summary>
/// A shell in a container that several people watch and type into. What it writes goes into a scrollback of 256 KB and to every watcher; whoever
/// joins gets the scrollback first. Its size is what the smallest watcher who may type has room for. It lives on without watchers, and ends when the shell
/// ends, or the container.
/// </summary>
/// <remarks>One lock orders output, joins and sizes; nothing waits under it. A watcher whose queue is full loses it and gets the scrollback anew.</remarks>
public sealed class TerminalSession
{
    internal const int ScrollbackBytes = 256 << 10, MaxColumns = 500, MaxRows = 300;

    private const int InputMessages = 256;

    private readonly Lock gate = new();
    private readonly Scrollback scrollback = new(ScrollbackBytes);
    private readonly TerminalTitle titles = new();
    private readonly List<TerminalWatcher> watchers = [];
    private readonly IExecStream shell;
    private readonly TimeProvider time;

    /// <summary>Whoever types faster than the shell reads waits.</summary>
    private readonly Channel<ReadOnlyMemory<byte>> input = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(InputMessages) { SingleReader = true });
    private readonly Channel<(int Columns, int Rows)> sizes = Channel.CreateBounded<(int, int)>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly CancellationTokenSource ending = new();
    private (int Columns, int Rows) size;
    private string? title;
    private TerminalExit? exit;
    private DateTimeOffset unwatchedSince;

    internal TerminalSession(IExecStream shell, int columns, int rows, TimeProvider time)
    {
        this.shell = shell;
        this.time = time;
        size = (columns, rows);
        unwatchedSince = time.GetUtcNow();
        Completion = Run();
    }

    /// <summary>Completes when the shell has ended and its watchers know.</summary>
    public Task Completion { get; }

    /// <summary>Since when nobody watches; null while somebody does.</summary>
    internal DateTimeOffset? UnwatchedSince
    {
        get
        {
            lock (gate)
                return watchers.Count == 0 ? unwatchedSince : null;
        }
    }

    internal int WatcherCount
    {
        get
        {
            lock (gate)
                return watchers.Count;
        }
    }

    /// <summary>Joins; null when it has ended.</summary>
    internal TerminalWatcher? Join(TerminalPerson person, int columns, int rows)
    {
        lock (gate)
        {
            if (exit is not null)
                return null;
            var watcher = new TerminalWatcher(this, person) { Room = Clamp(columns, rows) };
            watchers.Add(watcher);
            Replay(watcher);
            Fit();
            TellWatchers();
            return watcher;
        }
    }

    internal void Leave(TerminalWatcher watcher)
    {
        lock (gate)
        {
            if (!watchers.Remove(watcher))
                return;
            unwatchedSince = time.GetUtcNow();
            Fit();
            TellWatchers();
        }
    }

    internal void Resize(TerminalWatcher watcher, int columns, int rows)
    {
        lock (gate)
        {
            watcher.Room = Clamp(columns, rows);
            Fit();
        }
    }

    /// <summary>Waits while the shell doesn't read. False when it has ended.</summary>
    internal async ValueTask<bool> Write(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await input.Writer.WriteAsync(bytes, cancellationToken);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    /// <summary>Ends the connection to the shell, which then ends if it minds its terminal.</summary>
    internal void End() => ending.Cancel();

    private static (int, int) Clamp(int columns, int rows) => (Math.Clamp(columns, 2, MaxColumns), Math.Clamp(rows, 2, MaxRows));

    private async Task Run()
    {
        await Task.Yield();
        var writing = Pump(input.Reader, bytes => shell.Write(bytes, ending.Token));
        var sizing = Pump(sizes.Reader, next => new ValueTask(shell.Resize(next.Columns, next.Rows, ending.Token)));
        int? code = null;
        try
        {
            var buffer = new byte[32 << 10];
            while (await shell.Read(buffer, ending.Token) is > 0 and var read)
                Show(buffer.AsSpan(0, read));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
            patience.CancelAfter(TimeSpan.FromSeconds(2));
            code = await shell.ExitCode(patience.Token);
        }
        catch (Exception exception) when (exception is RuntimeException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It went with its container, or its engine.
        }

        lock (gate)
        {
            exit = new TerminalExit(code);
            foreach (var watcher in watchers)
                watcher.End(exit.ToBytes());
            watchers.Clear();
        }
        input.Writer.TryComplete();
        sizes.Writer.TryComplete();
        await ending.CancelAsync();
        await Task.WhenAll(writing, sizing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await shell.DisposeAsync();
    }

    private static async Task Pump<T>(ChannelReader<T> reader, Func<T, ValueTask> write)
    {
        try
        {
            await foreach (var item in reader.ReadAllAsync())
                await write(item);
        }
        catch (Exception exception) when (exception is RuntimeException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Reading finds out, too.
        }
    }

    private void Show(ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        lock (gate)
        {
            scrollback.Add(bytes);
            var changed = titles.Read(bytes);
            foreach (var watcher in watchers)
            {
                if (!watcher.TrySend(copy))
                    Replay(watcher);
            }

            if (changed is not null && changed != title)
            {
                title = changed;
                Tell(new TerminalTitled(changed));
            }
        }
    }

    /// <summary>Under the lock, as all below.</summary>
    private void Replay(TerminalWatcher watcher)
    {
        watcher.Clear();
        watcher.Tell(new TerminalReplay(watcher.Person.ReadOnly).ToBytes());
        watcher.Tell(new TerminalSize(size.Columns, size.Rows).ToBytes());
        if (title is not null)
            watcher.Tell(new TerminalTitled(title).ToBytes());
        watcher.Tell(new TerminalWatchers([.. watchers.Select(other => other.Person)]).ToBytes());
        watcher.TrySend(scrollback.ToArray());
    }

    private void Fit()
    {
        if (watchers.Count == 0)
            return;
        // Who only watches can't make it too small for those who work in it.
        var deciding = watchers.FindAll(watcher => !watcher.Person.ReadOnly);
        if (deciding.Count == 0)
            deciding = watchers;
        var room = (deciding.Min(watcher => watcher.Room.Columns), deciding.Min(watcher => watcher.Room.Rows));
        if (room == size)
            return;
        size = room;
        sizes.Writer.TryWrite(size);
        Tell(new TerminalSize(size.Columns, size.Rows));
    }

    private void TellWatchers() => Tell(new TerminalWatchers([.. watchers.Select(watcher => watcher.Person)]));

    private void Tell(TerminalMessage message)
    {
        var bytes = message.ToBytes();
        foreach (var watcher in watchers)
            watcher.Tell(bytes);
    }
}
