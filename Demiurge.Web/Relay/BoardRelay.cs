using System.Collections.Immutable;
using System.Security.Cryptography;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Typing;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;
using Demiurge.Core.Permissions;
using Demiurge.Core.Rooms;

namespace Demiurge.Web.Relay;

/// <summary>
/// A project's room in this process: one replica, joined as one peer, shared by the project's circuits. Its one writer is the
/// <see cref="RoomClient"/>'s loop; members marked "on the loop" are called there alone.
/// </summary>
internal sealed class BoardRelay : IAsyncDisposable
{
    /// <summary>How many people a browser is told of.</summary>
    public const int MostPeers = 200;

    private readonly RoomClient _room;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, SharedText> _texts = [];
    private readonly Lock _peersLock = new();
    private ImmutableArray<BoardSession> _sessions = [];
    private ImmutableDictionary<uint, BoardPeer> _peers = ImmutableDictionary<uint, BoardPeer>.Empty;

    private BoardRelay(Guid projectId, RoomClient room, TimeProvider time, YDoc doc)
    {
        ProjectId = projectId;
        _room = room;
        _time = time;
        View = new BoardView(doc);
        Editor = new BoardEditor(View);
        View.Changed += OnBoardChanged;
        doc.Updated += OnUpdated;
        room.DurableChanged += OnDurableChanged;
        room.StatusChanged += OnStatusChanged;
        room.Denied += OnDenied;
        room.Awareness.Changed += OnAwareness;
    }

    public Guid ProjectId { get; }

    /// <summary>On the loop.</summary>
    public BoardView View { get; }

    /// <summary>On the loop.</summary>
    public BoardEditor Editor { get; }

    public RoomClient Room => _room;

    public ImmutableArray<BoardSession> Sessions => _sessions;

    /// <summary>Everybody on the board, in the order of their keys.</summary>
    public IEnumerable<BoardPeer> Peers => _peers.Values.OrderBy(peer => peer.Key);

    /// <summary>How many updates this process has written to the room. On the loop.</summary>
    public long LocalUpdates { get; private set; }

    /// <summary>Whether edits reach the room at once, or will with the next edit (an idle room wakes up by itself).</summary>
    public bool IsConnected => _room.Status is RoomClientStatus.Synced or RoomClientStatus.Idle;

    /// <summary>Why the room took no more edits, for people; null again once everything is durable after all. On the loop.</summary>
    public string? Refusal { get; private set; }

    public static Task<BoardRelay> Create(Guid projectId, RoomClient room, TimeProvider time) =>
        room.Run(doc => new BoardRelay(projectId, room, time, doc));

    /// <summary>Whether the first so many of <see cref="LocalUpdates"/> are durable: acks come in the order of the updates.</summary>
    public bool IsDurable(long updates) => LocalUpdates - _room.UnackedUpdates >= updates;

    public Task<T> Run<T>(Func<T> work) => _room.Run(_ => work());

    /// <summary>A new circuit; it is told everything there is, then every change.</summary>
    /// <param name="left">Called once, when the session has ended.</param>
    public Task<BoardSession> Enter(Actor actor, BoardPerson person, ProjectRole role, Action left) => _room.Run(doc =>
    {
        var session = new BoardSession(this, actor, person, role, FreeClientId(), doc, _time, left);
        ImmutableInterlocked.Update(ref _sessions, sessions => sessions.Add(session));
        session.Begin();
        _room.Wake();
        return session;
    });

    public async Task Leave(BoardSession session, Action cleanUp)
    {
        await _room.Run(_ =>
        {
            ImmutableInterlocked.Update(ref _sessions, sessions => sessions.Remove(session));
            cleanUp();
            return true;
        });
        _room.Awareness.SetState(session.ClientId, null);
    }

    public void Share(uint clientId, string? state) => _room.Awareness.SetState(clientId, state);

