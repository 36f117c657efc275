using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>What Yjs has around documents: obfuscated updates, a filter for collection, permanent user data, and waiting for providers. Each beside Yjs itself.</summary>
public sealed class YjsExtrasTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void ObfuscateUpdate_RandomDocuments_IsThatOfYjs() => Seeds.ForEach("obfuscation", 60, seed =>
    {
        var random = new Random(seed);
        using var replica = new OurReplica(7, gc: random.Next(2) == 0);
        using var other = new OurReplica(300, gc: random.Next(2) == 0);
        for (var i = 0; i < 12; i++)
        {
            other.Apply(replica.Run([.. Enumerable.Range(0, 4).Select(_ => Operation.Next(random))]));
            replica.Apply(other.Run([Operation.Next(random)]));
        }
        var options = new ObfuscatorOptions { Formatting = random.Next(3) != 0, Subdocs = random.Next(3) != 0, Yxml = random.Next(3) != 0 };
        var update = random.Next(2) == 0 ? replica.Encode([]) : YUpdates.DiffUpdate(replica.Encode([]), [1, 7, (byte)random.Next(60)]);

        Assert.Equal(Theirs(update, false, options), Convert.ToBase64String(YUpdates.ObfuscateUpdate(update, options)));
        update = YUpdates.ConvertUpdateFormatV1ToV2(update);
        Assert.Equal(Theirs(update, true, options), Convert.ToBase64String(YUpdates.ObfuscateUpdateV2(update, options)));
    });

    [Fact]
    public void ObfuscateUpdate_EveryContent_IsThatOfYjsAndHidesTheText()
    {
        var update = Convert.FromBase64String((string)Script(ForeignContentTests.EverythingElse)["update"]!);

        var ours = YUpdates.ObfuscateUpdate(update);

        Assert.Equal(Theirs(update, false, new()), Convert.ToBase64String(ours));
        Assert.DoesNotContain("body", System.Text.Encoding.UTF8.GetString(ours));
        Assert.Equal(YUpdates.Inspect(update).Structs, YUpdates.Inspect(ours).Structs);
    }

    [Fact]
    public void GcFilter_KeepsWhatItSays_AsInYjs()
    {
        const string edits = """
            doc.gcFilter = item => item.id.clock % 3 !== 0
            const text = doc.getText('t')
            text.insert(0, 'abcdefgh')
            for (const at of [5, 3, 1, 0]) text.delete(at, 1)
            const map = doc.getMap('m')
            for (let i = 0; i < 4; i++) { const inner = new Y.Map(); map.set('k', inner); inner.set('x', 'y' + i) }
            map.delete('k')
            """;
        using var doc = new YDoc(new() { ClientId = 1, GcFilter = static candidate => candidate.Id.Clock % 3 != 0 });

        var text = doc.GetText("t");
        text.Insert(0, "abcdefgh");
        foreach (var at in new[] { 5, 3, 1, 0 })
        {
            text.Delete(at, 1);
        }
        var map = doc.GetMap("m");
        for (var i = 0; i < 4; i++)
        {
            var inner = new YMap();
            map.Set("k", inner);
            inner.Set("x", $"y{i}");
        }
        map.Remove("k");

        Assert.Equal((string)Script(edits)["update"]!, Convert.ToBase64String(doc.EncodeStateAsUpdate()));
        doc.Store.CheckStructure();
    }

    [Fact]
    public void GcFilter_IsTold_WhatIsDropped()
    {
        var seen = new List<DeletionCandidate>();
        using var doc = new YDoc(new() { ClientId = 1, GcFilter = candidate => { seen.Add(candidate); return false; } });
        var map = doc.GetMap("m");
        map.Set("a", 1);

        map.Remove("a");

        var candidate = Assert.Single(seen);
        Assert.Equal((new ClockRange(1, 0, 1), map, "a"), (candidate.Id, candidate.Parent, candidate.ParentKey));
    }

    [Fact]
    public void PermanentUserData_WritesWhatYjsWrites_AndReadsIt()
    {
        const string edits = """
            const tick = () => new Promise(resolve => setTimeout(resolve, 5))
            const users = new Y.PermanentUserData(doc)
            users.setUserMapping(doc, 1, 'ann')
            await tick()
            doc.getText('t').insert(0, 'hello')
            await tick()
            doc.getText('t').delete(1, 2)
            await tick()
            doc.transact(() => { doc.getText('t').delete(0, 1); doc.getArray('a').insert(0, [1]); doc.getArray('a').delete(0, 1) })
            await tick()
            return [users.getUserByClientId(1), users.getUserByClientId(2), users.getUserByDeletedId(Y.createID(1, 7)), users.getUserByDeletedId(Y.createID(1, 8)), users.getUserByDeletedId(Y.createID(1, 6))]
            """;
        using var doc = new YDoc(new() { ClientId = 1 });
        using var users = new PermanentUserData(doc);

        users.SetUserMapping(doc, 1, "ann");
        doc.GetText("t").Insert(0, "hello");
        doc.GetText("t").Delete(1, 2);
        doc.Transact(_ =>
        {
            doc.GetText("t").Delete(0, 1);
            doc.GetArray("a").Add(1);
            doc.GetArray("a").RemoveAt(0);
        });

        var theirs = Script(edits);
        Assert.Equal((string)theirs["update"]!, Convert.ToBase64String(doc.EncodeStateAsUpdate()));
        Assert.Equal(theirs["result"]!.ToJsonString(), Answers(users).ToJsonString());
        using var reader = new YDoc();
        reader.ApplyUpdate(doc.EncodeStateAsUpdate());
        using var read = new PermanentUserData(reader);
        Assert.Equal(Answers(users).ToJsonString(), Answers(read).ToJsonString());

        static JsonArray Answers(PermanentUserData users) => [users.GetUserByClientId(1), users.GetUserByClientId(2),
            users.GetUserByDeletedId(new(1, 7)), users.GetUserByDeletedId(new(1, 8)), users.GetUserByDeletedId(new(1, 6))];
    }

    [Fact]
    public void PermanentUserData_SameUserOnTwoReplicas_IsOneInTheEnd()
    {
        using var one = new YDoc(new() { ClientId = 1 });
        using var two = new YDoc(new() { ClientId = 2 });
        using var first = new PermanentUserData(one);
        using var second = new PermanentUserData(two);
        first.SetUserMapping(one, 1, "ann");
        second.SetUserMapping(two, 2, "ann");
        two.GetMap("m").Set("k", 1);
        two.GetMap("m").Remove("k");
        one.GetMap("m").Set("k", 2);
        one.GetMap("m").Remove("k");
        one.GetMap("users").Set("mallory", "not a user");
        one.GetMap("users").Set("eve", new YMap([new("ids", new YArray(["x", -1.0])), new("ds", new YArray([new byte[] { 255, 255 }]))]));

        for (var i = 0; i < 3; i++)
        {
            one.ApplyUpdate(two.EncodeStateAsUpdate(one.EncodeStateVector()));
            two.ApplyUpdate(one.EncodeStateAsUpdate(two.EncodeStateVector()));
        }

        foreach (var users in new[] { first, second })
        {
            Assert.Equal(("ann", "ann"), (users.GetUserByClientId(1), users.GetUserByClientId(2)));
        }
        Assert.Equal(one.EncodeStateAsUpdate(), two.EncodeStateAsUpdate());
    }

    [Fact]
    public void WhenLoadedAndSynced_FollowWhatProvidersSay_AsInYjs()
    {
        foreach (var said in new[] { "ls", "s", "sf", "sfs", "fs", "lsfsl", "f" })
        {
            using var doc = new YDoc();
            var ours = new JsonArray();
            var events = new List<string>();
            doc.Loaded += _ => events.Add("load");
            doc.SyncedChanged += changed => events.Add(changed.IsSynced ? "true" : "false");
            foreach (var word in said)
            {
                switch (word)
                {
                    case 'l':
                        doc.SetLoaded();
                        break;
                    default:
                        doc.SetSynced(word == 's');
                        break;
                }
                ours.Add(new JsonArray(doc.IsLoaded, doc.IsSynced, doc.WhenLoaded.IsCompletedSuccessfully, doc.WhenSynced.IsCompletedSuccessfully));
            }
            var theirs = Script($$"""
                const states = []
                const events = []
                doc.on('load', () => events.push('load'))
                doc.on('sync', isSynced => events.push(`${isSynced}`))
                for (const word of '{{said}}') {
                  word === 'l' ? doc.emit('load', [doc]) : doc.emit('sync', [word === 's', doc])
                  const settled = promise => Promise.race([promise.then(() => true), new Promise(resolve => setTimeout(() => resolve(false), 2))])
                  states.push([doc.isLoaded, doc.isSynced, await settled(doc.whenLoaded), await settled(doc.whenSynced)])
                }
                return { states, events }
                """)["result"]!;
            Assert.Equal(theirs["states"]!.ToJsonString(), ours.ToJsonString());
            Assert.Equal(theirs["events"]!.AsArray().Select(static word => (string)word!), events);
        }
    }

    [Fact]
    public async Task WhenLoaded_OfDisposedDocument_IsCancelled()
    {
        var doc = new YDoc();
        var waiting = doc.WhenLoaded;

        doc.Dispose();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => doc.WhenSynced);
    }

    private string Theirs(byte[] update, bool v2, ObfuscatorOptions options) => (string)oracle.Ask("obfuscate", new()
    {
        ["update"] = Convert.ToBase64String(update),
        ["v2"] = v2,
        ["options"] = new JsonObject { ["formatting"] = options.Formatting, ["subdocs"] = options.Subdocs, ["yxml"] = options.Yxml },
    })["update"]!;

    private JsonNode Script(string code) => oracle.Ask("script", new() { ["code"] = code });
}
