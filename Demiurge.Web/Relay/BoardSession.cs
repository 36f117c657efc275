using System.Buffers;
using System.Text;
using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Boards.Commands;
using Demiurge.Core.Boards.Typing;
using Demiurge.Core.Crdt;
using Demiurge.Core.Permissions;
using Demiurge.Core.Rooms;

namespace Demiurge.Web.Relay;

/// <summary>How far a person's own edits have got.</summary>
public enum BoardSaveState
{
    /// <summary>Every edit of this session is durable.</summary>
    Saved,

    Saving,

    /// <summary>The room can't be reached; edits are kept here and sent when it can.</summary>
    Reconnecting,

    /// <summary>The room took the last edits not, see <see cref="BoardSession.SaveRefusal"/>; they are kept here and offered again from time to time.</summary>
    Refused,

    /// <summary>The session is over.</summary>
    Offline,
}

/// <summary>What became of a browser's typing.</summary>
/// <param name="Version">The version that the edit became, or that of <paramref name="RestartFrom"/>.</param>
/// <param name="RestartFrom">The text to start over from: the edit was refused, or (with <paramref name="Edit"/>) had been carried out before.</param>
/// <param name="Edit">Number of the session's last edit in that text.</param>
public readonly record struct TypingAnswer(long Version, string? RestartFrom = null, uint? Edit = null);

/// <summary>
/// One circuit on a board: a person, their role, their Yjs client id, their undo. Everything that a browser may ask for comes through
/// here and is checked here: role, rate, shape. Any thread may call; what touches the document runs on the room's loop. Events
/// are raised there, or on whatever thread noticed: handlers return at once.
/// </summary>
public sealed class BoardSession : IAsyncDisposable
{
    private const int RememberedAnswers = 64;

    private readonly BoardRelay _relay;
    private readonly BoardAuthor _author;
    private readonly UndoManager _undo;

    /// <summary>Node → number of the browser's last edit that was carried out.</summary>
    private readonly Dictionary<string, uint> _openTexts = [];

    private readonly Queue<(uint Batch, Task<Result<BoardEdit>> Answer)> _answers = [];
    private readonly RateLimit _edits;
    private readonly RateLimit _items;
    private readonly RateLimit _signals;
    private readonly RateLimit _queries;
    private readonly Lock _limits = new();
    private readonly Action _left;
    private object? _lastEdit;
    private long _lastLocalUpdate;
    private BoardPresence _presence = new();
    private BoardViewport? _viewport;
    private HashSet<string> _selected = [];
    private bool _away;
    private int _ended;

    internal BoardSession(BoardRelay relay, Actor actor, BoardPerson person, ProjectRole role, uint clientId, YDoc doc, TimeProvider time, Action left)
    {
        _left = left;
        _relay = relay;
        Actor = actor;
        Person = person;
        Role = role;
        Feed = new BoardFeed(time);
        _author = new BoardAuthor(clientId, this);
        _undo = new UndoManager(doc, [doc.GetMap("nodes"), doc.GetMap("edges")], new UndoManagerOptions { TrackedOrigins = [this], ClientId = clientId, TimeProvider = time });
        _undo.StackChanged += OnUndoChanged;
        _edits = new RateLimit(60, 120, time);
        _items = new RateLimit(4_000, 2 * BoardLimits.ItemsPerBatch, time);
        _signals = new RateLimit(60, 60, time);
        _queries = new RateLimit(15, 30, time);
    }

    public Actor Actor { get; }

    public BoardPerson Person { get; }

    public Guid ProjectId => _relay.ProjectId;

    /// <summary>The Yjs client id of this person in this session.</summary>
    public uint ClientId => _author.ClientId;

    public ProjectRole Role { get; private set; }

    public bool CanEdit => Role >= ProjectRole.Edit && _ended == 0;

    public BoardSaveState SaveState { get; private set; } = BoardSaveState.Saved;

    /// <summary>Why edits are refused, for people; null unless <see cref="BoardSaveState.Refused"/>.</summary>
    public string? SaveRefusal { get; private set; }

    public bool CanUndo { get; private set; }

    public bool CanRedo { get; private set; }

    public BoardSelection Selection { get; private set; } = BoardSelection.Empty;