    /// <summary>On the loop. Null when there is no such node.</summary>
    public TextSession? OpenText(string id, BoardSession watcher)
    {
        if (View.Node(id) is null)
        {
            return null;
        }

        if (!_texts.TryGetValue(id, out var open))
        {
            if (BoardText.Find(View.Doc, id) is not { } text)
            {
                if (!watcher.CanEdit)
                {
                    return null;
                }

                text = BoardText.Make(View.Doc, id, watcher.ClientId);
            }

            open = new SharedText(id, this, text, 0);
            _texts.Add(id, open);
        }

        open.Watchers.Add(watcher);
        return open.Session;
    }

    /// <summary>On the loop. Null when nobody has it open, or its node is gone.</summary>
    public TextSession? Text(string id) => View.Node(id) is null ? null : _texts.GetValueOrDefault(id)?.Session;

    /// <summary>On the loop.</summary>
    public void CloseText(string id, BoardSession watcher)
    {
        if (_texts.TryGetValue(id, out var open) && open.Watchers.Remove(watcher) && open.Watchers.Count == 0)
        {
            open.Session.Dispose();
            _texts.Remove(id);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _room.DurableChanged -= OnDurableChanged;
        _room.StatusChanged -= OnStatusChanged;
        _room.Denied -= OnDenied;
        _room.Awareness.Changed -= OnAwareness;
        await _room.DisposeAsync();
    }

    private uint FreeClientId()
    {
        while (true)
        {
            var id = (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue);
            if (id != View.Doc.ClientId && !_peers.ContainsKey(id) && _sessions.All(session => session.ClientId != id))
            {
                return id;
            }
        }
    }

    private void OnUpdated(YUpdateEvent update)
    {
        if (update.Local)
        {
            LocalUpdates++;
        }
    }

    private void OnBoardChanged(BoardChange change)
    {
        foreach (var session in _sessions)
        {
            session.OnBoardChanged(change);
        }

        foreach (var node in _texts.Count == 0 ? [] : change.Nodes)
        {
            // Deleted and brought back by undo, it has another Y.Text than before.
            if (_texts.TryGetValue(node.Id, out var open) && BoardText.Find(View.Doc, node.Id) is { } text && text != open.Source)
            {
                open.Replace(text);
            }
        }
    }

    private void OnStatusChanged(RoomClientStatus status) => OnRoomChanged();

    private void OnDurableChanged()
    {
        if (_room.UnackedUpdates == 0)
        {
            Refusal = null;
        }

        OnRoomChanged();
    }

    private void OnDenied(string reason)
    {
        Refusal = reason;
        OnRoomChanged();
    }

    private void OnRoomChanged()
    {
        foreach (var session in _sessions)
        {
            session.UpdateSaveState();
        }
    }

    private void OnAwareness(AwarenessChange change)
    {
        var whoChanged = false;
        lock (_peersLock)
        {
            var states = _room.Awareness.States;
            foreach (var key in change.Added.Concat(change.Updated).Concat(change.Removed))
            {
                var old = _peers.GetValueOrDefault(key);
                var peer = BoardPeer.Read(key, states.TryGetValue(key, out var state) ? state.Json : null);
                _peers = peer is null ? _peers.Remove(key) : _peers.SetItem(key, peer);
                whoChanged |= (old?.Name, old?.Color, old?.UserId) != (peer?.Name, peer?.Color, peer?.UserId);
            }
        }

        foreach (var session in _sessions)
        {
            session.OnPeers(whoChanged);
        }
    }

    /// <summary>A text that circuits have open; on the loop.</summary>
    private sealed class SharedText
    {
        private readonly string _id;
        private readonly BoardRelay _relay;

        public SharedText(string id, BoardRelay relay, YText source, long version)
        {
            _id = id;
            _relay = relay;
            Begin(source, version);
        }

        public HashSet<BoardSession> Watchers { get; } = [];

        public YText Source { get; private set; } = null!;

        public TextSession Session { get; private set; } = null!;

        public void Replace(YText source)
        {
            Session.Dispose();
            Begin(source, Session.Version + 1);
            foreach (var watcher in Watchers)
            {
                watcher.OnTextReplaced(_id, Session);
            }
        }

        private void Begin(YText source, long version)
        {
            Source = source;
            Session = new TextSession(source, version);
            Session.Changed += change =>
            {
                foreach (var session in _relay.Sessions)
                {
                    session.OnText(_id, Session, change);
                }
            };
        }
    }
}
