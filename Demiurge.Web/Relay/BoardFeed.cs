using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Typing;

namespace Demiurge.Web.Relay;

/// <summary>A change of an open text for a browser. <paramref name="Delta"/> is a delta's JSON, or <c>{"reset":"text","edit":n}</c>: the text, with the
/// browser's own edits up to number n in it.</summary>
public sealed record TextPush(string NodeId, long Version, string Delta);

/// <summary>What a browser is told at once; what is null or empty hasn't changed.</summary>
/// <param name="Scene">A <see cref="SceneFrame"/>.</param>
/// <param name="Presence">JSON array of the others.</param>
/// <param name="Status">JSON: {state, canUndo, canRedo, viewer}.</param>
public sealed record BoardFeedBatch(byte[]? Scene, string? Presence, string? Status, IReadOnlyList<TextPush> Texts);

/// <summary>
/// What waits to be told to one browser. Latest wins: a node that changed ten times meanwhile is told once, so a slow browser
/// costs at most one entry an item. Only texts are told change by change; more than <see cref="MostTexts"/> waiting become one
/// reset each. Offered from the room's loop, taken by the circuit's pump; thread-safe by one lock.
/// </summary>
public sealed class BoardFeed(TimeProvider time)
{
    public const int MostTexts = 512;

    /// <summary>Changes closer than a frame of the screen go together.</summary>
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(16);
    private static readonly TimeSpan PresencePause = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _signal = new(0, 1);
    private Dictionary<string, BoardNode?> _nodes = [];
    private Dictionary<string, BoardEdge?> _edges = [];
    private List<TextPush> _texts = [];
    private bool _reset;
    private uint _applied;
    private bool _tellApplied;
    private Func<string>? _presence;
    private string? _status;
    private long? _lastPresence;
    private long? _lastBatch;

    /// <summary>Everything there is; whatever waited is forgotten.</summary>
    public void Reset(IEnumerable<BoardNode> nodes, IEnumerable<BoardEdge> edges)
    {
        lock (_lock)
        {
            _nodes = nodes.ToDictionary(node => node.Id, BoardNode? (node) => node);
            _edges = edges.ToDictionary(edge => edge.Id, BoardEdge? (edge) => edge);
            _reset = true;
        }

        Signal();
    }

    public void Offer(BoardChange change)
    {
        lock (_lock)
        {
            foreach (var node in change.Nodes)
            {
                _nodes[node.Id] = node;
            }

            foreach (var id in change.RemovedNodes)
            {
                _nodes[id] = null;
            }

            foreach (var edge in change.Edges)
            {
                _edges[edge.Id] = edge;
            }

            foreach (var id in change.RemovedEdges)
            {
                _edges[id] = null;
            }
        }

        Signal();
    }

    /// <summary>The circuit's batch up to that number has been carried out or refused.</summary>
    public void Applied(uint batch)
    {
        lock (_lock)
        {
            _applied = Math.Max(_applied, batch);
            _tellApplied = true;
        }

        Signal();
    }

    /// <param name="session">Where the whole text is when too many changes wait.</param>
    /// <param name="edit">Number of the browser's last edit in the text.</param>
    public void Offer(string nodeId, TextSession session, TextChange change, uint edit)
    {
        lock (_lock)
        {
            if (_texts.Count < MostTexts)
            {
                _texts.Add(new TextPush(nodeId, change.Version, change.Operation.ToJson()));
            }
            else
            {
                _texts.RemoveAll(push => push.NodeId == nodeId);
                _texts.Add(ResetOf(nodeId, session, edit));
            }
        }

        Signal();
    }

    /// <summary>The text has to be started over.</summary>
    public void Reset(string nodeId, TextSession session, uint edit)
    {
        lock (_lock)
        {
            _texts.RemoveAll(push => push.NodeId == nodeId);
            _texts.Add(ResetOf(nodeId, session, edit));
        }

        Signal();
    }

    /// <param name="presence">Asked when the list is really sent.</param>
    public void PresenceChanged(Func<string> presence)
    {
        lock (_lock)
        {
            _presence = presence;
        }

        Signal();
    }

    public void StatusChanged(string status)
    {
        lock (_lock)
        {
            _status = status;
        }

        Signal();
    }

    /// <summary>The next things to tell: at once after a quiet time, else a frame of the screen after the last. One caller at a time.</summary>
    public async Task<BoardFeedBatch> Next(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _signal.WaitAsync(cancellationToken);
            if (_lastBatch is { } last && time.GetElapsedTime(last) is var since && since < Frame)
            {
                await Task.Delay(Frame - since, time, cancellationToken);
            }

            if (Take() is { } batch)
            {
                _lastBatch = time.GetTimestamp();
                return batch;
            }
        }
    }

    private BoardFeedBatch? Take()
    {
        Func<string>? presence = null;
        Dictionary<string, BoardNode?> nodes = [];
        Dictionary<string, BoardEdge?> edges = [];
        List<TextPush> texts = [];
        string? status;
        bool reset, scene;
        uint applied;
        lock (_lock)
        {
            if (_presence is not null)
            {
                var since = _lastPresence is { } last ? time.GetElapsedTime(last) : PresencePause;
                if (since >= PresencePause)
                {
                    (presence, _presence) = (_presence, null);
                    _lastPresence = time.GetTimestamp();
                }
                else
                {
                    _ = SignalAfter(PresencePause - since);
                }
            }

            scene = _reset || _tellApplied || _nodes.Count > 0 || _edges.Count > 0;
            (nodes, _nodes) = (_nodes, nodes);
            (edges, _edges) = (_edges, edges);
            (texts, _texts) = (_texts, texts);
            (reset, _reset) = (_reset, false);
            (status, _status) = (_status, null);
            _tellApplied = false;
            applied = _applied;
        }

        if (!scene && presence is null && status is null && texts.Count == 0)
        {
            return null;
        }

        return new BoardFeedBatch(scene ? Encode(reset, applied, nodes, edges) : null, presence?.Invoke(), status, texts);
    }

    private static byte[] Encode(bool reset, uint applied, Dictionary<string, BoardNode?> nodes, Dictionary<string, BoardEdge?> edges)
    {
        var frame = new SceneFrame(reset, applied);
        foreach (var (id, node) in nodes)
        {
            if (node is not null)
            {
                frame.Add(node);
            }
            else if (!reset)
            {
                frame.RemoveNode(id);
            }
        }

        foreach (var (id, edge) in edges)
        {
            if (edge is not null)
            {
                frame.Add(edge);
            }
            else if (!reset)
            {
                frame.RemoveEdge(id);
            }
        }

        return frame.ToArray();
    }

    private static TextPush ResetOf(string nodeId, TextSession session, uint edit) =>
        new(nodeId, session.Version, System.Text.Json.JsonSerializer.Serialize(new { reset = session.Text, edit }));

    private async Task SignalAfter(TimeSpan pause)
    {
        await Task.Delay(pause, time);
        Signal();
    }

    private void Signal()
    {
        lock (_signal)
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }
    }
}