    /// <summary>Everybody else on the board.</summary>
    public IReadOnlyList<BoardPeer> Others => _relay.Peers.Where(peer => peer.Key != ClientId).ToList();

    /// <summary>What to tell the browser.</summary>
    public BoardFeed Feed { get; }

    public NearNodes Near { get; } = new();

    /// <summary>Why the session is over; null while it lasts.</summary>
    public Error? Ended { get; private set; }

    /// <summary>Role, save state, undo or end changed.</summary>
    public event Action? StatusChanged;

    public event Action? SelectionChanged;

    /// <summary>A node that shows a container came, went or moved.</summary>
    public event Action? ContainersPlaced;

    /// <summary>Somebody came, left or changed name; not raised for moving cursors.</summary>
    public event Action? PeopleChanged;

    /// <summary>
    /// Carries out a batch of the browser. Answers after it is done; <paramref name="batch"/> comes back in the scene feed. A batch that is
    /// sent again, because its answer was lost with a connection, gets the answer that it got.
    /// </summary>
    public Task<Result<BoardEdit>> Apply(uint batch, JsonElement commands)
    {
        lock (_answers)
        {
            foreach (var (number, answered) in _answers)
            {
                if (number == batch)
                {
                    return answered;
                }
            }

            var answer = ApplyOnce(batch, commands);
            _answers.Enqueue((batch, answer));
            if (_answers.Count > RememberedAnswers)
            {
                _answers.Dequeue();
            }

            return answer;
        }
    }

    private async Task<Result<BoardEdit>> ApplyOnce(uint batch, JsonElement commands)
    {
        var parsed = BoardCommands.Parse(commands);
        var refusal = Refuse() ?? parsed.Error ?? Limit(1, parsed.Value!.Sum(command => command.Weight));
        if (refusal is not null)
        {
            Feed.Applied(batch);
            return refusal;
        }

        return await Run(
            () =>
            {
                // The role may have gone while the call waited for the loop.
                if (Refuse() is { } late)
                {
                    Feed.Applied(batch);
                    return late;
                }

                _undo.StopCapturing();
                _lastEdit = null;
                var edit = _relay.Editor.Apply(parsed.Value!, _author);
                Feed.Applied(batch);
                Edited();
                return edit;
            });
    }

    /// <summary>Carries out commands of the server's own parts in this person's name, with the same checks as a browser's.</summary>
    public async Task<Result<BoardEdit>> Apply(IReadOnlyList<BoardCommand> commands)
    {
        if ((Refuse() ?? Limit(1, commands.Sum(command => command.Weight))) is { } refusal)
        {
            return refusal;
        }

        return await Run(() =>
        {
            if (Refuse() is { } late)
            {
                return late;
            }

            _undo.StopCapturing();
            _lastEdit = null;
            var edit = _relay.Editor.Apply(commands, _author);
            Edited();
            return edit;
        });
    }

    public Task<Result> Undo() => Step(() => _undo.Undo());

    public Task<Result> Redo() => Step(() => _undo.Redo());

    /// <summary>Begins to follow a node's text: its changes come through the feed until <see cref="CloseText"/>.</summary>
    public async Task<Result<(long Version, string Text)>> OpenText(string id)
    {
        if ((Gone() ?? Limit(0, 0, _queries)) is { } refusal)
        {
            return refusal;
        }

        return await Run<Result<(long, string)>>(() =>
        {
            if (_openTexts.Count >= 20 && !_openTexts.ContainsKey(id))
            {
                return BoardErrors.TooFast;
            }

            if (_relay.OpenText(id, this) is not { } text)
            {
                return BoardErrors.NoSuchNode(id);
            }

            _openTexts.TryAdd(id, 0);
            return (text.Version, text.Text);
        });
    }

