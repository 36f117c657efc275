using System.Numerics;
using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>A random operation: a name and three random numbers, which are reduced to what fits when it is run.</summary>
public sealed record Operation(string Name, int A, int B, int C)
{
    private static readonly string[] Names =
    [
        "mapSet", "mapSet", "mapDelete", "arrayInsert", "arrayInsert", "arrayPush", "arrayDelete", "textInsert", "textInsert", "textDelete",
        "richInsert", "richInsert", "richInsertWith", "richDelete", "richFormat", "richFormat", "richEmbed", "richDelta", "nested", "nested",
        "xmlInsert", "xmlInsert", "xmlInsertAfter", "xmlDelete", "xmlAttribute", "xmlText", "xmlText", "textAttribute", "richType", "subdoc", "subdocLoad", "clear", "stopCapturing", "clearSteps", "skip",
    ];

    public static Operation Next(Random random) =>
        new(Names[random.Next(Names.Length)], random.Next(1 << 20), random.Next(1 << 20), random.Next(1 << 20));

    public JsonArray ToJson() => [Name, A, B, C];
}

/// <summary>One participant of a session: this engine, or Yjs in Node. Both do the same with the same operation.</summary>
public interface IReplica : IDisposable
{
    /// <summary>Runs operations in one transaction; returns the updates that came out of it.</summary>
    List<byte[]> Run(IReadOnlyList<Operation> operations);

    List<byte[]> Apply(IReadOnlyList<byte[]> updates);

    /// <summary>Begins to capture changes for undo.</summary>
    void Track(Tracking? tracking = null);

    List<byte[]> Undo(out bool done);

    List<byte[]> Redo(out bool done);

    byte[] Encode(byte[] stateVector);

    ReplicaState State();

    /// <summary>Deep events since the last call, as JSON.</summary>
    string TakeEvents();

    /// <summary>Keeps a snapshot; returns its bytes.</summary>
    string TakeSnapshot();

    /// <summary>What the document was at the snapshots kept, as JSON.</summary>
    string History();

    /// <summary>Keeps more relative positions; returns all and where they are, as JSON.</summary>
    string Positions(IReadOnlyList<(int Which, int Index, int Assoc)> added);

    /// <summary>The updates since the last call in the format that the session doesn't use, if they are recorded.</summary>
    List<byte[]> TakeOthers();
}

/// <summary>How a replica captures: the first so many roots (0 for all), whether changes join the last step, whether undo overwrites others' keys, whether it keeps some things.</summary>
public sealed record Tracking(int Scope = 0, bool Joins = false, bool Ignore = false, bool Filter = false);

public sealed record ReplicaState(string Json, string Delta, string Vector, string Update, string UpdateV2, bool Pending)
{
    /// <summary>What must be the same on all replicas. Encoded states may differ: undo keeps content on one that is collected on another.</summary>
    public ReplicaState Meaning => this with { Update = "", UpdateV2 = "" };

    /// <summary>All of it, for messages. Not <c>ToString</c>: <see cref="Meaning"/> would contain itself.</summary>
    public string Print() => $"{Json}\n{Delta}\n{Vector}\n{Update}\n{UpdateV2}\npending {Pending}";
}

internal sealed class OurReplica : IReplica
{
    private static readonly string[] Words = ["a", "b ", "hello", "x\n", "éü", "漢字", "😀", "a😀b", "zzzzzzzz", "\"\\"];
    private static readonly Dictionary<string, object?>[] AttributeSets =
    [
        new() { ["bold"] = true }, new() { ["bold"] = null }, new() { ["italic"] = true }, new() { ["italic"] = null },
        new() { ["bold"] = true, ["italic"] = true }, new() { ["color"] = "red" }, new() { ["color"] = "blue" }, new() { ["color"] = null },
        new() { ["link"] = "http://x", ["bold"] = null }, new() { ["size"] = 12 },
    ];

    private static readonly bool[] Follow = [true, false];

