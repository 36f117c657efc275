using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

public sealed class UndoManagerTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly YDoc doc = new(new() { ClientId = 1 });

    public void Dispose() => doc.Dispose();

    [Fact]
    public void Undo_OfOnePerson_LeavesTheOthersAlone()
    {
        var map = doc.GetMap("m");
        using var alice = Manager("alice", 10);
        using var bob = Manager("bob", 20);
        Do("alice", 10, () => map.Set("a", 1));
        Do("bob", 20, () => map.Set("b", 2));

        Assert.True(alice.Undo());

        Assert.Equal(["b"], map.Keys);
        Assert.False(alice.CanUndo);
        Assert.True(alice.CanRedo && bob.CanUndo);
        Assert.True(alice.Redo());
        Assert.Equal(1d, map["a"]);
        Assert.Equal(1, StateVector.Decode(doc.EncodeStateVector()).GetValueOrDefault(20ul));
        Assert.False(StateVector.Decode(doc.EncodeStateVector()).ContainsKey(1));
    }

    [Fact]
    public void Capture_WithinTheTimeout_IsOneStep()
    {
        var text = doc.GetText("t");
        using var manager = new UndoManager(doc, [text], new() { TimeProvider = time });
        text.Insert(0, "a");
        time.Advance(TimeSpan.FromMilliseconds(499));
        text.Insert(1, "b");
        time.Advance(TimeSpan.FromMilliseconds(500));
        text.Insert(2, "c");
        manager.StopCapturing();
        text.Insert(3, "d");

        List<string> states = [text.ToString()];
        while (manager.Undo())
        {
            states.Add(text.ToString());
        }

        Assert.Equal(["abcd", "abc", "ab", ""], states);
    }

    [Fact]
    public void Undo_OfADeletion_BringsTheWholeTypeBack()
    {
        var map = doc.GetMap("m");
        using var manager = Manager("alice", null);
        Do("alice", null, () => map.Set("node", new YMap { ["text"] = new YText("hello"), ["pos"] = new object[] { 1, 2 } }));
        Do("alice", null, () => map.Remove("node"));

        manager.Undo();

        Assert.Equal("""{"node":{"pos":[1,2],"text":"hello"}}""", PlainJson.Of(map.ToJson())!.ToJsonString());
        manager.Undo();
        Assert.Equal(0, map.Count);
        manager.Redo();
        manager.Redo();
        Assert.Equal(0, map.Count);
        Assert.False(manager.CanRedo);
    }

    [Fact]
    public void Undo_OfAKeyThatSomeoneElseHasChangedSince_LeavesTheirs()
    {
        var map = doc.GetMap("m");
        using var manager = Manager("alice", null);
        Do("alice", null, () => map.Set("a", 1));
        Do("bob", 20, () => map.Set("a", 2));

        manager.Undo();

        Assert.Equal(2d, map["a"]);
    }

    [Fact]
    public void Undo_OutsideTheScope_IsNotCaptured()
    {
        using var manager = new UndoManager(doc, [doc.GetMap("m")]);
        doc.GetMap("other").Set("a", 1);

        Assert.False(manager.CanUndo);
        Assert.False(manager.Undo());
    }

    [Fact]
    public void StackChanged_IsRaisedByChangesAndByUndo()
    {
        var map = doc.GetMap("m");
        using var manager = new UndoManager(doc, [map]);
        var seen = new List<(bool, bool)>();
        manager.StackChanged += () => seen.Add((manager.CanUndo, manager.CanRedo));

        map.Set("a", 1);
        manager.Undo();
        manager.Redo();
        manager.Clear();

        Assert.Equal([(true, false), (false, true), (true, false), (false, false)], seen);
    }

    [Fact]
    public void Constructor_TypeOfAnotherDocument_Throws()
    {
        using var other = new YDoc();

        Assert.Throws<ArgumentException>(() => new UndoManager(doc, [other.GetMap("m")]));
        Assert.Throws<ArgumentException>(() => new UndoManager(doc, []));
    }

    private UndoManager Manager(string origin, uint? clientId) =>
        new(doc, [doc.GetMap("m")], new() { TrackedOrigins = [origin], CaptureTimeout = TimeSpan.Zero, ClientId = clientId });

    private void Do(string origin, uint? clientId, Action change) => doc.Transact(_ => change(), origin, clientId);
}
