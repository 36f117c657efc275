using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>What the sessions against Yjs don't reach: the engine's own additions, refusals, and types before they are in a document.</summary>
public sealed class EngineApiTests
{
    [Fact]
    public void Inspect_UpdateOfItsOwn_NamesClientsRangesAndRoots()
    {
        using var doc = new YDoc(new() { ClientId = 7 });
        doc.GetMap("nodes").Set("a", new YText("abc"));
        doc.GetArray("order").Add(1, 2);
        doc.GetArray("order").RemoveAt(0);

        foreach (var info in new[] { YUpdates.Inspect(doc.EncodeStateAsUpdate()), YUpdates.InspectV2(doc.EncodeStateAsUpdateV2()) })
        {
            Assert.Equal([new ClockRange(7, 0, 6)], info.Structs);
            Assert.Equal([new ClockRange(7, 4, 1)], info.Deletions);
            Assert.Equal(["nodes", "order"], info.Roots.Order());
            Assert.Equal([7ul], info.Clients);
            Assert.False(info.RefersElsewhere);
            Assert.False(info.IsEmpty);
        }
    }

    [Fact]
    public void Inspect_UpdateThatRefersToADocument_NeedsTheDocument()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.GetMap("nodes").Set("a", new YMap { ["text"] = new YText("abc") });
        doc.GetText("title").Insert(0, "x");
        using var other = new YDoc(new() { ClientId = 2 });
        other.ApplyUpdate(doc.EncodeStateAsUpdate());
        var updates = new List<byte[]>();
        other.Updated += change => updates.Add(change.Update);

        ((YText)other.GetMap("nodes").Get<YMap>("a")!["text"]!).Insert(1, "-");
        other.GetText("title").Delete(0, 1);