    private readonly string[] words;
    private readonly YMap map;
    private readonly YArray array;
    private readonly YText text;
    private readonly YText rich;
    private readonly YXmlFragment xml;
    private readonly JsonArray subdocs = [];
    private readonly List<Snapshot> snapshots = [];
    private readonly List<RelativePosition> positions = [];
    private readonly JsonArray events = [];
    private readonly bool v2;
    private List<byte[]> updates = [];
    private List<byte[]> others = [];
    private UndoManager? undo;

    public OurReplica(uint clientId, bool gc = true, bool observe = false, bool surrogates = true, bool v2 = false, bool both = false, byte[]? initial = null)
    {
        this.v2 = v2;
        words = surrogates ? Words : [.. Words.Select(word => word.Replace("😀", "ö"))];
        Doc = new(new() { ClientId = clientId, Gc = gc });
        if (initial is not null)
        {
            // Before other roots have been named: they get their types later. Of a text that has formats by then Yjs finds places in another way than of others.
            Doc.GetText("rich");
            Apply([initial]);
        }
        map = Doc.GetMap("map");
        array = Doc.GetArray("array");
        text = Doc.GetText("text");
        rich = Doc.GetText("rich");
        xml = Doc.GetXmlFragment("xml");
        Doc.SubdocsChanged += change => subdocs.Add(new JsonArray(Guids(change.Added), Guids(change.Removed), Guids(change.Loaded)));
        if (v2 || both)
        {
            Doc.UpdatedV2 += change => (v2 ? updates : others).Add(change.Update);
        }
        if (!v2 || both)
        {
            Doc.Updated += change => (v2 ? others : updates).Add(change.Update);
        }
        if (observe)
        {
            foreach (var root in new YType[] { map, array, text, rich, xml })
            {
                root.ObserveDeep(changes => events.Add(new JsonArray([.. changes.Select(PlainJson.Of)])));
            }
        }
    }

    public YDoc Doc { get; }

    public List<byte[]> Run(IReadOnlyList<Operation> operations)
    {
        Doc.Transact(transaction =>
        {
            foreach (var operation in operations)
            {
                Run(transaction, operation);
            }
        }, origin: "me");
        return Take();
    }

    public List<byte[]> Apply(IReadOnlyList<byte[]> received)
    {
        foreach (var update in received)
        {
            if (v2)
            {
                Doc.ApplyUpdateV2(update, "remote");
            }
            else
            {
                Doc.ApplyUpdate(update, "remote");
            }
        }
        return Take();
    }

    public void Track(Tracking? tracking = null)
    {
        tracking ??= new();
        YType[] roots = [map, array, text, rich, xml];
        undo = new(Doc, tracking.Scope > 0 ? roots[..tracking.Scope] : roots, new()
        {
            CaptureTimeout = tracking.Joins ? TimeSpan.MaxValue : TimeSpan.Zero,
            TrackedOrigins = ["me"],
            IgnoreRemoteMapChanges = tracking.Ignore,
            CaptureTransaction = transaction => !transaction.Meta.ContainsKey("skip"),
            DeleteFilter = item => !tracking.Filter || item.Id.Clock % 5 != 0 || item.Type is not null,
        });
        var number = 0;
        undo.StackItemAdded += change =>
        {
            change.StackItem.Meta["n"] = ++number;
            events.Add(new JsonArray("added", Kind(change), number, RootsOf(change)));
        };
        undo.StackItemUpdated += change => events.Add(new JsonArray("updated", Kind(change), (int)change.StackItem.Meta["n"]!));
        undo.StackItemPopped += change => events.Add(new JsonArray("popped", Kind(change), (int)change.StackItem.Meta["n"]!, RootsOf(change)));
        undo.StackCleared += change => events.Add(new JsonArray("cleared", change.UndoStackCleared, change.RedoStackCleared));

        string Kind(StackItemEvent change) => change.Type.ToString().ToLowerInvariant();
        JsonArray RootsOf(StackItemEvent change) => [.. roots.Index().Where(root => change.ChangedTypes.Contains(root.Item)).Select(root => JsonValue.Create(root.Index))];
    }


