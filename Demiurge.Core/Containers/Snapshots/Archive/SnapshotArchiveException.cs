namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>An archive, or what an engine gave for one, isn't fit to be kept or restored. The message is for people.</summary>
/// <param name="passing">Whether another attempt may find it otherwise: a file that changed while it was read, say.</param>
public sealed class SnapshotArchiveException(string message, bool passing = false, Exception? inner = null) : Exception(message, inner)
{
    public bool Passing => passing;
}