    /// <summary>
    /// Types. On success <see cref="TypingAnswer.RestartFrom"/> may ask the browser to start over from the text as it is. An edit whose
    /// answer was lost with a connection may be sent again under its <paramref name="number"/>; it is carried out once.
    /// </summary>
    /// <param name="number">From 1, rising over all texts of this session.</param>
    public async Task<Result<TypingAnswer>> EditText(string id, long version, JsonElement delta, uint number)
    {
        if (Refuse() is { } refusal)
        {
            return refusal;
        }

        if (TextOperation.Parse(delta) is not { } operation)
        {
            return BoardErrors.Malformed("A delta is an array of {retain}, {insert} and {delete}.");
        }

        return await Run<Result<TypingAnswer>>(() =>
        {
            if (Refuse() is { } late)
            {
                return late;
            }

            if (!_openTexts.TryGetValue(id, out var last) || _relay.Text(id) is not { } text)
            {
                return BoardErrors.NoSuchNode(id);
            }

            if (number <= last)
            {
                return new TypingAnswer(text.Version, text.Text, last);
            }

            // Over the limit, or locked meanwhile: the browser shows what stands.
            if (Limit(1, 0) is not null || _relay.View.Node(id) is { Locked: true })
            {
                return new TypingAnswer(text.Version, text.Text);
            }

            if (!Equals(_lastEdit, id))
            {
                _undo.StopCapturing();
                _lastEdit = id;
            }

            var outcome = text.Edit(version, operation, _author);
            if (outcome.RestartFrom is null)
            {
                _openTexts[id] = number;
            }

            Edited();
            return new TypingAnswer(outcome.Version, outcome.RestartFrom);
        });
    }

    public Task CloseText(string id) => Run(() =>
    {
        if (_openTexts.Remove(id))
        {
            _relay.CloseText(id, this);
        }

        return true;
    });

    /// <summary>What the browser shows now; decides which nodes are rendered. Too many or senseless calls are dropped.</summary>
    public Task SetViewport(BoardViewport viewport)
    {
        if (_ended != 0 || !viewport.IsSane || !Take(_signals))
        {
            return Task.CompletedTask;
        }

        return Run(() =>
        {
            _viewport = viewport;
            Near.Look(_relay.View, viewport);
            ShareState();
            return true;
        });
    }

    /// <summary>What the person does at the moment. Too many or senseless calls are dropped.</summary>
    public Task SetPresence(BoardPresence presence)
    {
        if (_ended != 0 || !IsSane(presence) || !Take(_signals))
        {
            return Task.CompletedTask;
        }

        return Run(() =>
        {
            _presence = CanEdit ? presence : presence with { Drag = null, Editing = null };
            var selected = (presence.Selection ?? []).ToHashSet();
            if (!selected.SetEquals(_selected))
            {
                _selected = selected;
                UpdateSelection();
            }

            ShareState();
            return true;
        });
    }

    /// <summary>Nodes whose text has all words of the query, best first.</summary>
    public async Task<IReadOnlyList<BoardNode>> Search(string query) =>
        _ended != 0 || query.Length > 200 || !Take(_queries) ? [] : await Run(() => _relay.View.Search(query));

    /// <summary>The clipboard text for those nodes, see <see cref="BoardClipboard"/>; null when there is nothing to copy.</summary>
    public async Task<string?> Copy(IReadOnlyCollection<string> ids) =>
        _ended != 0 || ids.Count > BoardLimits.ItemsPerBatch || !Take(_queries) ? null : await Run(() => BoardClipboard.Copy(_relay.View, ids));

    /// <summary>The nodes that show containers, in reading order.</summary>
    public async Task<IReadOnlyList<BoardNode>> ContainerNodes() => _ended != 0 ? [] : await Run(() =>
        _relay.View.Nodes.Where(node => node.ContainerId is not null).OrderBy(node => node.Bounds.Y).ThenBy(node => node.Bounds.X).ToList());

    /// <summary>The boxes of all nodes.</summary>
    public async Task<IReadOnlyList<BoardRect>> Boxes() => _ended != 0 ? [] : await Run(() => _relay.View.Nodes.Select(node => node.Bounds).ToList());

    /// <summary>The node of that id; null when there is none.</summary>
    public async Task<BoardNode?> Node(string id) => _ended != 0 ? null : await Run(() => _relay.View.Node(id));

    /// <summary>Nodes whose content stays rendered wherever the browser looks, at most <see cref="NearNodes.MostKept"/>.</summary>
    public Task Keep(IReadOnlySet<string> ids) => Run(() =>
    {
        Near.Keep(ids.Take(NearNodes.MostKept).ToHashSet());
        if (_ended == 0 && _viewport is { } viewport)
        {
            Near.Look(_relay.View, viewport);
        }

        return true;
    });