    public List<byte[]> Undo(out bool done)
    {
        done = undo!.Undo();
        return Take();
    }

    public List<byte[]> Redo(out bool done)
    {
        done = undo!.Redo();
        return Take();
    }

    public byte[] Encode(byte[] stateVector) => v2 ? Doc.EncodeStateAsUpdateV2(stateVector) : Doc.EncodeStateAsUpdate(stateVector);

    public ReplicaState State() => new(
        PlainJson.Of(new Dictionary<string, object?> { ["map"] = map.ToJson(), ["array"] = array.ToJson(), ["text"] = text.ToJson(), ["rich"] = rich.ToJson(), ["xml"] = xml.ToJson(), ["outline"] = Outline(), ["attributes"] = rich.GetAttributes(),
            ["subdocs"] = Doc.SubdocGuids.Order(StringComparer.Ordinal).ToList(),
        })!.ToJsonString(),
        PlainJson.Of(rich.ToDelta()).ToJsonString(),
        Convert.ToBase64String(Doc.EncodeStateVector()),
        Convert.ToBase64String(Doc.EncodeStateAsUpdate()),
        Convert.ToBase64String(Doc.EncodeStateAsUpdateV2()),
        Doc.HasPending);

    public string TakeEvents()
    {
        var taken = new JsonArray(events.DeepClone(), subdocs.DeepClone()).ToJsonString();
        events.Clear();
        subdocs.Clear();
        return taken;
    }

    public string TakeSnapshot()
    {
        snapshots.Add(Doc.Snapshot());
        return new JsonObject { ["v1"] = Convert.ToBase64String(snapshots[^1].EncodeSnapshot()), ["v2"] = Convert.ToBase64String(snapshots[^1].EncodeSnapshotV2()) }.ToJsonString();
    }

    public string History() => PlainJson.Sorted(new JsonObject { ["snapshots"] = new JsonArray([.. snapshots.Select((taken, index) => History(taken, index % 2 == 1))]) })!.ToJsonString();

    public string Positions(IReadOnlyList<(int Which, int Index, int Assoc)> added)
    {
        var targets = new List<YType> { array, text, rich, xml };
        targets.AddRange(NestedTypes().Where(type => type is not YMap));
        foreach (var (which, index, assoc) in added)
        {
            var target = targets[which % targets.Count];
            positions.Add(RelativePosition.CreateRelativePositionFromTypeIndex(target, index % (LengthOf(target) + 1), assoc));
        }
        return PlainJson.Sorted(new JsonObject
        {
            ["positions"] = new JsonArray([.. positions.Select(position => new JsonArray(Convert.ToBase64String(position.EncodeRelativePosition()), position.ToJson()))]),
            ["resolved"] = new JsonArray([.. positions.SelectMany(position => Follow.Select(follow =>
                RelativePosition.DecodeRelativePosition(position.EncodeRelativePosition()).CreateAbsolutePosition(Doc, follow) is { } found
                    ? new JsonArray((double)found.Index, (double)found.Assoc, PlainJson.Of(found.Type.ToJson()))
                    : null))]),
        })!.ToJsonString();
    }

    public List<byte[]> TakeOthers()
    {
        var taken = others;
        others = [];
        return taken;
    }

    public void Dispose() => Doc.Dispose();

    private List<byte[]> Take()
    {
        var taken = updates;
        updates = [];
        return taken;
    }

    private static JsonArray Guids(IEnumerable<YDoc> docs) => new JsonArray([.. docs.Select(doc => JsonValue.Create(doc.Guid))]);

    private static int LengthOf(YType type) => type switch { YArray list => list.Count, YText list => list.Length, YXmlFragment list => list.Length, _ => 0 };

