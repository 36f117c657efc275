using System.Security.Cryptography;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>Passes on and hashes what is written, and stops at a limit.</summary>
internal sealed class MeasuredWrites(Stream inner, long limit, Func<long, Exception> beyond) : ForwardStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Bytes { get; private set; }

    public override bool CanWrite => true;

    /// <summary>Of all that was written, lower-case hexadecimal.</summary>
    public string Sha256() => Convert.ToHexStringLower(hash.GetCurrentHash());

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Bytes + buffer.Length > limit)
            throw beyond(limit);
        await inner.WriteAsync(buffer, cancellationToken);
        hash.AppendData(buffer.Span);
        Bytes += buffer.Length;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            hash.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Passes on and hashes what is read.</summary>
internal sealed class MeasuredReads(Stream inner) : ForwardStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Bytes { get; private set; }

    public override bool CanRead => true;

    public string Sha256() => Convert.ToHexStringLower(hash.GetCurrentHash());

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        hash.AppendData(buffer.Span[..count]);
        Bytes += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            hash.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>
/// Reads no further than it is allowed to before the allowance is renewed, so that a header that claims gigabytes ends the walk. Counts
/// the zeros since a mark: a whole tar ends with two blocks of them.
/// </summary>
internal sealed class GuardedReads(Stream inner) : ForwardStream
{
    private bool onlyZeros;

    public long Allowance { get; set; }

    /// <summary>How many bytes were read since the mark; 0 when one of them is not a zero.</summary>
    public long ZerosSinceMark { get; private set; }

    public override bool CanRead => true;

    public void Mark() => (ZerosSinceMark, onlyZeros) = (0, true);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Allowance <= 0)
            throw new SnapshotArchiveException("The archive is damaged: an entry's description is longer than any can be.");
        var count = await inner.ReadAsync(buffer.Length > Allowance ? buffer[..(int)Allowance] : buffer, cancellationToken);
        Allowance -= count;
        onlyZeros &= !buffer.Span[..count].ContainsAnyExcept((byte)0);
        ZerosSinceMark = onlyZeros ? ZerosSinceMark + count : 0;
        return count;
    }
}

/// <summary>An entry's content with the length that its header told, hashed as it is read. Can't really be moved about in.</summary>
internal sealed class EntryContent(Stream inner, long length) : ForwardStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long position;

    public override bool CanRead => true;

    /// <summary>A tar writer needs to know the length before it writes; this is how it asks.</summary>
    public override bool CanSeek => true;

    public override long Length => length;

    public override long Position
    {
        get => position;
        set
        {
            if (value != position)
                throw new NotSupportedException();
        }
    }

    public string Sha256() => Convert.ToHexStringLower(hash.GetCurrentHash());

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        hash.AppendData(buffer.Span[..count]);
        position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            hash.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A stream in one direction, asynchronous only.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous reads.");

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous writes.");

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
