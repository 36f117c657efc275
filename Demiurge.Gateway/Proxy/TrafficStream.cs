using Microsoft.AspNetCore.Http.Features;

namespace Demiurge.Gateway.Proxy;

/// <summary>Hands out the client's side of an upgraded connection with somebody who counts what goes over it.</summary>
internal sealed class CountedUpgrade(IHttpUpgradeFeature inner, Action bytes, Action message, bool isWebSocket) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync() => new TrafficStream(await inner.UpgradeAsync(), bytes, message, isWebSocket);
}

/// <summary>
/// Passes bytes through and tells of them; of a WebSocket's data messages separately, because pings and pongs, which browsers
/// answer by themselves, are not somebody's doing.
/// </summary>
internal sealed class TrafficStream(Stream inner, Action bytes, Action message, bool isWebSocket) : Stream
{
    private WebSocketFrames incoming, outgoing;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        Count(ref incoming, buffer.Span[..read]);
        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Count(ref outgoing, buffer.Span);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private void Count(ref WebSocketFrames frames, ReadOnlySpan<byte> span)
    {
        if (span.IsEmpty)
            return;
        bytes();
        if (!isWebSocket || frames.HasData(span))
            message();
    }
}

/// <summary>Follows the frames of one direction of a WebSocket (RFC 6455, 5.2), reading their headers only.</summary>
internal struct WebSocketFrames
{
    private ulong payload;
    private ulong length;
    private int headerRead, headerLength;
    private bool isData;

    /// <summary>Whether any of the bytes belong to a data frame.</summary>
    public bool HasData(ReadOnlySpan<byte> bytes)
    {
        var data = false;
        while (!bytes.IsEmpty)
        {
            if (payload > 0)
            {
                var part = (int)Math.Min(payload, (ulong)bytes.Length);
                data |= isData;
                payload -= (ulong)part;
                bytes = bytes[part..];
                continue;
            }

            var b = bytes[0];
            bytes = bytes[1..];
            switch (headerRead++)
            {
                case 0:
                    isData = (b & 0x08) == 0;
                    data |= isData;
                    break;
                case 1:
                    var extended = (b & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 };
                    headerLength = 2 + extended + ((b & 0x80) != 0 ? 4 : 0);
                    length = extended == 0 ? (ulong)(b & 0x7F) : 0;
                    lengthBytes = extended;
                    break;
                default:
                    if (lengthBytes > 0)
                    {
                        length = (length << 8) | b;
                        lengthBytes--;
                    }

                    break;
            }

            if (headerRead >= 2 && headerRead == headerLength)
            {
                payload = length;
                headerRead = 0;
                headerLength = 0;
            }
        }

        return data;
    }

    private int lengthBytes;
}