    private JsonObject History(Snapshot taken, bool v1)
    {
        var then = v1 ? Snapshot.DecodeSnapshot(taken.EncodeSnapshot()) : Snapshot.DecodeSnapshotV2(taken.EncodeSnapshotV2());
        using var restored = Doc.Gc ? null : Doc.CreateDocFromSnapshot(then);
        return new()
        {
            ["same"] = then.Equals(taken),
            ["sameAsFirst"] = Snapshot.EqualSnapshots(then, snapshots[0]),
            ["contains"] = then.SnapshotContainsUpdate(Doc.EncodeStateAsUpdate()),
            ["delta"] = PlainJson.Of(rich.ToDelta(then)),
            ["since"] = PlainJson.Of(rich.ToDelta(null, then)),
            ["between"] = PlainJson.Of(rich.ToDelta(then, snapshots[0])),
            ["user"] = PlainJson.Of(rich.ToDelta(then, snapshots[0], (type, id) => new Dictionary<string, object?> { ["type"] = type, ["user"] = (double)id.Client })),
            ["map"] = PlainJson.Of(map.ToDictionary(then)),
            ["restored"] = restored is null ? null : new JsonObject
            {
                ["json"] = PlainJson.Of(new Dictionary<string, object?>
                {
                    ["map"] = restored.GetMap("map").ToJson(), ["array"] = restored.GetArray("array").ToJson(), ["xml"] = restored.GetXmlFragment("xml").ToJson(),
                }),
                ["delta"] = PlainJson.Of(restored.GetText("rich").ToDelta()),
                ["update"] = Convert.ToBase64String(restored.EncodeStateAsUpdate()),
            },
        };
    }

    private List<object?> Outline() => [.. xml.CreateTreeWalker().Select(node => (object?)new List<object?>
    {
        (node as YXmlElement)?.NodeName ?? (node as YXmlHook)?.HookName ?? "#text",
        ReferenceEquals(node.Parent, xml) ? null : ((YXmlElement)node.Parent!).NodeName,
        (node switch { YXmlElement element => element.NextSibling, YXmlText text => text.NextSibling, _ => null })?.ToJson(),
        (node switch { YXmlElement element => element.PrevSibling, YXmlText text => text.PrevSibling, _ => null })?.ToJson(),
        (node as YXmlFragment)?.FirstChild?.ToJson(),
    })];

    private YXmlFragment XmlParent(int a)
    {
        var parents = new List<YXmlFragment> { xml };
        parents.AddRange(xml.CreateTreeWalker(type => type is YXmlElement).Cast<YXmlElement>());
        return parents[a % parents.Count];
    }

    private YType XmlOf(int n)
    {
        switch (n % 6)
        {
            case 0:
                var paragraph = new YXmlElement("P");
                paragraph.SetAttribute("a0", Word(n));
                paragraph.Insert(0, new YXmlText(Word(n + 1)));
                return paragraph;
            case 1:
                return new YXmlElement("p");
            case 2:
                return new YXmlHook("h" + (n % 2)) { ["k"] = n % 10 };
            case 3:
                var image = new YXmlElement("img");
                image.SetAttribute("src", Word(n));
                image.SetAttribute("w", n % 100);
                return image;
            default:
                return new YXmlText(Word(n));
        }
    }

