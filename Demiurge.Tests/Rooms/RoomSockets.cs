using System.IO.Pipelines;
using System.Net.WebSockets;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Rooms;

/// <summary>Bare sockets in memory, for tests that put peers into a room by hand.</summary>
internal static class RoomSockets
{
    /// <summary>Whoever enters is greeted at the begin of a turn, so the second greeting tells that the turn of the first has ended.</summary>
    public static async Task TurnEnded(RoomHost host)
    {
        for (var i = 0; i < 2; i++)
        {
            var (ours, _) = Sockets();
            var witness = host.NewPeer(ours);
            await host.Room.Join(witness);
            await PlatformFixture.Until(() => Task.FromResult(witness.QueuedBytes > 0), "a turn");
            await host.Room.Leave(witness);
        }
    }

    public static bool IsStep2(byte[] frame) => frame[0] == RoomProtocol.Sync && frame[1] == RoomProtocol.SyncStep2;

    public static Task<List<byte[]>> ReadUntil(WebSocket socket, byte[] wanted) => ReadUntil(socket, frame => frame.AsSpan().SequenceEqual(wanted));

    public static async Task<List<byte[]>> ReadUntil(WebSocket socket, Predicate<byte[]> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var read = new List<byte[]>();
        var buffer = new byte[1 << 16];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await socket.ReceiveAsync(buffer.AsMemory(length), patience.Token);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            read.Add(buffer[..length]);
            if (wanted(read[^1]))
                return read;
        }
    }

    public static (WebSocket Server, WebSocket Client) Sockets()
    {
        var (up, down) = (new Pipe(), new Pipe());
        return (
            WebSocket.CreateFromStream(new Duplex(up.Reader.AsStream(), down.Writer.AsStream()), new WebSocketCreationOptions { IsServer = true }),
            WebSocket.CreateFromStream(new Duplex(down.Reader.AsStream(), up.Writer.AsStream()), new WebSocketCreationOptions()));
    }

    /// <summary>Two one-way streams as one.</summary>
    private sealed class Duplex(Stream reading, Stream writing) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => reading.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => writing.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => writing.FlushAsync(cancellationToken);

        public override void Flush() => writing.Flush();

        public override int Read(byte[] buffer, int offset, int count) => reading.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => writing.Write(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                reading.Dispose();
                writing.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
