namespace Demiurge.Core.Rooms;

/// <summary>
/// The room socket, as y-websocket speaks it: each binary WebSocket message is a varuint type and a body.
/// <list type="bullet">
/// <item>0 sync: varuint 0 (step 1: state vector), 1 (step 2: update) or 2 (update), then a length-prefixed buffer.
/// On connect each side sends step 1 and answers the other's with step 2.</item>
/// <item>1 awareness: a length-prefixed awareness update.</item>
/// <item>2 auth: varuint 0 (permission denied), then the reason as a string. The socket stays open; what was refused had no effect.</item>
/// <item>3 query awareness: no body; answered with the room's awareness.</item>
/// <item>100 acknowledgement (Demiurge's own, only to peers that connected with <c>ack=1</c>): varuint n: the first n sync
/// messages of this connection that carried an update (step 2 and update) are durable. It only grows, and stays below
/// a refused update: neither that one nor what its sender builds on it is acknowledged, until a new connection offers it again.</item>
/// </list>
/// </summary>
public static class RoomProtocol
{
    public const uint Sync = 0, Awareness = 1, Auth = 2, QueryAwareness = 3, Acknowledgement = 100;

    public const uint SyncStep1 = 0, SyncStep2 = 1, SyncUpdate = 2;

    /// <summary>
    /// Close codes a peer may see besides the standard ones. As y-websocket has it, 4400 to 4499 are final, as HTTP's 4xx are: a client that
    /// is told one stops; after any other it comes back by itself.
    /// </summary>
    public static class Close
    {
        public const int TooBig = 1009, InternalError = 1011, ServiceRestart = 1012, TryAgainLater = 1013;

        /// <summary>The ticket is missing, forged, expired or for another room. Get a new one.</summary>
        public const int Unauthenticated = 4401;

        /// <summary>The person's access to the project has ended.</summary>
        public const int Revoked = 4403;

        /// <summary>No such project.</summary>
        public const int NotFound = 4404;

        /// <summary>The organization is about to be served by another gateway.</summary>
        public const int Moved = 4509;

        /// <summary>The gateway was released after a time without activity; whoever opens the project wakes it.</summary>
        public const int Idle = 4510;
    }
}