    private void RunXml(Operation operation)
    {
        var (_, a, b, c) = operation;
        switch (operation.Name)
        {
            case "xmlInsert":
                var parent = XmlParent(a);
                parent.Insert(b % (parent.Length + 1), XmlOf(c));
                break;
            case "xmlInsertAfter":
                var list = XmlParent(a);
                list.InsertAfter(b % 3 == 0 || list.Length == 0 ? null : (YType)list.Get(b % list.Length)!, XmlOf(c), XmlOf(c + 1));
                break;
            case "xmlDelete":
                var from = XmlParent(a);
                if (from.Length > 0)
                {
                    from.Delete(b % from.Length, 1 + (c % Math.Min(5, from.Length - (b % from.Length))));
                }
                break;
            case "xmlAttribute" when xml.QuerySelectorAll("p").ToList() is { Count: > 0 } elements:
                if (c % 4 == 0)
                {
                    elements[a % elements.Count].RemoveAttribute("a" + (b % 3));
                }
                else
                {
                    elements[a % elements.Count].SetAttribute("a" + (b % 3), c % 3 == 0 ? b % 50 : Word(c));
                }
                break;
            case "xmlText" when xml.CreateTreeWalker(type => type is YXmlText).Cast<YXmlText>().ToList() is { Count: > 0 } texts:
                var node = texts[a % texts.Count];
                if (c % 4 == 0)
                {
                    Remove(node, b, c);
                }
                else if (c % 4 == 1 && node.Length > 0)
                {
                    object? value = (c % 3) switch { 0 => new Dictionary<string, object?> { ["class"] = "x" + (b % 2) }, 1 => true, _ => null };
                    node.Format(b % node.Length, 1 + (c % Math.Min(4, node.Length - (b % node.Length))), new Dictionary<string, object?> { ["em"] = value });
                }
                else
                {
                    node.Insert(b % (node.Length + 1), Word(c));
                }
                break;
        }
    }

    private void RunSubdoc(Operation operation)
    {
        var (_, a, b, c) = operation;
        if (operation.Name == "subdoc")
        {
            var doc = new YDoc(new()
            {
                Guid = "g" + (b % 1000),
                AutoLoad = c % 2 == 0,
                ShouldLoad = c % 3 != 0,
                Meta = c % 5 == 0 ? new Dictionary<string, object?> { ["m"] = b % 7 } : null,
                Gc = c % 7 != 0,
            });
            if (c % 4 < 2)
            {
                map.Set("d" + (a % 2), doc);
            }
            else
            {
                array.Insert(a % (array.Count + 1), doc);
            }
            return;
        }
        var docs = Doc.Subdocs.OrderBy(doc => doc.Guid, StringComparer.Ordinal).ToList();
        if (docs.Count == 0)
        {
            return;
        }
        if (c % 3 == 0)
        {
            docs[a % docs.Count].Dispose();
        }
        else
        {
            docs[a % docs.Count].Load();
        }
    }

    private void Run(Transaction transaction, Operation operation)
    {
        var (_, a, b, c) = operation;
        switch (operation.Name)
        {
            case "mapSet":
                map.Set("k" + (a % 6), Value(b, c));
                break;
            case "mapDelete":
                map.Remove("k" + (a % 6));
                break;
            case "arrayInsert":
                array.Insert(a % (array.Count + 1), Enumerable.Range(0, 1 + (c % 3)).Select(i => Value(b + i, c, inArray: true)));
                break;
            case "arrayPush":
                array.Add([Value(b, c, inArray: true)]);
                break;
            case "arrayDelete":
                Remove(array, a, b);
                break;
            case "textInsert":
                text.Insert(a % (text.Length + 1), Word(b));
                break;
            case "textDelete":
                Remove(text, a, b);
                break;
            case "richInsert":
                rich.Insert(a % (rich.Length + 1), Word(b));
                break;
            case "richInsertWith":
                rich.Insert(a % (rich.Length + 1), Word(b), Attributes(c));
                break;
            case "richDelete":
                Remove(rich, a, b);
                break;
            case "richFormat" when rich.Length > 0:
                rich.Format(a % rich.Length, 1 + (b % Math.Min(8, rich.Length - (a % rich.Length))), Attributes(c));
                break;
            case "richEmbed":
                rich.InsertEmbed(a % (rich.Length + 1), new Dictionary<string, object?> { ["image"] = "i" + (b % 3) }, c % 2 == 1 ? Attributes(c) : null);
                break;
            case "richDelta":
                rich.ApplyDelta(Delta(a, b, c));
                break;
            case "nested":
                RunNested(a, b, c);
                break;
            case "textAttribute" when c % 3 == 0:
                rich.RemoveAttribute("a" + (a % 2));
                break;
            case "textAttribute":
                rich.SetAttribute("a" + (a % 2), Word(b));
                break;
            case "richType":
                rich.InsertEmbed(a % (rich.Length + 1), new YMap { ["n"] = b % 9 }, c % 2 == 1 ? Attributes(c) : new Dictionary<string, object?>());
                break;
            case "clear" when a % 7 == 0:
                map.Clear();
                break;
            case "stopCapturing":
                undo?.StopCapturing();
                break;
            case "clearSteps" when a % 5 == 0:
                undo?.Clear(b % 2 == 0, c % 2 == 0);
                break;
            case "skip" when b % 2 == 0:
                transaction.Meta["skip"] = true;
                break;
            case "subdoc" or "subdocLoad":
                RunSubdoc(operation);
                break;
            case var name when name.StartsWith("xml", StringComparison.Ordinal):
                RunXml(operation);
                break;
        }
    }

