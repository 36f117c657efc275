using Demiurge.Core.Rooms;

namespace Demiurge.Tests.Rooms;

public sealed class RoomLogWireTests
{
    private static readonly Guid Project = Guid.NewGuid();

    [Fact]
    public void Batch_Written_IsReadBack()
    {
        var (batch, updates) = RoomLogWire.ReadAppend(Batch());

        Assert.Equal(42, batch);
        Assert.Equal([[1, 2, 3], []], updates.Select(update => update.Bytes.ToArray()));
    }

    [Fact]
    public void Pull_Written_IsReadBack()
    {
        var records = RoomLogWire.ReadPull(Project, Pull());

        Assert.Equal([(9, true), (10, false)], records.Select(record => (record.Seq, record.IsSnapshot)));
    }

    [Fact]
    public void Pull_OfAnotherProject_IsRefused() => Assert.Throws<InvalidDataException>(() => RoomLogWire.ReadPull(Guid.NewGuid(), Pull()));

    [Fact]
    public void Bytes_CutShortOrAltered_AreRefused()
    {
        foreach (var (bytes, read) in new (byte[], Action<byte[]>)[] { (Batch(), b => RoomLogWire.ReadAppend(b)), (Pull(), b => RoomLogWire.ReadPull(Project, b)) })
        {
            for (var length = 0; length < bytes.Length; length++)
                Assert.Throws<InvalidDataException>(() => read(bytes[..length]));
            Assert.Throws<InvalidDataException>(() => read([.. bytes, 0]));
            byte[] altered = [.. bytes];
            // The last byte belongs to the last record: a body, or the checksum of an empty one.
            altered[^1] ^= 1;
            Assert.Throws<InvalidDataException>(() => read(altered));
        }
    }

    [Fact]
    public void Bytes_AtRandom_AreRefusedWithoutMuchMemory()
    {
        var random = new Random(1);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = round % 2 == 0 ? Batch() : Pull();
            for (var change = random.Next(1, 5); change > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                RoomLogWire.ReadAppend(bytes);
                RoomLogWire.ReadPull(Project, bytes);
            }
            catch (InvalidDataException)
            {
                // What is asked of it.
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000);
        }
    }

    [Fact]
    public void MoreThanAMessageHolds_IsRefusedBeforeItIsWritten()
    {
        var large = new byte[64 << 20];

        Assert.Throws<InvalidDataException>(() => RoomLogWire.WritePull(Project, [.. Enumerable.Range(1, 33).Select(seq => new RoomRecord(seq, false, large))]));
        Assert.Throws<InvalidDataException>(() => RoomLogWire.WriteAppend(1, [.. Enumerable.Range(1, 33).Select(_ => new RoomAppend(Project, large))]));
    }

    private static byte[] Batch() => RoomLogWire.WriteAppend(42, [new(Project, new byte[] { 1, 2, 3 }), new(Guid.NewGuid(), ReadOnlyMemory<byte>.Empty)]);

    private static byte[] Pull() => RoomLogWire.WritePull(Project, [new(9, true, new byte[] { 1, 2, 3 }), new(10, false, new byte[] { 4 })]);
}
