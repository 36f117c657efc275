using System.Formats.Tar;
using System.Runtime.CompilerServices;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>What a walk puts up with.</summary>
/// <param name="Bytes">Of all contents together, unpacked.</param>
/// <param name="Entries">How many.</param>
internal sealed record ArchiveLimits(long Bytes, long Entries)
{
    public static ArchiveLimits None { get; } = new(long.MaxValue, long.MaxValue);
}

/// <summary>Reads a tar stream to its very end, in constant memory, and refuses one that is damaged, cut off or larger than the limits. One walk an instance.</summary>
internal sealed class TarWalk(Stream tar, ArchiveLimits limits)
{
    /// <summary>More than names and attributes of one entry take.</summary>
    private const int HeaderAllowance = 2 << 20;
    private const int Block = 512;

    public long Bytes { get; private set; }

    public long Entries { get; private set; }

    /// <summary>The entries in their order; an entry's content is gone with the next one.</summary>
    /// <exception cref="SnapshotArchiveException">It can't be used.</exception>
    public async IAsyncEnumerable<TarEntry> Read([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var guarded = new GuardedReads(tar);
        await using var reader = new TarReader(guarded, leaveOpen: true);
        long padding = 0;
        while (true)
        {
            guarded.Allowance = HeaderAllowance;
            guarded.Mark();
            if (await Sound(async () => await reader.GetNextEntryAsync(copyData: false, cancellationToken)) is not { } entry)
                break;
            if (entry.EntryType == TarEntryType.GlobalExtendedAttributes)
                continue;
            Entries++;
            Bytes += entry.Length;
            if (Entries > limits.Entries)
                throw new SnapshotArchiveException($"There are more than {limits.Entries:N0} files and folders.");
            if (entry.Length < 0 || Bytes > limits.Bytes)
                throw new SnapshotArchiveException($"Unpacked, it is larger than {Size.Of(limits.Bytes)}.");
            guarded.Allowance = entry.Length + 1024;
            padding = (Block - (entry.Length % Block)) % Block;
            yield return entry;
            if (entry.DataStream is { } rest)
            {
                await Sound(async () =>
                {
                    await rest.CopyToAsync(Stream.Null, cancellationToken);
                    return rest;
                });
            }
        }
        guarded.Allowance = HeaderAllowance;
        await Sound(async () =>
        {
            await guarded.CopyToAsync(Stream.Null, cancellationToken);
            return guarded;
        });
        if (guarded.ZerosSinceMark < padding + (2 * Block))
            throw new SnapshotArchiveException("The archive is cut off: its end is missing.", passing: true);
    }

    private static async Task<T> Sound<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or OverflowException or ArgumentException)
        {
            throw new SnapshotArchiveException($"The archive is damaged: {exception.Message.TrimEnd('.')}.", passing: true, exception);
        }
        catch (EndOfStreamException exception)
        {
            throw new SnapshotArchiveException("The archive is cut off in the middle of a file.", passing: true, exception);
        }
    }
}
