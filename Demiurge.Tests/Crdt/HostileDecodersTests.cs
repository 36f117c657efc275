using System.Text;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Tests.Crdt;

/// <summary>
/// Every decoder against bytes that were made to break it: real ones with bytes changed, columns of format v2 changed one by one, and well-formed structs with references
/// to anywhere. A decoder may refuse them with its one exception, and must not allocate more than its documentation allows.
/// </summary>
public sealed class HostileDecodersTests
{
    /// <summary>What the limits of format v2 allow (262,144 structs in a few bytes), in the table of contents and as bytes of format v1, and room for the rest.</summary>
    private const long MaxAllocated = 160 << 20;

    private static readonly Lazy<Corpus> Real = new(() => new Corpus());

    [Fact]
    public void Decoders_HostileBytes_RefuseOrTakeThem() => Seeds.ForEach("hostile decoder", 30_000, Try);

    [Fact]
    [Trait("Profile", "full")]
    public void Decoders_AMillionHostileInputs_RefuseOrTakeThem() => Seeds.ForEach("hostile decoder", 1_000_000, Try);

    /// <summary>Name, the column of infos, of clients, of lengths, and the rest.</summary>
    [Theory]
    [InlineData("as many clients as there are integers", "", "", "", "ffffffffffffff0f")]
    [InlineData("one collected struct after the other, for ever", "00", "01", "41ffffffff0f", "01ffffffff0f0000")]
    [InlineData("a struct of 2^53 values", "08", "01", "bfffffffffffff3f", "01010000")]
    [InlineData("deletions beyond all clocks", "", "", "", "000101" + "01ffffffffffffff0fffffffffffffff0f")]
    public void ApplyUpdateV2_AbsurdCounts_AreRefused(string what, string infos, string clients, string lengths, string rest)
    {
        var columns = new Columns();
        columns.Parts.AddRange([[], Convert.FromHexString(clients), [], [], Convert.FromHexString(infos), [0], [], [], Convert.FromHexString(lengths), Convert.FromHexString(rest)]);
        using var doc = new YDoc();
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refused = Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdateV2(columns.ToArray()));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MaxAllocated, what + ": " + refused.Message);
        Assert.Equal([0, 0], doc.EncodeStateAsUpdate());
        Assert.Equal(what.EndsWith("for ever", StringComparison.Ordinal), refused.Message.Contains("unfolds"));
    }

    [Theory]
    [InlineData("01")] // a feature flag that nobody knows
    [InlineData("00ffffffff0f")] // a column longer than everything
    [InlineData("")]
    public void ApplyUpdateV2_NoColumns_IsRefused(string hex)
    {
        using var doc = new YDoc();

        Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdateV2(Convert.FromHexString(hex)));
    }

    [Fact]
    public void ApplyUpdateV2_StructsThatTakeNoByte_AreTakenUpToTheLimit()
    {
        // A few thousand empty maps in one go are a handful of bytes.
        using var source = new YDoc(new() { ClientId = 1 });
        source.Transact(_ => source.GetArray("a").Add(Enumerable.Range(0, 5000).Select(_ => new YMap())));
        var update = source.EncodeStateAsUpdateV2();
        using var doc = new YDoc();

        doc.ApplyUpdateV2(update);

        Assert.InRange(update.Length, 1, 60);
        Assert.Equal(5000, doc.GetArray("a").Count);
    }

    [Fact]
    public void ApplyUpdateV2_KeyThatIsReferredToAgain_IsRead()
    {
        // Yjs reads references to earlier keys and never writes them. Two formats of one key: the second key clock is 0 again.
        using var source = new YDoc(new() { ClientId = 1 });
        source.GetText("t").Insert(0, "x", new Dictionary<string, object?> { ["bold"] = true });
        var columns = Columns.Of(source.EncodeStateAsUpdateV2());
        columns.Parts[0] = [0x01, 0x00]; // twice a difference of 0
        using var strings = new LibEncoder();
        strings.WriteVarString("tboldx");
        strings.WriteBytes([0x01, 0x04, 0x01]); // the root's name, the key once, the character
        columns.Parts[5] = strings.ToArray();
        using var doc = new YDoc();

        doc.ApplyUpdateV2(columns.ToArray());

        Assert.Equal("""[{"attributes":{"bold":true},"insert":"x"}]""", PlainJson.Of(doc.GetText("t").ToDelta()).ToJsonString());
    }

    private static void Try(int seed)
    {
        var random = new Random(seed);
        var corpus = Real.Value;
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            switch (random.Next(16))
            {
                case < 3:
                    Apply(random, HostileBytesTests.Mutate(corpus.V1, random), v2: false);
                    break;
                case < 6:
                    Apply(random, random.Next(2) == 0 ? HostileBytesTests.Mutate(corpus.V2, random) : Columns.Mutate(corpus.V2, random), v2: true);
                    break;
                case 6:
                    Apply(random, YUpdates.ConvertUpdateFormatV1ToV2(HostileBytesTests.Invent(random)), v2: true);
                    break;
                case 7:
                    Look(HostileBytesTests.Mutate(corpus.V1, random), HostileBytesTests.Mutate(corpus.Vectors, random), v2: false);
                    break;
                case < 10:
                    Look(Columns.Mutate(corpus.V2, random), HostileBytesTests.Mutate(corpus.Vectors, random), v2: true);
                    break;
                case 10:
                    corpus.Doc.EncodeStateAsUpdateV2(HostileBytesTests.Mutate(corpus.Vectors, random));
                    break;
                case 11:
                    Restore(corpus, Snapshot.DecodeSnapshot(HostileBytesTests.Mutate(corpus.Snapshots, random)));
                    break;
                case 12:
                    Restore(corpus, Snapshot.DecodeSnapshotV2(HostileBytesTests.Mutate(corpus.SnapshotsV2, random)));
                    break;
                case 13:
                    Resolve(corpus, RelativePosition.DecodeRelativePosition(HostileBytesTests.Mutate(corpus.Positions, random)));
                    break;
                case 14:
                    Resolve(corpus, RelativePosition.CreateRelativePositionFromJson(Encoding.UTF8.GetString(HostileBytesTests.Mutate(corpus.PositionTexts, random))));
                    break;
                default:
                    if (random.Next(2) == 0)
                    {
                        corpus.Awareness.Apply(HostileBytesTests.Mutate(corpus.People, random), null);
                    }
                    else
                    {
                        var decoder = new LibDecoder(HostileBytesTests.Mutate(corpus.Messages, random));
                        SyncProtocol.Read(ref decoder);
                    }
                    break;
            }
        }
        catch (CrdtDecodingException)
        {
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocated);
    }

    private static void Apply(Random random, byte[] update, bool v2)
    {
        using var doc = new YDoc(new() { ClientId = 1, Gc = random.Next(2) == 0 });
        doc.GetMap("map");
        doc.GetText("rich").Insert(0, "hello");
        if (random.Next(2) == 0)
        {
            doc.ApplyUpdate(Real.Value.V1[random.Next(Real.Value.V1.Count)]);
        }
        var state = doc.EncodeStateAsUpdate();
        try
        {
            if (v2)
            {
                doc.ApplyUpdateV2(update);
            }
            else
            {
                doc.ApplyUpdate(update);
            }
        }
        catch (CrdtDecodingException)
        {
            Assert.Equal(state, doc.EncodeStateAsUpdate());
            return;
        }
        doc.Store.CheckStructure();
        doc.GetMap("map").ToJson();
        doc.GetText("rich").ToDelta();
        if (doc.HasPending)
        {
            doc.EncodeStateAsUpdateV2();
            return;
        }
        using var copy = new YDoc(new() { ClientId = 99 });
        copy.ApplyUpdateV2(doc.EncodeStateAsUpdateV2());
        Assert.Equal(doc.EncodeStateVector(), copy.EncodeStateVector());
    }

    private static void Look(byte[] update, byte[] vector, bool v2)
    {
        var whole = v2 ? YUpdates.ConvertUpdateFormatV2ToV1(update) : YUpdates.ConvertUpdateFormatV1ToV2(update);
        if (v2)
        {
            YUpdates.InspectV2(update);
            YUpdates.EncodeStateVectorFromUpdateV2(update);
            YUpdates.MergeUpdatesV2(update, YUpdates.ConvertUpdateFormatV1ToV2(whole));
            YUpdates.DiffUpdateV2(update, vector);
        }
        else
        {
            Real.Value.Doc.Inspect(update);
            YUpdates.EncodeStateVectorFromUpdate(update);
            YUpdates.MergeUpdates(update, Real.Value.V1[0]);
            YUpdates.DiffUpdate(update, vector);
        }
    }

    private static void Restore(Corpus corpus, Snapshot snapshot)
    {
        Assert.True(Snapshot.DecodeSnapshotV2(snapshot.EncodeSnapshotV2()).Equals(Snapshot.DecodeSnapshot(snapshot.EncodeSnapshot())));
        snapshot.SnapshotContainsUpdate(corpus.V1[0]);
        corpus.Doc.GetText("rich").ToDelta(snapshot);
        corpus.Doc.GetMap("map").ToDictionary(snapshot);
        try
        {
            corpus.Doc.CreateDocFromSnapshot(snapshot).Dispose();
        }
        catch (ArgumentException)
        {
            // It knows clocks that the document doesn't.
        }
        corpus.Doc.Store.CheckStructure();
    }

    private static void Resolve(Corpus corpus, RelativePosition position)
    {
        try
        {
            position.CreateAbsolutePosition(corpus.Doc);
            position.EncodeRelativePosition();
        }
        catch (InvalidOperationException) when (position is { Item: null, Type: null, TypeName: null })
        {
            // JSON may leave everything out.
        }
    }

    /// <summary>Real bytes of every kind.</summary>
    private sealed class Corpus
    {
        public Corpus()
        {
            for (var seed = 0; seed < 12; seed++)
            {
                var random = new Random(seed);
                using var replica = new OurReplica((uint)(seed % 3) + 2, gc: seed % 2 == 0, both: true);
                for (var i = 0; i < 8; i++)
                {
                    V1.AddRange(replica.Run([Operation.Next(random), Operation.Next(random)]));
                    V2.AddRange(replica.TakeOthers());
                    Snapshots.Add(replica.Doc.Snapshot().EncodeSnapshot());
                    SnapshotsV2.Add(replica.Doc.Snapshot().EncodeSnapshotV2());
                }
                V1.Add(replica.Doc.EncodeStateAsUpdate());
                V2.Add(replica.Doc.EncodeStateAsUpdateV2());
                Vectors.Add(replica.Doc.EncodeStateVector());
                var rich = replica.Doc.GetText("rich");
                foreach (var assoc in new[] { -1, 0 })
                {
                    var position = RelativePosition.CreateRelativePositionFromTypeIndex(rich, random.Next(rich.Length + 1), assoc);
                    Positions.Add(position.EncodeRelativePosition());
                    PositionTexts.Add(Encoding.UTF8.GetBytes(position.ToJson()));
                }
                Messages.Add(SyncProtocol.WriteStep1(replica.Doc));
                Messages.Add(SyncProtocol.WriteUpdate(V1[^1]));
                Doc.ApplyUpdate(V1[^1]);
            }
            Awareness = new(Doc, new ManualTime());
            Awareness.SetLocalState("""{"user":{"name":"Zoë"},"cursor":[1,-2.5e3]}""");
            People.Add(Awareness.Encode([Doc.ClientId]));
        }

        public YDoc Doc { get; } = new(new() { ClientId = 1, Gc = false });

        public Awareness Awareness { get; }

        public List<byte[]> V1 { get; } = [];

        public List<byte[]> V2 { get; } = [];

        public List<byte[]> Vectors { get; } = [[0]];

        public List<byte[]> Snapshots { get; } = [];

        public List<byte[]> SnapshotsV2 { get; } = [];

        public List<byte[]> Positions { get; } = [];

        public List<byte[]> PositionTexts { get; } = [];

        public List<byte[]> People { get; } = [];

        public List<byte[]> Messages { get; } = [];
    }

    /// <summary>An update of format v2 taken apart: nine columns and the rest.</summary>
    private sealed class Columns
    {
        public List<byte[]> Parts { get; } = [];

        public static Columns Of(byte[] update)
        {
            var columns = new Columns();
            var decoder = new LibDecoder(update);
            decoder.ReadVarUint();
            for (var i = 0; i < 9; i++)
            {
                columns.Parts.Add(decoder.ReadVarBytes().ToArray());
            }
            columns.Parts.Add(decoder.ReadBytes(decoder.Remaining).ToArray());
            return columns;
        }

        /// <summary>Changes bytes of one or two columns, or takes a column from another update.</summary>
        public static byte[] Mutate(List<byte[]> corpus, Random random)
        {
            var columns = Of(corpus[random.Next(corpus.Count)]);
            for (var count = random.Next(1, 3); count > 0; count--)
            {
                var which = random.Next(10);
                columns.Parts[which] = random.Next(4) == 0
                    ? Of(corpus[random.Next(corpus.Count)]).Parts[which]
                    : HostileBytesTests.Mutate([columns.Parts[which]], random);
            }
            return columns.ToArray();
        }

        public byte[] ToArray()
        {
            using var encoder = new LibEncoder();
            encoder.WriteByte(0);
            for (var i = 0; i < 9; i++)
            {
                encoder.WriteVarBytes(Parts[i]);
            }
            encoder.WriteBytes(Parts[9]);
            return encoder.ToArray();
        }
    }
}
