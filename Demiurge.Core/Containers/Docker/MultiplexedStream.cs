using System.Buffers.Binary;

namespace Demiurge.Core.Containers.Docker;

/// <summary>Which of a container's streams bytes belong to. With a terminal all of them are <see cref="Output"/>.</summary>
internal enum DockerSource
{
    Input,
    Output,
    Error,
}

/// <summary>
/// Takes apart what the engine wove together: frames of a source (1 byte), 3 zeros, a length (4 bytes, big-endian) and so many bytes. A terminal's stream has
/// no frames. Reads straight into the caller's buffer; one reader at a time.
/// </summary>
internal sealed class MultiplexedStream(Stream stream, bool raw)
{
    private readonly byte[] header = new byte[8];
    private DockerSource source = DockerSource.Output;
    private uint remaining;

    /// <summary>The next bytes, of one source. 0 bytes: the end.</summary>
    /// <exception cref="EndOfStreamException">The stream ended inside a frame.</exception>
    public async ValueTask<(DockerSource Source, int Count)> Read(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (raw)
            return (DockerSource.Output, await stream.ReadAsync(buffer, cancellationToken));
        while (remaining == 0)
        {
            var got = await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken);
            if (got == 0)
                return (source, 0);
            if (got < header.Length)
                throw new EndOfStreamException("The engine's stream ended inside a frame.");
            if (header[0] > 2 || header[1] != 0 || header[2] != 0 || header[3] != 0)
                throw new InvalidDataException("The engine's stream has no frames.");
            source = (DockerSource)header[0];
            remaining = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        }

        var count = await stream.ReadAsync(buffer[..(int)Math.Min((uint)buffer.Length, remaining)], cancellationToken);
        if (count == 0)
            throw new EndOfStreamException("The engine's stream ended inside a frame.");
        remaining -= (uint)count;
        return (source, count);
    }
}
