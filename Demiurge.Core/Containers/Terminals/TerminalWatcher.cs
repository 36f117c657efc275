using System.Threading.Channels;

namespace Demiurge.Core.Containers.Terminals;

/// <summary>A message to a terminal's watcher.</summary>
/// <param name="IsText">JSON of a <see cref="TerminalMessage"/>; otherwise what the shell wrote.</param>
public readonly record struct TerminalFrame(byte[] Bytes, bool IsText);

/// <summary>
/// Somebody's view of a terminal. Its queue holds at most <see cref="QueueBytes"/> of output; when it is full the session empties it and sends
/// the scrollback instead. One reader; the rest is thread-safe.
/// </summary>
public sealed class TerminalWatcher(TerminalSession session, TerminalPerson person) : IDisposable
{
    internal const int QueueBytes = 1 << 20;

    private readonly Channel<TerminalFrame> queue = Channel.CreateUnbounded<TerminalFrame>();
    private int queued;

    /// <summary>Called once, when it is disposed of.</summary>
    internal Action? Left { get; set; }

    public TerminalPerson Person => person;

    /// <summary>Columns and rows that it has room for; of the session's lock.</summary>
    internal (int Columns, int Rows) Room { get; set; }

    /// <summary>What to send, until the session ends.</summary>
    public async IAsyncEnumerable<TerminalFrame> Frames([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var frame in queue.Reader.ReadAllAsync(cancellationToken))
        {
            Interlocked.Add(ref queued, -frame.Bytes.Length);
            yield return frame;
        }
    }

    /// <summary>Types; nothing happens for those who only watch. False when the shell has ended.</summary>
    public ValueTask<bool> Type(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        person.ReadOnly ? ValueTask.FromResult(true) : session.Write(bytes, cancellationToken);

    public void Resize(int columns, int rows) => session.Resize(this, columns, rows);

    public void Dispose()
    {
        session.Leave(this);
        Left?.Invoke();
        Left = null;
    }

    /// <summary>False when the queue is full.</summary>
    internal bool TrySend(byte[] bytes)
    {
        if (bytes.Length == 0)
            return true;
        if (Volatile.Read(ref queued) + bytes.Length > QueueBytes)
            return false;
        Tell(bytes, isText: false);
        return true;
    }

    internal void Tell(byte[] bytes, bool isText = true)
    {
        Interlocked.Add(ref queued, bytes.Length);
        queue.Writer.TryWrite(new TerminalFrame(bytes, isText));
    }

    internal void Clear()
    {
        while (queue.Reader.TryRead(out var frame))
            Interlocked.Add(ref queued, -frame.Bytes.Length);
    }

    internal void End(byte[] last)
    {
        Tell(last);
        queue.Writer.TryComplete();
    }
}
