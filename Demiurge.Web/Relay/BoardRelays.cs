using Demiurge.Core;
using Demiurge.Core.Boards;
using Demiurge.Core.Gateways;
using Demiurge.Core.Permissions;
using Demiurge.Core.Rooms;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Relay;

/// <summary>
/// The rooms that this process's circuits are in: one <see cref="BoardRelay"/> a project, made when the first circuit comes and released
/// some time after the last has left. Looks up every circuit's role again at each change of access and every
/// few seconds: who lost it is out, who became a viewer can no longer edit. Safe for concurrent use.
/// </summary>
public sealed partial class BoardRelays : IAsyncDisposable
{
    private readonly Func<Guid, RoomClient> _rooms;
    private readonly Func<Actor, Guid, CancellationToken, Task<ProjectRole?>> _roleOf;
    private readonly AccessChanges _changes;
    private readonly BoardRelayOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<BoardRelays> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Entry> _entries = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _checking;

    public BoardRelays(ProjectOpener opener, ProjectAccess access, AccessChanges changes, IOptions<BoardRelayOptions> options, TimeProvider time, ILogger<BoardRelays> logger)
        : this(projectId => new RoomClient(cancellation => opener.OpenForService(projectId, cancellation), time: time), access.RoleOf, changes, options.Value, time, logger)
    {
    }

    internal BoardRelays(
        Func<Guid, RoomClient> rooms, Func<Actor, Guid, CancellationToken, Task<ProjectRole?>> roleOf, AccessChanges changes, BoardRelayOptions options, TimeProvider time,
        ILogger<BoardRelays> logger)
    {
        _rooms = rooms;
        _roleOf = roleOf;
        _changes = changes;
        _options = options;
        _time = time;
        _logger = logger;
        _changes.Changed += OnAccessChanged;
        _checking = CheckAccess();
    }

    /// <summary>How many replicas this process holds.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>
    /// Brings a person onto a board; dispose the session to leave. Errors: <see cref="RoomErrors.NotFound"/> (also without access), and
    /// <see cref="ErrorKind.Unavailable"/> when the room can't be reached in time.
    /// </summary>
    public async Task<Result<BoardSession>> Join(Actor actor, Guid projectId, BoardPerson person, CancellationToken cancellationToken = default)
    {
        if (await _roleOf(actor, projectId, cancellationToken) is not { } role)
        {
            return RoomErrors.NotFound;
        }

        var entry = Hold(projectId);
        BoardSession? session = null;
        try
        {
            var relay = await entry.Relay.Value.WaitAsync(cancellationToken);
            using var deadline = new CancellationTokenSource(_options.JoinTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            try
            {
                if (!await relay.Room.WhenSynced(either.Token))
                {
                    return relay.Room.Refusal ?? BoardRelayErrors.Unreachable;
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return BoardRelayErrors.Unreachable;
            }

            session = await relay.Enter(actor, person, role, () => LetGo(projectId, entry));
            Opened?.Invoke(projectId);
            return session;
        }
        finally
        {
            if (session is null)
            {
                LetGo(projectId, entry);
            }
        }
    }

    /// <summary>Somebody came to that project's board.</summary>
    internal event Action<Guid>? Opened;

    /// <summary>Does something with the project's replica, once it is in sync; joins the room for that when no circuit is in it. Null when the room can't be reached in time.</summary>
    internal async Task<T?> Use<T>(Guid projectId, Func<BoardRelay, Task<T>> work, CancellationToken cancellationToken)
    {
        var entry = Hold(projectId);
        try
        {
            var relay = await entry.Relay.Value.WaitAsync(cancellationToken);
            using var deadline = new CancellationTokenSource(_options.JoinTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            try
            {
                return await relay.Room.WhenSynced(either.Token) ? await work(relay) : default;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return default;
            }
        }
        finally
        {
            LetGo(projectId, entry);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _changes.Changed -= OnAccessChanged;
        await _stopping.CancelAsync();
        await _checking;
        List<Entry> entries;
        lock (_lock)
        {
            entries = [.. _entries.Values];
            _entries.Clear();
        }

        await Task.WhenAll(entries.Select(async entry => await (await entry.Relay.Value).DisposeAsync()));
    }

    private Entry Hold(Guid projectId)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(projectId, out var entry))
            {
                _entries[projectId] = entry = new Entry(new Lazy<Task<BoardRelay>>(async () =>
                {
                    var room = _rooms(projectId);
                    var relay = await BoardRelay.Create(projectId, room, _time);
                    room.Start();
                    return relay;
                }));
            }

            entry.Holders++;
            return entry;
        }
    }

    private void LetGo(Guid projectId, Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Holders > 0)
            {
                return;
            }
        }

        _ = Release(projectId, entry);
    }

    /// <summary>Waits the linger out, and until everything is durable: a replica with unsaved edits is never dropped while the process lives.</summary>
    private async Task Release(Guid projectId, Entry entry)
    {
        try
        {
            var relay = await entry.Relay.Value;
            do
            {
                await Task.Delay(relay.Room.Status == RoomClientStatus.Refused ? TimeSpan.Zero : _options.Linger, _time, _stopping.Token);
                lock (_lock)
                {
                    if (entry.Holders > 0 || _entries.GetValueOrDefault(projectId) != entry)
                    {
                        return;
                    }

                    if (relay.Room.UnackedUpdates == 0 || relay.Room.Status == RoomClientStatus.Refused)
                    {
                        _entries.Remove(projectId);
                        break;
                    }
                }
            }
            while (true);

            await relay.DisposeAsync();
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Log.ReleaseFailed(_logger, e, projectId);
        }
    }

    private void OnAccessChanged(AccessChanged change) => _ = Task.Run(() => Check(session =>
        (change.ProjectId is null || change.ProjectId == session.ProjectId) && (change.UserId is null || change.UserId == session.Actor.UserId)));

    private async Task CheckAccess()
    {
        using var timer = new PeriodicTimer(_options.AccessCheck, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                await Check(_ => true);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task Check(Func<BoardSession, bool> concerned)
    {
        List<BoardRelay> relays;
        lock (_lock)
        {
            relays = [.. _entries.Values.Where(entry => entry.Relay is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }).Select(entry => entry.Relay.Value.Result)];
        }

        foreach (var person in relays.SelectMany(relay => relay.Sessions).Where(concerned).GroupBy(session => (session.Actor, session.ProjectId)))
        {
            try
            {
                var role = await _roleOf(person.Key.Actor, person.Key.ProjectId, _stopping.Token);
                foreach (var session in person)
                {
                    if (role is null)
                    {
                        await session.End(BoardErrors.NoAccess);
                    }
                    else
                    {
                        session.SetRole(role.Value);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                // A database that doesn't answer takes nobody's access away; the next check does, if need be.
                Log.CheckFailed(_logger, e, person.Key.ProjectId);
            }
        }
    }

    private sealed class Entry(Lazy<Task<BoardRelay>> relay)
    {
        public Lazy<Task<BoardRelay>> Relay { get; } = relay;

        /// <summary>Sessions and joins under way; under the lock.</summary>
        public int Holders { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The replica of project {ProjectId} could not be released")]
        public static partial void ReleaseFailed(ILogger logger, Exception exception, Guid projectId);

        [LoggerMessage(2, LogLevel.Warning, "The roles in project {ProjectId} could not be looked up")]
        public static partial void CheckFailed(ILogger logger, Exception exception, Guid projectId);
    }
}
