using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

public sealed class YDocTests : IDisposable
{
    private readonly YDoc doc = new(new() { ClientId = 1 });

    public void Dispose() => doc.Dispose();

    [Fact]
    public void Transact_WithClientIds_EachWritesUnderItsOwn()
    {
        var text = doc.GetText("t");
        doc.Transact(_ => text.Insert(0, "alice"), "alice", clientId: 10);
        doc.Transact(_ => text.Insert(5, "bob"), "bob", clientId: 20);
        doc.Transact(_ => text.Insert(0, "A"), "alice", clientId: 10);
        text.Insert(9, "!");

        Assert.Equal("Aalicebob!", text.ToString());
        Assert.Equal(new StateVector { [10] = 6, [20] = 3, [1] = 1 }, StateVector.Decode(doc.EncodeStateVector()));
        using var copy = new YDoc(new() { ClientId = 2 });
        copy.ApplyUpdate(doc.EncodeStateAsUpdate());
        Assert.Equal("Aalicebob!", copy.GetText("t").ToString());
    }

    [Fact]
    public void Transact_Nested_JoinsAndWritesUnderItsOwnClient()
    {
        var map = doc.GetMap("m");
        var updates = new List<YUpdateEvent>();
        doc.Updated += updates.Add;

        doc.Transact(_ =>
        {
            map.Set("a", 1);
            doc.Transact(_ => map.Set("b", 2), origin: "ignored", clientId: 20);
            map.Set("c", 3);
        }, origin: "outer", clientId: 10);

        Assert.Equal("outer", Assert.Single(updates).Origin);
        Assert.Equal(new StateVector { [10] = 2, [20] = 1 }, StateVector.Decode(doc.EncodeStateVector()));
    }

    [Fact]
    public void Transact_BodyThrows_KeepsWhatWasDoneAndTellsOfIt()
    {
        var map = doc.GetMap("m");
        var updates = 0;
        doc.Updated += _ => updates++;

        Assert.Throws<InvalidTimeZoneException>(() => doc.Transact(_ =>
        {
            map.Set("a", 1);
            throw new InvalidTimeZoneException();
        }));

        Assert.Equal(1, updates);
        Assert.Equal(1d, map["a"]);
        map.Set("b", 2);
    }

    [Fact]
    public void Transact_NothingChanged_RaisesNoUpdate()
    {
        var updates = 0;
        doc.Updated += _ => updates++;

        doc.Transact(_ => { });
        doc.GetMap("m").Remove("nothing");

        Assert.Equal(0, updates);
    }

    [Fact]
    public void Transact_WhileAnotherThreadIsInside_Throws()
    {
        var map = doc.GetMap("m");
        Exception? refused = null;

        doc.Transact(_ =>
        {
            map.Set("a", 1);
            var other = new Thread(() => refused = Record.Exception(() => map.Set("b", 2)));
            other.Start();
            other.Join();
        });

        Assert.IsType<InvalidOperationException>(refused);
        Assert.Equal(["a"], map.Keys);
    }

    [Fact]
    public void ApplyUpdate_OwnClientIdInUseElsewhere_TakesANewOne()
    {
        using var twin = new YDoc(new() { ClientId = 1 });
        twin.GetMap("m").Set("a", 1);

        doc.ApplyUpdate(twin.EncodeStateAsUpdate());

        Assert.NotEqual(1u, doc.ClientId);
    }

    [Fact]
    public void ApplyUpdate_BeforeItsDependency_WaitsAndIsPassedOn()
    {
        using var source = new YDoc(new() { ClientId = 2 });
        var updates = new List<byte[]>();
        source.Updated += change => updates.Add(change.Update);
        source.GetText("t").Insert(0, "a");
        source.GetText("t").Insert(1, "b");
        source.GetText("t").Delete(0, 1);

        doc.ApplyUpdate(updates[2]);
        doc.ApplyUpdate(updates[1]);
        Assert.True(doc.HasPending);
        Assert.Equal("", doc.GetText("t").ToString());
        using var third = new YDoc(new() { ClientId = 3 });
        third.ApplyUpdate(doc.EncodeStateAsUpdate());
        Assert.True(third.HasPending);
        third.ApplyUpdate(updates[0]);
        doc.ApplyUpdate(updates[0]);

        Assert.False(doc.HasPending || third.HasPending);
        Assert.Equal("b", doc.GetText("t").ToString());
        Assert.Equal("b", third.GetText("t").ToString());
    }