        Assert.True(YUpdates.Inspect(updates[0]).RefersElsewhere);
        Assert.Empty(YUpdates.Inspect(updates[0]).Roots);
        Assert.Equal(["nodes"], doc.Inspect(updates[0]).Roots);
        Assert.False(doc.Inspect(updates[0]).RefersElsewhere);
        Assert.Equal(["title"], doc.Inspect(updates[1]).Roots);
        Assert.True(YUpdates.Inspect(updates[1]).RefersElsewhere);
        // What hangs on a struct of another update is told once both are one.
        var both = YUpdates.Inspect(YUpdates.MergeUpdates(doc.EncodeStateAsUpdate(), updates[0], updates[1]));
        Assert.Equal(["nodes", "title"], both.Roots.Order());
        Assert.False(both.RefersElsewhere);
    }

    [Fact]
    public void Inspect_UpdateThatLiesAboutWhatIsKnown_NamesTheRootItWouldChange()
    {
        // Client 5 has three characters in "secret"; an update says that they are in "open", and goes on from there.
        using var doc = new YDoc(new() { ClientId = 1 });
        using var writer = new YDoc(new() { ClientId = 5 });
        writer.GetText("secret").Insert(0, "abc");
        doc.ApplyUpdate(writer.EncodeStateAsUpdate());
        using var liar = new YDoc(new() { ClientId = 5 });
        liar.GetText("open").Insert(0, "abcdef");
        var lie = liar.EncodeStateAsUpdate();
        using var follower = new YDoc(new() { ClientId = 6 });
        follower.ApplyUpdate(lie);
        var updates = new List<byte[]>();
        follower.Updated += change => updates.Add(change.Update);
        follower.GetText("open").Insert(3, "-");
        var both = YUpdates.MergeUpdates(lie, updates[0]);

        Assert.Equal(["open"], YUpdates.Inspect(both).Roots);
        Assert.Equal(["secret"], doc.Inspect(both).Roots);
        doc.ApplyUpdate(both);
        Assert.Equal("abc-def", doc.GetText("secret").ToString());
        Assert.Empty(doc.Inspect(both).Roots);
    }

    [Fact]
    public void DecodeStateVector_OfUpdate_StopsAtTheFirstGap()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        var updates = new List<byte[]>();
        doc.Updated += change => updates.Add(change.Update);
        for (var i = 0; i < 3; i++)
        {
            doc.GetArray("a").Add(i);
        }

        var gap = YUpdates.MergeUpdates(updates[0], updates[2]);

        Assert.Equal(1, YUpdates.DecodeStateVector(YUpdates.EncodeStateVectorFromUpdate(gap))[1]);
        Assert.Empty(YUpdates.DecodeStateVector(YUpdates.EncodeStateVectorFromUpdate(updates[2])));
        Assert.Equal([new(1, 0, 1), new(1, 2, 1)], YUpdates.Inspect(gap).Structs);
        Assert.Equal(3, YUpdates.Inspect(gap).StructCount);
    }

    [Fact]
    public void Updates_AreOnlyMadeInFormatsThatAreSubscribedTo()
    {
        using var doc = new YDoc();
        var v2 = 0;
        doc.UpdatedV2 += change =>
        {
            v2++;
            Assert.Equal(["t"], YUpdates.InspectV2(change.Update).Roots);
        };

        doc.GetText("t").Insert(0, "a");

        Assert.Equal(1, v2);
    }

    [Fact]
    public void Xml_BeforeAndAfterInsertion_ReadsTheSame()
    {
        var list = new YXmlElement("ul");
        list.SetAttribute("class", "b");
        list.SetAttribute("class", "a");
        list.SetAttribute("gone", 1);
        list.RemoveAttribute("gone");
        list.Insert(0, new YXmlElement("li"));
        list.InsertAfter(null, new YXmlText("first"));
        list.Push(new YXmlHook("hook"));
        Assert.Equal("a", list.GetAttribute("class"));
        Assert.Equal(3, list.Length);
        using var doc = new YDoc();
        var root = doc.GetXmlFragment("x");

        root.Push(list);

        Assert.Equal("""<ul class="a">first<li></li>[object Object]</ul>""", root.ToString());
        Assert.Equal(["ul", "li"], root.CreateTreeWalker(type => type is YXmlElement).Cast<YXmlElement>().Select(element => element.NodeName));
        Assert.Same(list, root.FirstChild);
        Assert.Same(list, root.QuerySelector("UL"));
        Assert.Same(list.Get(1), ((YXmlText)list.Get(0)!).NextSibling);
        Assert.Equal("UNDEFINED", doc.GetXmlElement("root").NodeName);
        Assert.Throws<ArgumentException>(() => root.Push(list));
    }

    [Fact]
    public void Clone_OfEveryType_IsIndependent()
    {
        using var doc = new YDoc();
        var text = new YText("bold");
        var map = new YMap { ["text"] = text, ["list"] = new YArray([1, new YMap { ["deep"] = true }]) };
        doc.GetArray("a").Add(map);
        text.Format(0, 4, new Dictionary<string, object?> { ["bold"] = true });
        text.SetAttribute("lang", "de");
        text.InsertEmbed(4, new YMap { ["n"] = 1 });
        var clone = (YMap)map.Clone();

        doc.GetArray("a").Add(clone);
        text.Delete(0, 4);

        Assert.Equal(PlainJson.Of(clone.ToJson())!["list"]!.ToJsonString(), PlainJson.Of(map.ToJson())!["list"]!.ToJsonString());
        Assert.Equal(2, clone.Get<YText>("text")!.ToDelta().Count);
        Assert.Equal("bold", clone.Get<YText>("text")!.ToString());
        Assert.Equal("de", clone.Get<YText>("text")!.GetAttribute("lang"));
    }

    [Fact]
    public void ApplyDelta_WithoutSanitizing_LeavesOutTheLastNewline()
    {
        using var doc = new YDoc();
        var text = doc.GetText("t");

        text.ApplyDelta([DeltaOp.Inserted("a\n"), DeltaOp.Inserted("b\n")], sanitize: false);

        Assert.Equal("a\nb", text.ToString());
    }

    [Fact]
    public void Subdocument_DisposedInItsHolder_IsReplacedByOneThatIsNotLoaded()
    {
        using var doc = new YDoc();
        var changes = new List<(int Added, int Removed, int Loaded)>();
        doc.SubdocsChanged += change => changes.Add((change.Added.Count, change.Removed.Count, change.Loaded.Count));
        var inner = new YDoc(new() { Guid = "inner", Meta = "m" });
        doc.GetMap("m").Set("d", inner);
        Assert.Same(inner, doc.GetMap("m")["d"]);
        Assert.Same(doc, inner.ParentDoc);
        Assert.Throws<ArgumentException>(() => doc.GetMap("m").Set("again", inner));

        inner.Dispose();

        var replacement = Assert.IsType<YDoc>(doc.GetMap("m")["d"]);
        Assert.NotSame(inner, replacement);
        Assert.Equal(("inner", "m", false), (replacement.Guid, replacement.Meta, replacement.ShouldLoad));
        replacement.Load();
        replacement.Load();
        Assert.Equal([(1, 0, 1), (1, 1, 0), (0, 0, 1)], changes);
        Assert.Equal(["inner"], doc.SubdocGuids);
    }

    [Fact]
    public void Undo_OfAWholeDocument_CoversRootsThatAreNamedLater()
    {
        using var doc = new YDoc();
        using var undo = new UndoManager(doc, new UndoManagerOptions { CaptureTimeout = TimeSpan.Zero });
        doc.GetText("late").Insert(0, "abc");
        doc.GetMap("map").Set("k", 1);
        doc.Transact(_ => { });

        Assert.Equal(2, undo.UndoStack.Count);
        Assert.Equal(3, undo.UndoStack[0].Insertions.Sum(range => range.Length));
        Assert.True(undo.Undo());
        Assert.True(undo.Undo());
        Assert.False(undo.Undo());
        Assert.Equal("", doc.GetText("late").ToString());
        Assert.Equal(2, undo.RedoStack.Count);
        undo.Clear(clearUndoStack: true, clearRedoStack: false);
        Assert.True(undo.Redo());
        Assert.Equal("abc", doc.GetText("late").ToString());
    }

    [Fact]
    public void Undo_ScopeAndOrigins_CanGrow()
    {
        using var doc = new YDoc();
        var (one, two) = (doc.GetText("one"), doc.GetText("two"));
        using var undo = new UndoManager(doc, [one], new() { TrackedOrigins = ["a"], CaptureTimeout = TimeSpan.Zero });
        doc.Transact(_ => two.Insert(0, "x"), "a");
        doc.Transact(_ => one.Insert(0, "x"), "b");
        Assert.False(undo.CanUndo);

        undo.AddToScope(two);
        undo.AddTrackedOrigin("b");
        doc.Transact(_ => two.Insert(0, "y"), "a");
        doc.Transact(_ => one.Insert(0, "y"), "b");
        undo.RemoveTrackedOrigin("b");
        doc.Transact(_ => one.Insert(0, "z"), "b");

        Assert.Equal(2, undo.UndoStack.Count);
        using var other = new YDoc();
        Assert.Throws<ArgumentException>(() => undo.AddToScope(other.GetText("t")));
    }

    [Fact]
    public void CreateDocFromSnapshot_OfACollectedDocumentOrAnother_IsRefused()
    {
        using var collected = new YDoc();
        using var kept = new YDoc(new() { Gc = false });
        kept.GetText("t").Insert(0, "abc");

        Assert.Throws<InvalidOperationException>(() => collected.CreateDocFromSnapshot(Snapshot.Empty));
        using var empty = new YDoc(new() { Gc = false });
        Assert.Throws<ArgumentException>(() => empty.CreateDocFromSnapshot(kept.Snapshot()));
        using var restored = kept.CreateDocFromSnapshot(Snapshot.Empty);
        Assert.Equal("", restored.GetText("t").ToString());
    }

    [Fact]
    public void History_OfValuesThatHaveMerged_IsThatOfTheMoment()
    {
        using var doc = new YDoc(new() { Gc = false });
        var (map, array) = (doc.GetMap("m"), doc.GetArray("a"));
        map.Set("k", "one");
        array.Add(1);
        var then = doc.Snapshot();
        map.Set("k", "two");
        map.Remove("k");
        array.Add(2);
        array.RemoveAt(0, 2);

        Assert.Equal("one", map.ToDictionary(then)["k"]);
        Assert.Equal([1d], array.ToList(then));
        Assert.Empty(map.ToDictionary(doc.Snapshot()));
        Assert.True(doc.Snapshot().SnapshotContainsUpdateV2(doc.EncodeStateAsUpdateV2()));
        Assert.False(then.SnapshotContainsUpdateV2(doc.EncodeStateAsUpdateV2()));
    }

    [Fact]
    public void RelativePosition_ThroughJson_IsTheSame()
    {
        using var doc = new YDoc(new() { ClientId = 3 });
        var text = doc.GetText("t");
        text.Insert(0, "abc");
        var positions = new[]
        {
            RelativePosition.CreateRelativePositionFromTypeIndex(text, 1),
            RelativePosition.CreateRelativePositionFromTypeIndex(text, 3),
            RelativePosition.CreateRelativePositionFromTypeIndex(text, 3, -1),
        };
        text.Insert(0, "--");

        Assert.Equal([3, 5, 5], positions.Select(position => RelativePosition.CreateRelativePositionFromJson(position.ToJson()).CreateAbsolutePosition(doc)!.Index));
        Assert.Equal("""{"tname":"t","item":{"client":3,"clock":1},"assoc":0}""", positions[0].ToJson());
        Assert.True(RelativePosition.CompareRelativePositions(positions[2], RelativePosition.CreateRelativePositionFromJson("""{"type":null,"tname":"t","item":{"client":3,"clock":2},"assoc":-1}""")));
        Assert.Throws<CrdtDecodingException>(() => RelativePosition.CreateRelativePositionFromJson("[]"));
        Assert.Throws<InvalidOperationException>(() => RelativePosition.CreateRelativePositionFromTypeIndex(new YText("x"), 0));
        using var other = new YDoc();
        Assert.Null(positions[0].CreateAbsolutePosition(other));
    }

    [Fact]
    public void Event_OfKeysAndChildren_SaysWhichChanged()
    {
        using var doc = new YDoc();
        var element = new YXmlElement("p");
        doc.GetXmlFragment("x").Push(element);
        YEvent? seen = null;
        (bool Children, string Keys)? what = null;
        using var subscription = element.Observe(change =>
        {
            seen = change;
            what = (change.ChildListChanged, string.Join(',', change.KeysChanged.Order(StringComparer.Ordinal)));
        });

        doc.Transact(_ =>
        {
            element.SetAttribute("b", "1");
            element.SetAttribute("a", "2");
        });
        Assert.Equal((false, "a,b"), what);
        element.Push(new YXmlText("x"));

        Assert.Equal((true, ""), what);
        Assert.Same(element, seen!.Target);
    }
}
