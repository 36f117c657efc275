namespace Demiurge.Core.Rooms;

public static class RoomErrors
{
    public static Error NotFound { get; } = new("room.not-found", "There is no such project.", ErrorKind.NotFound);

    public static Error EpochPassed { get; } = new(
        "room.epoch-passed", "The organization is served by another gateway now; stop serving it.", ErrorKind.Conflict);

    public static Error Unreadable { get; } = new(
        "room.unreadable", "The saved board can't be read. It was left as it is; tell the administrator.", ErrorKind.Unavailable);

    public static Error Damaged(Guid projectId, long seq) => new(
        "room.damaged",
        $"The saved board of project {projectId} is damaged at record {seq}; it was left as it is. Restore it from a backup.",
        ErrorKind.Unavailable);
}