    private List<DeltaOp> Delta(int a, int b, int c)
    {
        var keep = a % (rich.Length + 1);
        var gone = Math.Min(b % 4, rich.Length - keep);
        var delta = new List<DeltaOp>();
        if (keep > 0)
        {
            delta.Add(DeltaOp.Retained(keep, c % 2 == 1 ? Attributes(b) : null));
        }
        delta.Add(DeltaOp.Inserted(Word(c), b % 2 == 1 ? Attributes(c) : null));
        if (gone > 0)
        {
            delta.Add(DeltaOp.Deleted(gone));
        }
        return delta;
    }

    private void RunNested(int a, int b, int c)
    {
        var types = NestedTypes();
        if (types.Count == 0)
        {
            return;
        }
        switch (types[a % types.Count])
        {
            case YMap nested when c % 4 == 0:
                nested.Remove("k" + (b % 3));
                break;
            case YMap nested:
                nested.Set("k" + (b % 3), Value(b, c));
                break;
            case YArray nested when c % 3 == 0:
                Remove(nested, b, c);
                break;
            case YArray nested:
                nested.Insert(b % (nested.Count + 1), [Value(c, b, inArray: true)]);
                break;
            case YText nested when c % 3 == 0:
                Remove(nested, b, c);
                break;
            case YText nested:
                nested.Insert(b % (nested.Length + 1), Word(c));
                break;
        }
    }

    private List<YType> NestedTypes()
    {
        var types = new List<YType>();
        Visit(map);
        Visit(array);
        return types;

        void Visit(YType type)
        {
            var children = type switch
            {
                YMap nested => nested.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value),
                YArray nested => nested.ToList(),
                _ => [],
            };
            foreach (var child in children.OfType<YType>())
            {
                types.Add(child);
                Visit(child);
            }
        }
    }

    private static void Remove(YArray list, int a, int b)
    {
        if (list.Count > 0)
        {
            list.RemoveAt(a % list.Count, 1 + (b % Math.Min(5, list.Count - (a % list.Count))));
        }
    }

    private static void Remove(YText list, int a, int b)
    {
        if (list.Length > 0)
        {
            list.Delete(a % list.Length, 1 + (b % Math.Min(5, list.Length - (a % list.Length))));
        }
    }

    private string Word(int n) => words[n % words.Length];

    private static Dictionary<string, object?> Attributes(int n) => AttributeSets[n % AttributeSets.Length];

    private object? Value(int n, int m, bool inArray = false) => (n % (inArray ? 13 : 14)) switch
    {
        0 => null,
        1 => true,
        2 => m % 100,
        3 => m % 70000 == 0 ? -0.0 : -m % 70000,
        4 => m / 8.0,
        5 => m / 7.0,
        6 => Word(m),
        7 => new Dictionary<string, object?>
        {
            ["b"] = m % 10,
            ["a"] = new object?[] { 1, "x", null },
            ["7"] = false,
            ["3"] = new Dictionary<string, object?> { ["deep"] = Array.Empty<object?>() },
        },
        8 => new object?[] { m % 3, new object?[] { Word(m) }, new Dictionary<string, object?>() },
        9 => new byte[] { (byte)(m % 256), 0, 255 },
        10 => new YMap { ["n"] = m % 50, ["t"] = new YText(Word(m)) },
        11 => new YArray([m % 9, Word(m)]),
        12 => new YText(Word(m)),
        _ => new BigInteger(m),
    };
}

