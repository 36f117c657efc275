using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Tests.Crdt;

/// <summary>
/// Bytes that nobody honest sends: mutations of real updates, and updates made up of well-formed parts that don't belong together. Decoding must
/// refuse them with its one exception and leave the document alone, or take them in and leave the document sound.
/// </summary>
public sealed class HostileBytesTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void ApplyUpdate_MutatedUpdates_AreRefusedOrTakenInSoundly()
    {
        var corpus = Corpus();
        Seeds.ForEach("hostile", 12000, seed =>
        {
            var random = new Random(seed);
            var update = Mutate(corpus, random);
            using var doc = new YDoc(new() { ClientId = 1, Gc = random.Next(2) == 0 });
            doc.GetMap("map");
            doc.GetArray("array");
            doc.GetText("text");
            doc.GetText("rich");
            doc.ApplyUpdate(corpus[random.Next(corpus.Count)]);
            Take(doc, update);
            doc.GetText("rich").Insert(0, "x");
            Take(doc, Mutate(corpus, random));
            Take(doc, update);
        });
    }

    [Fact]
    public void ApplyUpdate_InventedStructs_AreRefusedOrTakenInSoundly() => Seeds.ForEach("invented", 10000, seed =>
    {
        var random = new Random(seed);
        using var doc = new YDoc(new() { ClientId = 1, Gc = random.Next(2) == 0 });
        doc.GetMap("map");
        doc.GetText("rich").Insert(0, "hello");
        for (var i = 0; i < 4; i++)
        {
            Take(doc, Invent(random));
        }
    });

    [Fact]
    public void ApplyUpdate_Refused_LeavesNoTrace()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.GetText("rich").Insert(0, "hello");
        var before = doc.EncodeStateAsUpdate();
        using var other = new YDoc(new() { ClientId = 2 });
        other.ApplyUpdate(before);
        other.GetText("rich").Insert(5, " world");
        other.GetMap("map").Set("key", "value");
        var update = other.EncodeStateAsUpdate();
        var raised = 0;
        doc.Updated += _ => raised++;

        for (var length = 0; length < update.Length; length++)
        {
            Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdate(update.AsSpan(0, length)));
        }

        Assert.Equal(before, doc.EncodeStateAsUpdate());
        Assert.Equal(0, raised);
        Assert.False(doc.HasPending);
    }

    [Theory]
    [InlineData("01ffffffff0f0100000100")] // four billion structs announced
    [InlineData("ffffffffffffff0f0100000100")] // as many clients
    [InlineData("01010100080101610104ffffffff0f")] // four billion deletions
    [InlineData("0101010008010161ffffffff0f7d01")] // four billion values
    [InlineData("010101000101016101ffffffffffffffff7f00")] // a length beyond 53 bits
    public void ApplyUpdate_AbsurdCounts_AreRefusedWithoutAllocating(string hex)
    {
        using var doc = new YDoc();
        var bytes = Convert.FromHexString(hex);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdate(bytes));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
    }

    [Theory]
    [InlineData("010101000401016101ff00")] // text that is not UTF-8
    [InlineData("0101010005010161017b00")] // an embed that is not JSON
    [InlineData("01010100060101610162017b00")] // a format value that is not JSON
    [InlineData("010101000b0101610100")] // content of an unknown kind
    [InlineData("01010100070101610700")] // a shared type of an unknown kind
    [InlineData("0101010008010161017300")] // a value of an unknown kind
    [InlineData("0101010084010001610000")] // a struct whose origin is itself
    [InlineData("01010100000000")] // a struct without length
    [InlineData("010101ffffffff07000200")] // clocks beyond 2^31
    public void ApplyUpdate_MalformedContent_IsRefused(string hex)
    {
        using var doc = new YDoc();

        Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdate(Convert.FromHexString(hex)));

        Assert.Equal([0, 0], doc.EncodeStateAsUpdate());
    }

    [Fact]
    public void ApplyUpdate_KnownIdsWithOtherValues_AreLeftAsTheyWere()
    {
        // Client 5 appends 1, then 2, to the array "a"; somebody else says that its first clocks are other, shorter values, and goes on from there.
        using var source = new YDoc(new() { ClientId = 5 });
        using var doc = new YDoc(new() { ClientId = 1 });
        source.Updated += change => doc.ApplyUpdate(change.Update);
        source.GetArray("a").Add("a long first value");
        source.GetArray("a").Add(2);

        doc.ApplyUpdate(Convert.FromHexString("010105000801016103" + "7e7e7e" + "00"));

        Assert.Equal(["a long first value", 2d, null], doc.GetArray("a").ToList());
        doc.Store.CheckStructure();
    }

    [Fact]
    public void ApplyUpdate_DeepValue_IsRefused()
    {
        using var encoder = new LibEncoder();
        encoder.WriteBytes([1, 1, 5, 0, 8, 1, 1, (byte)'a', 1]);
        for (var depth = 0; depth < 1_000_000; depth++)
        {
            encoder.WriteBytes([117, 1]);
        }
        encoder.WriteBytes([126, 0]);
        var update = encoder.ToArray();
        using var doc = new YDoc();

        Assert.Throws<CrdtDecodingException>(() => doc.ApplyUpdate(update));
    }

    [Fact]
    public void ApplyUpdate_TypesNestedVeryDeep_CanBeDeletedAndCollected()
    {
        const int Depth = 200_000;
        using var encoder = new LibEncoder();
        encoder.WriteBytes([1]);
        encoder.WriteVarUint(Depth);
        encoder.WriteBytes([5, 0]);
        for (var clock = 0; clock < Depth; clock++)
        {
            encoder.WriteByte(7);
            if (clock == 0)
            {
                encoder.WriteBytes([1, 1, (byte)'a']);
            }
            else
            {
                encoder.WriteBytes([0, 5]);
                encoder.WriteVarUint((uint)clock - 1);
            }
            encoder.WriteByte(0);
        }
        encoder.WriteByte(0);
        using var doc = new YDoc(new() { ClientId = 1 });
        var root = doc.GetArray("a");
        doc.ApplyUpdate(encoder.Written);

        Assert.Throws<InsufficientExecutionStackException>(root.ToJson);
        root.RemoveAt(0);

        Assert.Equal(0, root.Count);
        Assert.True(doc.EncodeStateAsUpdate().Length < 32);
    }

    [Fact]
    public void Awareness_MutatedUpdates_AreRefusedOrTakenIn()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        using var source = new Awareness(doc, new ManualTime());
        source.SetLocalState("""{"user":{"name":"Zoë","color":"#ff0000"},"cursor":[1,-2.5e3]}""");
        source.SetState(2, "{}");
        var corpus = new List<byte[]> { source.Encode([1, 2]), source.Encode([2]), source.Encode([]) };
        using var target = new Awareness(doc, new ManualTime());
        Seeds.ForEach("awareness", 20000, seed =>
        {
            try
            {
                target.Apply(Mutate(corpus, new Random(seed)), null);
            }
            catch (CrdtDecodingException)
            {
            }
        });
        target.Encode(target.States.Keys);
    }

    private static void Take(YDoc doc, byte[] update)
    {
        var before = (doc.EncodeStateAsUpdate(), doc.EncodeStateVector(), doc.HasPending);
        try
        {
            doc.ApplyUpdate(update);
        }
        catch (CrdtDecodingException)
        {
            Assert.Equal(before, (doc.EncodeStateAsUpdate(), doc.EncodeStateVector(), doc.HasPending), Same);
            return;
        }
        doc.Store.CheckStructure();
        doc.GetMap("map").ToJson();
        doc.GetText("rich").ToDelta();
        if (!doc.HasPending)
        {
            // What it says about itself must be readable, and say the same. (What waits may contradict what is here.)
            using var copy = new YDoc(new() { ClientId = 99 });
            copy.ApplyUpdate(doc.EncodeStateAsUpdate());
            Assert.Equal(doc.EncodeStateVector(), copy.EncodeStateVector());
        }
    }

    private static bool Same((byte[] Update, byte[] Vector, bool Pending) a, (byte[] Update, byte[] Vector, bool Pending) b) =>
        a.Update.AsSpan().SequenceEqual(b.Update) && a.Vector.AsSpan().SequenceEqual(b.Vector) && a.Pending == b.Pending;

    /// <summary>Real updates: small ones, whole documents, with everything that Yjs can hold.</summary>
    private List<byte[]> Corpus()
    {
        var corpus = new List<byte[]>();
        for (var seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            using var replica = new OurReplica((uint)(seed % 3) + 2, gc: seed % 2 == 0);
            for (var i = 0; i < 8; i++)
            {
                corpus.AddRange(replica.Run([Operation.Next(random), Operation.Next(random)]));
            }
            corpus.Add(replica.Encode([]));
        }
        corpus.Add(Convert.FromBase64String((string)oracle.Ask("script", new JsonObject { ["clientId"] = 6, ["code"] = ForeignContentTests.EverythingElse })["update"]!));
        return corpus;
    }

    internal static byte[] Mutate(List<byte[]> corpus, Random random)
    {
        var bytes = corpus[random.Next(corpus.Count)].ToList();
        for (var count = random.Next(1, 5); count > 0 && bytes.Count > 0; count--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.InsertRange(at, [0xff, 0xff, 0xff, 0xff, (byte)random.Next(128)]);
                    break;
                case 5:
                    bytes.RemoveRange(at, random.Next(bytes.Count - at));
                    break;
                case 6:
                    var other = corpus[random.Next(corpus.Count)];
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..random.Next(from, other.Length)]);
                    break;
                default:
                    bytes[at] = (byte)(bytes[at] + (random.Next(2) == 0 ? 1 : -1));
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>An update whose every struct is well-formed and whose references go anywhere.</summary>
    internal static byte[] Invent(Random random)
    {
        using var encoder = new LibEncoder();
        var clients = random.Next(1, 4);
        encoder.WriteVarUint((uint)clients);
        for (; clients > 0; clients--)
        {
            var structs = random.Next(1, 7);
            var client = (uint)random.Next(1, 5);
            var clock = random.Next(3) == 0 ? random.Next(12) : 0;
            encoder.WriteVarUint((uint)structs);
            encoder.WriteVarUint(client);
            encoder.WriteVarUint((uint)clock);
            for (; structs > 0; structs--)
            {
                clock += InventStruct(encoder, random, client, clock);
            }
        }
        var deletions = random.Next(3);
        encoder.WriteVarUint((uint)deletions);
        for (; deletions > 0; deletions--)
        {
            encoder.WriteVarUint((uint)random.Next(1, 5));
            encoder.WriteVarUint(2);
            for (var i = 0; i < 2; i++)
            {
                encoder.WriteVarUint((uint)random.Next(12));
                encoder.WriteVarUint((uint)random.Next(6));
            }
        }
        return encoder.ToArray();
    }

    private static int InventStruct(LibEncoder encoder, Random random, uint client, int clock)
    {
        var kind = random.Next(0, 11);
        var length = random.Next(1, 5);
        if (kind is 0 or 10)
        {
            encoder.WriteByte((byte)kind);
            encoder.WriteVarUint((uint)length);
            return length;
        }
        var (hasOrigin, hasRight, hasKey) = (random.Next(2) == 0, random.Next(3) == 0, random.Next(3) == 0);
        encoder.WriteByte((byte)(kind | (hasOrigin ? 0x80 : 0) | (hasRight ? 0x40 : 0) | (hasKey ? 0x20 : 0)));
        for (var ids = (hasOrigin ? 1 : 0) + (hasRight ? 1 : 0); ids > 0; ids--)
        {
            WriteId();
        }
        if (!hasOrigin && !hasRight)
        {
            var isRoot = random.Next(2) == 0 || clock == 0;
            encoder.WriteVarUint(isRoot ? 1u : 0);
            if (isRoot)
            {
                encoder.WriteVarString(random.Next(2) == 0 ? "map" : "rich");
            }
            else
            {
                WriteId();
            }
            if (hasKey)
            {
                encoder.WriteVarString("k" + random.Next(3));
            }
        }
        switch (kind)
        {
            case 1:
                encoder.WriteVarUint((uint)length);
                return length;
            case 2:
                encoder.WriteVarUint((uint)length);
                for (var i = 0; i < length; i++)
                {
                    encoder.WriteVarString(random.Next(2) == 0 ? "undefined" : """{"a":[1e5,"\ud83d"]}""");
                }
                return length;
            case 3:
                encoder.WriteVarBytes([1, 2, 3]);
                return 1;
            case 4:
                encoder.WriteVarString("😀x😀".AsSpan(0, length));
                return length;
            case 5:
                encoder.WriteVarString("""{"image":1}""");
                return 1;
            case 6:
                encoder.WriteVarString("bold");
                encoder.WriteVarString(random.Next(2) == 0 ? "true" : "null");
                return 1;
            case 7:
                var type = random.Next(7);
                encoder.WriteVarUint((uint)type);
                if (type is 3 or 5)
                {
                    encoder.WriteVarString("p");
                }
                return 1;
            case 8:
                encoder.WriteVarUint((uint)length);
                for (var i = 0; i < length; i++)
                {
                    encoder.WriteBytes([125, (byte)random.Next(64)]);
                }
                return length;
            default:
                encoder.WriteVarString("guid");
                encoder.WriteBytes([118, 0]);
                return 1;
        }

        void WriteId()
        {
            var other = (uint)random.Next(1, 5);
            encoder.WriteVarUint(other);
            encoder.WriteVarUint((uint)(other == client ? random.Next(Math.Max(1, clock)) : random.Next(8)));
        }
    }
}