    [Fact]
    public void EncodeStateAsUpdate_ForAStateVector_HoldsOnlyWhatIsNew()
    {
        var text = doc.GetText("t");
        text.Insert(0, "hello");
        using var peer = new YDoc(new() { ClientId = 2 });
        peer.ApplyUpdate(doc.EncodeStateAsUpdate());
        text.Insert(5, " world");

        var difference = doc.EncodeStateAsUpdate(peer.EncodeStateVector());
        peer.ApplyUpdate(difference);

        Assert.Equal("hello world", peer.GetText("t").ToString());
        Assert.DoesNotContain("hello", System.Text.Encoding.UTF8.GetString(difference));
    }

    [Theory]
    [InlineData("01")]
    [InlineData("0105")]
    [InlineData("ffffffffffffffffff01")]
    public void EncodeStateAsUpdate_MalformedStateVector_Throws(string hex) =>
        Assert.Throws<CrdtDecodingException>(() => doc.EncodeStateAsUpdate(Convert.FromHexString(hex)));

    [Fact]
    public void GetMap_OfARootInUseAsText_Throws()
    {
        doc.GetText("t");

        Assert.Throws<InvalidOperationException>(() => doc.GetMap("t"));
    }

    [Fact]
    public void GetText_OfARootNamedByAnUpdate_FindsItsContent()
    {
        using var source = new YDoc(new() { ClientId = 2 });
        source.GetText("t").Insert(0, "x", new Dictionary<string, object?> { ["bold"] = true });
        doc.ApplyUpdate(source.EncodeStateAsUpdate());

        doc.GetText("t").Insert(1, "y");

        Assert.Single(doc.GetText("t").ToDelta());
    }