internal sealed class YjsReplica : IReplica
{
    private static int next;

    private readonly YjsOracle oracle;
    private readonly int doc = Interlocked.Increment(ref next);
    private JsonArray events = [];
    private List<byte[]> others = [];
    private JsonArray subdocs = [];

    public YjsReplica(YjsOracle oracle, uint clientId, bool gc = true, bool observe = false, bool surrogates = true, bool v2 = false, bool both = false, byte[]? initial = null)
    {
        this.oracle = oracle;
        Ask("new", new() { ["clientId"] = clientId, ["gc"] = gc, ["observe"] = observe, ["surrogates"] = surrogates, ["v2"] = v2, ["both"] = both, ["initial"] = initial is null ? null : Convert.ToBase64String(initial) });
    }

    public List<byte[]> Run(IReadOnlyList<Operation> operations) =>
        Updates(Ask("run", new() { ["ops"] = new JsonArray([.. operations.Select(operation => operation.ToJson())]) }));

    public List<byte[]> Apply(IReadOnlyList<byte[]> received) =>
        Updates(Ask("apply", new() { ["updates"] = new JsonArray([.. received.Select(update => JsonValue.Create(Convert.ToBase64String(update)))]) }));

    public void Track(Tracking? tracking = null)
    {
        tracking ??= new();
        Ask("track", new() { ["scope"] = tracking.Scope, ["joins"] = tracking.Joins, ["ignore"] = tracking.Ignore, ["filter"] = tracking.Filter });
    }

    public List<byte[]> Undo(out bool done) => Updates(Ask("undo", []), out done);

    public List<byte[]> Redo(out bool done) => Updates(Ask("redo", []), out done);

    public byte[] Encode(byte[] stateVector) =>
        Convert.FromBase64String((string)Ask("encode", new() { ["vector"] = Convert.ToBase64String(stateVector) })["update"]!);

    public ReplicaState State()
    {
        var answer = Ask("state", []);
        return new(PlainJson.Sorted(answer["json"])!.ToJsonString(), PlainJson.Sorted(answer["delta"])!.ToJsonString(), (string)answer["vector"]!, (string)answer["update"]!, (string)answer["updateV2"]!, (bool)answer["pending"]!);
    }

    public string TakeEvents()
    {
        var taken = new JsonArray(events.DeepClone(), subdocs.DeepClone()).ToJsonString();
        events = [];
        subdocs = [];
        return taken;
    }

    public string TakeSnapshot() => Ask("snapshot", []).ToJsonString();

    public string History() => PlainJson.Sorted(Ask("history", []))!.ToJsonString();

    public string Positions(IReadOnlyList<(int Which, int Index, int Assoc)> added) => PlainJson.Sorted(
        Ask("position", new() { ["positions"] = new JsonArray([.. added.Select(one => new JsonArray(one.Which, one.Index, one.Assoc))]) }))!.ToJsonString();

    public List<byte[]> TakeOthers()
    {
        var taken = others;
        others = [];
        return taken;
    }

    public void Dispose() => Ask("drop", []);

    public JsonNode Ask(string command, JsonObject request)
    {
        request["doc"] = doc;
        return oracle.Ask(command, request);
    }

    private List<byte[]> Updates(JsonNode answer)
    {
        foreach (var change in answer["events"]!.AsArray())
        {
            events.Add(PlainJson.Sorted(change));
        }
        foreach (var change in answer["subdocs"]!.AsArray())
        {
            subdocs.Add(change!.DeepClone());
        }
        others.AddRange(answer["others"]!.AsArray().Select(update => Convert.FromBase64String((string)update!)));
        return [.. answer["updates"]!.AsArray().Select(update => Convert.FromBase64String((string)update!))];
    }

    private List<byte[]> Updates(JsonNode answer, out bool done)
    {
        done = (bool)answer["done"]!;
        return Updates(answer);
    }
}