    /// <summary>Whether the board has no nodes at all.</summary>
    public Task<bool> IsBoardEmpty() => Run(() => _relay.View.NodeCount == 0);

    /// <summary>The browser is gone, perhaps for a moment: the person doesn't look present until <see cref="Return"/>.</summary>
    public Task Away() => Run(() =>
    {
        _away = true;
        _presence = new BoardPresence();
        if (_ended == 0)
        {
            _relay.Share(ClientId, null);
        }

        return true;
    });

    /// <summary>The browser is back, and may have missed anything: it is told everything anew.</summary>
    public Task Return() => Run(() =>
    {
        _away = false;
        if (_ended == 0)
        {
            Begin();
            foreach (var (id, last) in _openTexts)
            {
                if (_relay.Text(id) is { } text)
                {
                    Feed.Reset(id, text, last);
                }
            }
        }

        return true;
    });

    /// <summary>Leaves the board.</summary>
    public ValueTask DisposeAsync() => End(null);

    /// <summary>Ends the session for good, on the part of the server when there is a <paramref name="reason"/>.</summary>
    internal async ValueTask End(Error? reason)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        Ended = reason;
        SaveState = BoardSaveState.Offline;
        await _relay.Leave(this, () =>
        {
            foreach (var id in _openTexts.Keys)
            {
                _relay.CloseText(id, this);
            }

            _undo.Dispose();
        });
        _left();
        TellStatus();
    }

    internal void SetRole(ProjectRole role)
    {
        if (Role != role)
        {
            Role = role;
            TellStatus();
        }
    }

    /// <summary>On the loop: tells the browser everything.</summary>
    internal void Begin()
    {
        Feed.Reset(_relay.View.Nodes, _relay.View.Edges);
        ShareState();
        UpdateSaveState();
        TellStatus();
        OnPeers(true);
    }

    /// <summary>On the loop.</summary>
    internal void OnBoardChanged(BoardChange change)
    {
        Feed.Offer(change);
        Near.Apply(change);
        if (ContainersPlaced is { } placed && (change.RemovedNodes.Count > 0 || change.Nodes.Any(node => node.ContainerId is not null)))
        {
            placed();
        }

        if (_selected.Count > 0 && (change.Nodes.Any(node => _selected.Contains(node.Id)) || change.Edges.Any(edge => _selected.Contains(edge.Id))
            || change.RemovedNodes.Any(_selected.Contains) || change.RemovedEdges.Any(_selected.Contains)))
        {
            UpdateSelection();
        }
    }

    /// <summary>On the loop.</summary>
    internal void OnText(string id, TextSession text, TextChange change)
    {
        if (_openTexts.TryGetValue(id, out var last) && change.Origin != this)
        {
            Feed.Offer(id, text, change, last);
        }
    }

    /// <summary>On the loop.</summary>
    internal void OnTextReplaced(string id, TextSession text) => Feed.Reset(id, text, _openTexts.GetValueOrDefault(id));

    internal void OnPeers(bool whoChanged)
    {
        Feed.PresenceChanged(() => "[" + string.Join(',', Others.Take(BoardRelay.MostPeers).Select(peer => peer.Json)) + "]");
        if (whoChanged)
        {
            PeopleChanged?.Invoke();
        }
    }

    /// <summary>On the loop, whenever the room's status or what is durable changed.</summary>
    internal void UpdateSaveState()
    {
        var isDurable = _relay.IsDurable(_lastLocalUpdate);
        var state = _ended != 0 ? BoardSaveState.Offline
            : !isDurable && _relay.Refusal is not null ? BoardSaveState.Refused
            : !_relay.IsConnected ? BoardSaveState.Reconnecting
            : isDurable ? BoardSaveState.Saved
            : BoardSaveState.Saving;
        var refusal = state == BoardSaveState.Refused ? _relay.Refusal : null;
        if (state != SaveState || refusal != SaveRefusal)
        {
            (SaveState, SaveRefusal) = (state, refusal);
            TellStatus();
        }
    }

    private void Edited()
    {
        _lastLocalUpdate = _relay.LocalUpdates;
        UpdateSaveState();
    }

    private async Task<Result> Step(Func<bool> step)
    {
        if ((Refuse() ?? Limit(1, 0)) is { } refusal)
        {
            return refusal;
        }

        return await Run<Result>(() =>
        {
            if (Refuse() is { } late)
            {
                return late;
            }

            _lastEdit = null;
            step();
            Edited();
            return Result.Ok;
        });
    }

    private void UpdateSelection()
    {
        var selection = BoardSelection.Of(_relay.View, _selected);
        if (selection != Selection)
        {
            Selection = selection;
            SelectionChanged?.Invoke();
        }
    }

    /// <summary>On the loop.</summary>
    private void ShareState()
    {
        if (_ended != 0 || _away)
        {
            return;
        }

        // Everybody on the board gets it with every move of the pointer: long lists are cut.
        var state = StateJson(BoardPresence.MostShared);
        for (var most = BoardPresence.MostShared; state.Length > BoardPresence.MostSharedBytes && most > 0;)
        {
            most /= 2;
            state = StateJson(most);
        }

        _relay.Share(ClientId, Encoding.UTF8.GetString(state));
    }

    private ReadOnlySpan<byte> StateJson(int most)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("user");
            json.WriteString("id", Person.UserId);
            json.WriteString("name", Person.Name);
            json.WriteString("color", Person.Color);
            json.WriteEndObject();
            Write(json, "cursor", _presence.Cursor);
            Write(json, "selection", (_presence.Selection ?? []).Where(BoardPresence.IsShared).Take(most));
            Write(json, "editing", BoardPresence.IsShared(_presence.Editing) ? _presence.Editing : null);
            Write(json, "drag", _presence.Drag?.Where(moved => BoardPresence.IsShared(moved.Key)).Take(most).ToDictionary());
            Write(json, "viewport", _viewport is { } v ? new { x = v.X, y = v.Y, w = v.W, h = v.H, zoom = v.Zoom } : null);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan;

        static void Write<T>(Utf8JsonWriter json, string name, T value)
        {
            json.WritePropertyName(name);
            JsonSerializer.Serialize(json, value);
        }
    }

    private void OnUndoChanged()
    {
        if (_ended == 0 && (CanUndo, CanRedo) != (_undo.CanUndo, _undo.CanRedo))
        {
            (CanUndo, CanRedo) = (_undo.CanUndo, _undo.CanRedo);
            TellStatus();
        }
    }

    private void TellStatus()
    {
        Feed.StatusChanged(StatusJson());
        StatusChanged?.Invoke();
    }

    private string StatusJson() => JsonSerializer.Serialize(new
    {
        state = SaveState.ToString().ToLowerInvariant(),
        canUndo = CanUndo,
        canRedo = CanRedo,
        viewer = !CanEdit,
    });

    private Error? Gone() => _ended != 0 ? Ended ?? BoardErrors.NoAccess : null;

    private Error? Refuse() => Gone() ?? (CanEdit ? null : BoardErrors.ViewOnly);

    private Error? Limit(double edits, double items, RateLimit? queries = null)
    {
        lock (_limits)
        {
            return (queries is null || queries.Take()) && _edits.Take(edits) && _items.Take(items) ? null : BoardErrors.TooFast;
        }
    }

    private bool Take(RateLimit limit)
    {
        lock (_limits)
        {
            return limit.Take();
        }
    }

    private static bool IsSane(BoardPresence presence) =>
        IsPoint(presence.Cursor, 2, 2) && (presence.Selection?.Count ?? 0) <= 2_000 && (presence.Drag?.Count ?? 0) <= 500
        && (presence.Selection ?? []).All(IsId) && IsId(presence.Editing ?? "-")
        && (presence.Drag ?? new Dictionary<string, IReadOnlyList<double>>()).All(drag => IsId(drag.Key) && drag.Value is not null && IsPoint(drag.Value, 2, 4));

    private static bool IsId(string? id) => id is { Length: > 0 and <= BoardLimits.ForeignId };

    private static bool IsPoint(IReadOnlyList<double>? point, int least, int most) =>
        point is null || point.Count >= least && point.Count <= most && point.All(value => Math.Abs(value) <= 4 * BoardLimits.Coordinate);

    private Task<T> Run<T>(Func<T> work) => _relay.Run(work);
}
