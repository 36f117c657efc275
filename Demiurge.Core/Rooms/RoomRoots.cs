namespace Demiurge.Core.Rooms;

/// <summary>
/// Who may write which root of a room's document. Roots that reducers own take only what has been decided on: only <see cref="RoomRole.Service"/> puts
/// it there. All other roots, also such as Demiurge doesn't know, are the editors'.
/// </summary>
public static class RoomRoots
{
    private static readonly HashSet<string> Reducers = new(["chats", "containers", "meta"], StringComparer.Ordinal);

    public static bool MayWrite(RoomRole role, string root) => role == RoomRole.Service || (role >= RoomRole.Edit && !Reducers.Contains(root));
}
