namespace Demiurge.Core.Containers.Snapshots.Stores;

/// <summary>
/// Keeps files under keys such as <c>organization/container/snapshot.tar.gz</c>. A file is there whole or not at all, also when the
/// process that writes it is killed. Safe for concurrent use; a key is written once.
/// </summary>
/// <remarks>What goes wrong is thrown as an <see cref="IOException"/> whose message is for people.</remarks>
public interface ISnapshotStore
{
    /// <summary><c>disk</c> or <c>s3</c>: what locations begin with.</summary>
    string Kind { get; }

    /// <summary>Begins a file. It appears with <see cref="ISnapshotFile.Commit"/>; disposed of without, nothing is left of it.</summary>
    Task<ISnapshotFile> Create(string key, CancellationToken cancellationToken);

    /// <summary>The file's bytes from the beginning; the caller disposes of the stream.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    Task<Stream> Open(string key, CancellationToken cancellationToken);

    /// <summary>Removes the file; nothing happens when there is none.</summary>
    Task Delete(string key, CancellationToken cancellationToken);

    /// <summary>Removes what processes that died left unfinished. Only for who knows that nobody writes. How many there were.</summary>
    Task<int> RemoveUnfinished(CancellationToken cancellationToken);
}

/// <summary>A file being written. One thread at a time.</summary>
public interface ISnapshotFile : IAsyncDisposable
{
    /// <summary>Write-only.</summary>
    Stream Content { get; }

    /// <summary>Makes the file appear, durably. Nothing may be written afterwards.</summary>
    Task Commit(CancellationToken cancellationToken);
}
