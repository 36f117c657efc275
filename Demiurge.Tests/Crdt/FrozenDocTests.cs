using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>Whatever is done to a document after it was frozen, what was frozen encodes to the same bytes as the document did then.</summary>
public sealed class FrozenDocTests
{
    [Fact]
    public void Encode_AfterAnyEdits_IsTheStateOfThen() => Seeds.ForEach("frozen", 30, seed =>
    {
        var session = new Session(seed);
        for (var round = 0; round < 10; round++)
        {
            session.Edit(150);
            session.Freeze();
            if (round % 3 == 2)
            {
                // Views are released in another order than they were taken in: the document must go on sharing with the others.
                session.CheckOne();
            }
        }
        session.CheckAll();
        session.Edit(50);
        session.Doc.Store.CheckStructure();
    });

    [Fact]
    public async Task Encode_OnAnotherThreadWhileTheDocumentIsEdited_IsTheStateOfThen()
    {
        var session = new Session(7);
        session.Edit(5000);
        for (var round = 0; round < 8; round++)
        {
            var expected = (session.Doc.EncodeStateAsUpdate(), session.Doc.EncodeStateAsUpdateV2(), session.Doc.EncodeStateVector());
            var frozen = session.Doc.Freeze();
            using var started = new ManualResetEventSlim();
            var reader = Task.Run(() =>
            {
                using (frozen)
                {
                    started.Set();
                    for (var i = 0; i < 20; i++)
                    {
                        Assert.Equal(expected.Item1, frozen.EncodeStateAsUpdate());
                        Assert.Equal(expected.Item2, frozen.EncodeStateAsUpdateV2());
                        Assert.Equal(expected.Item3, frozen.EncodeStateVector());
                    }
                }
            });
            started.Wait();
            while (!reader.IsCompleted)
            {
                session.Edit(20);
            }
            await reader;
        }
        session.Doc.Store.CheckStructure();
    }

    [Fact]
    public void Encode_WithPendingStructs_HasThemToo()
    {
        using var source = new YDoc(new() { ClientId = 1 });
        var updates = new List<byte[]>();
        source.Updated += change => updates.Add(change.Update);
        source.GetText("text").Insert(0, "a");
        source.GetText("text").Insert(1, "b");
        source.GetText("text").Delete(0, 1);
        using var doc = new YDoc(new() { ClientId = 2 });
        doc.ApplyUpdate(updates[1]);
        doc.ApplyUpdate(updates[2]);
        var expected = doc.EncodeStateAsUpdate();
        using var frozen = doc.Freeze();
        doc.ApplyUpdate(updates[0]);
        Assert.False(doc.HasPending);
        Assert.Equal(expected, frozen.EncodeStateAsUpdate());
    }

    [Fact]
    public void Freeze_InsideATransaction_IsRefused()
    {
        using var doc = new YDoc();
        doc.Transact(_ => Assert.Throws<InvalidOperationException>(doc.Freeze));
        doc.Freeze().Dispose();
    }

    [Fact]
    public void Encode_AfterDispose_IsRefused()
    {
        using var doc = new YDoc();
        var frozen = doc.Freeze();
        frozen.Dispose();
        frozen.Dispose();
        Assert.Throws<ObjectDisposedException>(() => frozen.EncodeStateAsUpdate());
    }

    /// <summary>A document that is edited in all ways that change structs in place: splits, merges, deletions, collection, halves of surrogate pairs.</summary>
    private sealed class Session(int seed)
    {
        private readonly Random random = new(seed);
        private readonly List<(FrozenDoc Frozen, byte[] V1, byte[] V2, byte[] Vector)> views = [];

        public YDoc Doc { get; } = new(new() { ClientId = 1 });

        public void Edit(int count)
        {
            for (; count > 0; count--)
            {
                var text = Doc.GetText("text");
                var map = Doc.GetMap("map");
                var array = Doc.GetArray("array");
                var at = random.Next(text.Length + 1);
                switch (random.Next(10))
                {
                    case < 4:
                        Doc.Transact(_ => text.Insert(at, random.Next(4) == 0 ? "😀😀" : "abc"), clientId: (uint)random.Next(1, 4));
                        break;
                    case < 6 when at < text.Length:
                        text.Delete(at, Math.Min(random.Next(1, 9), text.Length - at));
                        break;
                    case 6 when at < text.Length:
                        text.Format(at, Math.Min(5, text.Length - at), new Dictionary<string, object?> { [$"key{random.Next(30)}"] = random.Next(2) == 0 ? null : $"value{random.Next(99)}" });
                        break;
                    case 7:
                        map.Set($"key{random.Next(200)}", random.Next(3) == 0 ? new YMap([new("inner", 1.0)]) : $"value{random.Next(1000)}");
                        break;
                    case 8:
                        array.Insert(random.Next(array.Count + 1), random.Next(3) == 0 ? new YArray([1.0, "two"]) : (double)random.Next(1000));
                        break;
                    default:
                        if (array.Count > 0)
                        {
                            array.RemoveAt(random.Next(array.Count));
                        }
                        break;
                }
            }
        }

        public void Freeze() => views.Add((Doc.Freeze(), Doc.EncodeStateAsUpdate(), Doc.EncodeStateAsUpdateV2(), Doc.EncodeStateVector()));

        public void CheckOne()
        {
            var index = random.Next(views.Count);
            var (frozen, v1, v2, vector) = views[index];
            Assert.Equal(v1, frozen.EncodeStateAsUpdate());
            Assert.Equal(v2, frozen.EncodeStateAsUpdateV2());
            Assert.Equal(vector, frozen.EncodeStateVector());
            frozen.Dispose();
            views.RemoveAt(index);
        }

        public void CheckAll()
        {
            while (views.Count > 0)
            {
                CheckOne();
            }
        }
    }
}
