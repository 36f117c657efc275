using System.Collections.Concurrent;
using Demiurge.Core.Rooms;

namespace Demiurge.Gateway.Rooms;

/// <summary>The loaded rooms of one organization. A room is loaded by its first peer and leaves when it ends. Thread-safe.</summary>
internal sealed class RoomDirectory
{
    private readonly ConcurrentDictionary<Guid, Room> rooms = new();
    private readonly RoomContext context;
    private volatile RoomClosedException? closed;

    public RoomDirectory(RoomContext context)
    {
        this.context = context;
        context.Appender.Advanced += () =>
        {
            foreach (var room in rooms.Values)
                room.Advanced();
        };
        context.Appender.Unknown += projects =>
        {
            foreach (var project in projects)
                Close(project, RoomProtocol.Close.NotFound, RoomErrors.NotFound.Message);
        };
    }

    public int Count => rooms.Count;

    /// <summary>Puts the peer into the project's room; null when the organization is being given back.</summary>
    public async Task<Room?> Join(Guid projectId, Peer peer)
    {
        while (closed is null)
        {
            var room = rooms.GetOrAdd(projectId, Open);
            if (await room.Join(peer))
                return room;
            rooms.TryRemove(new(projectId, room));
        }

        peer.Close(closed.Code, closed.Message);
        return null;
    }

    public void Close(Guid projectId, int code, string reason)
    {
        if (rooms.TryGetValue(projectId, out var room))
            room.Close(code, reason);
    }

    /// <summary>Lets nobody in any more, and returns when every room has handled what had arrived and closed its sockets.</summary>
    public async Task CloseAll(int code, string reason)
    {
        closed = new RoomClosedException(code, reason);
        while (!rooms.IsEmpty)
        {
            foreach (var room in rooms.Values)
                room.Close(code, reason);
            await Task.WhenAll(rooms.Values.Select(room => room.Completion));
            foreach (var (projectId, room) in rooms.Where(entry => entry.Value.Completion.IsCompleted).ToList())
                rooms.TryRemove(new(projectId, room));
        }
    }

    private Room Open(Guid projectId)
    {
        var room = new Room(projectId, context);
        _ = room.Completion.ContinueWith(_ => rooms.TryRemove(new(projectId, room)), TaskScheduler.Default);
        return room;
    }
}
