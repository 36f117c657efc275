using System.Runtime.InteropServices;

namespace Demiurge.Core.Containers.Snapshots.Stores;

/// <summary>
/// A folder. A file is written beside its place under the name <c>*.part</c>, flushed to the disk and renamed; the folder is flushed after
/// that, so that a power cut doesn't undo the rename.
/// </summary>
public sealed partial class DiskSnapshotStore(string folder) : ISnapshotStore
{
    private const string Unfinished = ".part";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Kind => "disk";

    public Task<ISnapshotFile> Create(string key, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        var parent = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(parent);
        else
            Directory.CreateDirectory(parent, OwnerOnly | UnixFileMode.UserExecute);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, Options = FileOptions.Asynchronous, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return Task.FromResult<ISnapshotFile>(new PartFile(path, new FileStream(path + Unfinished, options)));
    }

    public Task<Stream> Open(string key, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult<Stream>(new FileStream(
                PathOf(key), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan }));
        }
        catch (DirectoryNotFoundException exception)
        {
            throw new FileNotFoundException(exception.Message, exception);
        }
    }

    public Task Delete(string key, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        if (!File.Exists(path))
            return Task.CompletedTask;
        File.Delete(path);
        var parent = Path.GetDirectoryName(path)!;
        FlushFolder(parent);
        if (!Directory.EnumerateFileSystemEntries(parent).Any())
            Directory.Delete(parent);
        return Task.CompletedTask;
    }

    public Task<int> RemoveUnfinished(CancellationToken cancellationToken)
    {
        var removed = 0;
        if (!Directory.Exists(folder))
            return Task.FromResult(removed);
        foreach (var file in Directory.EnumerateFiles(folder, "*" + Unfinished, SearchOption.AllDirectories))
        {
            File.Delete(file);
            removed++;
        }
        return Task.FromResult(removed);
    }

    private string PathOf(string key)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
        var path = Path.GetFullPath(Path.Combine(root, key));
        return path.StartsWith(root, StringComparison.Ordinal) && path.Length > root.Length
            ? path
            : throw new ArgumentException($"`{key}` is not a key.", nameof(key));
    }

    private static void FlushFolder(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return;
        // .NET opens no folders.
        var descriptor = OpenFolder(path, 0);
        if (descriptor < 0)
            throw new IOException($"{path} can't be flushed to the disk: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
        try
        {
            if (Flush(descriptor) != 0)
                throw new IOException($"{path} can't be flushed to the disk: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int OpenFolder([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Flush(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int descriptor);

    private sealed class PartFile(string path, FileStream stream) : ISnapshotFile
    {
        private bool committed;

        public Stream Content => stream;

        public async Task Commit(CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            stream.Flush(flushToDisk: true);
            await stream.DisposeAsync();
            File.Move(path + Unfinished, path, overwrite: true);
            committed = true;
            FlushFolder(Path.GetDirectoryName(path)!);
        }

        public async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            if (!committed)
                File.Delete(path + Unfinished);
        }
    }
}