    [Fact]
    public void Set_ValueThatCannotBeStored_ThrowsAndChangesNothing()
    {
        var map = doc.GetMap("m");
        var array = doc.GetArray("a");
        var nested = new YMap();
        map.Set("nested", nested);
        var before = doc.EncodeStateAsUpdate();

        Assert.Throws<ArgumentException>(() => map.Set("x", new object()));
        Assert.Throws<ArgumentException>(() => map.Set("x", new Dictionary<string, object?> { ["deep"] = new List<object?> { DateTime.Now } }));
        Assert.Throws<ArgumentException>(() => map.Set("x", nested));
        Assert.Throws<ArgumentException>(() => array.Add(1, new object()));
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Insert(1, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => array.RemoveAt(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => doc.GetText("t").Delete(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => doc.GetText("t").Insert(1, "x"));

        Assert.Equal(before, doc.EncodeStateAsUpdate());
    }

    [Fact]
    public void Types_BuiltBeforeInsertion_AreWrittenWithTheirContent()
    {
        var text = new YText("hello");
        text.Format(0, 2, new Dictionary<string, object?> { ["bold"] = true });
        var map = new YMap { ["list"] = new YArray([1, "two", new YMap { ["three"] = 3 }]), ["text"] = text };

        doc.GetMap("m").Set("k", map);

        Assert.Equal(
            """{"k":{"list":[1,"two",{"three":3}],"text":"hello"}}""",
            PlainJson.Of(doc.GetMap("m").ToJson())!.ToJsonString());
        Assert.Equal(2, text.ToDelta().Count);
        Assert.Same(map, text.Parent);
        Assert.Equal("text", text.ParentKey);
        Assert.Same(map, doc.GetMap("m")["k"]);
    }

    [Fact]
    public void DeletedType_ReadsAsEmptyAndRefusesChanges()
    {
        var child = new YMap { ["a"] = 1 };
        doc.GetMap("m").Set("k", child);

        doc.GetMap("m").Remove("k");

        Assert.True(child.IsDeleted);
        Assert.Empty(child.Entries);
        Assert.Null(child["a"]);
        Assert.Throws<InvalidOperationException>(() => child.Set("b", 1));
    }

    [Fact]
    public void Observers_OfATransaction_SeeAllOfItOnce()
    {
        var root = doc.GetMap("m");
        root.Set("node", new YMap { ["x"] = 1, ["gone"] = true });
        var node = root.Get<YMap>("node")!;
        var shallow = new List<YEvent>();
        var deep = new List<JsonNode>();
        using var first = node.Observe(shallow.Add);
        using var second = root.ObserveDeep(changes => deep.AddRange(changes.Select(PlainJson.Of)));

        doc.Transact(_ =>
        {
            node.Set("x", 2);
            node.Set("x", 3);
            node.Remove("gone");
            node.Set("new", "n");
            root.Set("other", true);
        });

        Assert.Single(shallow);
        Assert.Equal(
            """[{"delta":[],"keys":[["other","add",null]],"path":[]},{"delta":[],"keys":[["gone","delete",true],["new","add",null],["x","update",1]],"path":["node"]}]""",
            new JsonArray([.. deep]).ToJsonString());
        first.Dispose();
        node.Set("x", 4);
        Assert.Single(shallow);
    }

    [Fact]
    public void Event_ReadAfterItsObserver_Throws()
    {
        YEvent? kept = null;
        doc.GetMap("m").Observe(change => kept = change);
        doc.GetMap("m").Set("a", 1);

        Assert.Throws<InvalidOperationException>(() => kept!.Keys);
        Assert.Throws<InvalidOperationException>(() => kept!.Delta);
    }

    [Fact]
    public void Observer_Throws_OthersAreCalledAndTheDocumentIsSound()
    {
        var map = doc.GetMap("m");
        var called = 0;
        map.Observe(_ => throw new InvalidTimeZoneException());
        map.Observe(_ => called++);
        doc.GetMap("m").ObserveDeep(_ => called++);
        doc.Updated += _ => called++;

        Assert.Throws<InvalidTimeZoneException>(() => map.Set("a", 1));

        Assert.InRange(called, 2, 3);
        Assert.Equal(1d, map["a"]);
    }

    [Fact]
    public void Observer_ChangesTheDocument_InATransactionOfItsOwn()
    {
        var map = doc.GetMap("m");
        var updates = new List<YUpdateEvent>();
        doc.Updated += updates.Add;
        map.Observe(_ =>
        {
            if (!map.ContainsKey("echo"))
            {
                map.Set("echo", true);
            }
        });

        doc.Transact(_ => map.Set("a", 1), "me");

        Assert.Equal(["me", null], updates.Select(update => update.Origin));
        using var copy = new YDoc(new() { ClientId = 2 });
        updates.ForEach(update => copy.ApplyUpdate(update.Update));
        Assert.Equal(2, copy.GetMap("m").Count);
    }

    [Fact]
    public void Typing_AtTwoPlacesInTurn_KeepsRunsJoinedAndHeapSmall()
    {
        var text = doc.GetText("t");
        text.Insert(0, "()");
        for (var i = 0; i < 3000; i++)
        {
            doc.Transact(_ => text.Insert(1 + i, "a"), clientId: 10);
            doc.Transact(_ => text.Insert(text.Length - 1, "b"), clientId: 20);
        }

        Assert.Equal("(" + new string('a', 3000) + new string('b', 3000) + ")", text.ToString());
        // The brackets, the first a (made before there was a b), the other a's, the b's.
        Assert.Equal(5, doc.Store.Clients.Sum(client => client.Count));
        Assert.InRange(doc.Store.Chars.Used, 0, 40000);
    }

    [Fact]
    public void Deleting_MostOfTheContent_ShrinksTheHeap()
    {
        var text = doc.GetText("t");
        text.Insert(0, new string('x', 200_000));
        text.Insert(0, "keep");

        text.Delete(4, 200_000);

        Assert.Equal("keep", text.ToString());
        Assert.InRange(doc.Store.Chars.Used, 0, 1000);
    }
}
