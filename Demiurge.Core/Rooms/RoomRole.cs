namespace Demiurge.Core.Rooms;

/// <summary>
/// What a peer may do in a room, in growing order. <see cref="Service"/> is Web itself: it checks each person before an
/// edit enters its replica, and it alone may write the roots that belong to reducers.
/// </summary>
public enum RoomRole { View, Edit, Manage, Service }
