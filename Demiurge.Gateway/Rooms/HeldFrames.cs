namespace Demiurge.Gateway.Rooms;

/// <summary>
/// Frames for a peer whose state is being encoded: they go out right after it. When they would be more than the peer's queue takes they are dropped, and the peer catches
/// up from <paramref name="since"/> instead. Belongs to the room's loop.
/// </summary>
/// <param name="since">State vector of the document that is being encoded.</param>
/// <param name="limit">How many bytes may be held.</param>
internal sealed class HeldFrames(byte[] since, int limit)
{
    private readonly List<byte[]> frames = [];
    private long bytes;

    public byte[] Since => since;

    /// <summary>In order; null when they were too many.</summary>
    public IReadOnlyList<byte[]>? Frames => bytes > limit ? null : frames;

    public void Add(byte[] frame)
    {
        bytes += frame.Length;
        if (bytes > limit)
            frames.Clear();
        else
            frames.Add(frame);
    }
}
