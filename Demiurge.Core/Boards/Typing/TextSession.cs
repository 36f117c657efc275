using Demiurge.Core.Crdt;

namespace Demiurge.Core.Boards.Typing;

/// <summary>An operation as the server ordered it.</summary>
/// <param name="Version">The version of the text that it produced.</param>
/// <param name="Origin">The origin of the transaction: who made it.</param>
public sealed record TextChange(long Version, TextOperation Operation, object? Origin);

/// <summary>What became of an edit: the version it produced, or (stale) the text to start over from.</summary>
public readonly record struct TextEditOutcome(long Version, string? RestartFrom);

/// <summary>
/// One node's text while people have it open for typing. Every change of the Y.Text, whoever made it, gets the next version, so versions
/// order all changes; an edit made on an older version is transformed over what came since and then written
/// to the room under its author's client id, where the CRDT merges it with what other servers and clients write.
/// A ring keeps the last changes; an edit older than that gets the text to start over from. Lives on the document's thread.
/// </summary>
public sealed class TextSession : IDisposable
{
    /// <summary>How many changes a slow typist may lie behind.</summary>
    public const int History = 512;

    private readonly YText _text;
    private readonly IDisposable _observer;
    private readonly Queue<TextOperation> _history = new();
    private string _now;
    private TextOperation? _writing;

    /// <param name="version">The version to begin with.</param>
    public TextSession(YText text, long version = 0)
    {
        Version = version;
        _text = text;
        _now = BoardReader.ReadText(text);
        _observer = text.Observe(OnChanged);
    }

    /// <summary>Rises by one with every change.</summary>
    public long Version { get; private set; }

    public string Text => _now;

    /// <summary>Raised for every version, in order, on the document's thread.</summary>
    public event Action<TextChange>? Changed;

    /// <summary>Writes an edit that was made on the text of <paramref name="version"/>. It raises the version by one even when nothing is left of it.</summary>
    public TextEditOutcome Edit(long version, TextOperation operation, BoardAuthor author)
    {
        var behind = Version - version;
        if (behind < 0 || behind > _history.Count)
        {
            return new TextEditOutcome(Version, _now);
        }

        foreach (var earlier in _history.Skip(_history.Count - (int)behind))
        {
            operation = operation.After(earlier);
        }

        if (operation.BaseLength > _now.Length || operation.Splits(_now) || _now.Length + operation.Growth > BoardLimits.Text && operation.Growth > 0)
        {
            return new TextEditOutcome(Version, _now);
        }

        if (operation.IsEmpty)
        {
            Advance(operation, author.Origin);
        }
        else
        {
            _writing = operation;
            try
            {
                _text.Doc!.Transact(_ => Write(operation), author.Origin, author.ClientId);
            }
            finally
            {
                _writing = null;
            }
        }

        return new TextEditOutcome(Version, null);
    }

    public void Dispose() => _observer.Dispose();

    private void Write(TextOperation operation)
    {
        var at = 0;
        foreach (var step in operation.Steps)
        {
            at += step.Retain;
            if (step.Insert is { } insert)
            {
                _text.Insert(at, insert);
                at += insert.Length;
            }
            else if (step.Delete > 0)
            {
                _text.Delete(at, step.Delete);
            }
        }
    }

    private void OnChanged(YEvent e)
    {
        // What we write ourselves is known exactly; a delta could name another one of several equal deletions ("aa").
        var operation = _writing ?? TextOperation.Of(e.Delta.Select(op => new TextStep
        {
            Retain = op.Retain,
            Delete = op.Delete,
            Insert = op.Insert is null ? null : op.Insert as string ?? "\uFFFC",
        }));
        Advance(operation, e.Transaction.Origin);
    }

    private void Advance(TextOperation operation, object? origin)
    {
        _now = operation.Apply(_now);
        _history.Enqueue(operation);
        if (_history.Count > History)
        {
            _history.Dequeue();
        }

        Version++;
        Changed?.Invoke(new TextChange(Version, operation, origin));
    }
}
