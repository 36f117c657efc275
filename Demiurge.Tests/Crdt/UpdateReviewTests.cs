using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>Deciding about updates before they are applied, judged by what applying them then does.</summary>
public sealed class UpdateReviewTests
{
    private static readonly string[] RootNames = ["open", "wide", "shut"];

    [Fact]
    public void Review_EditDeepInsideAForbiddenRoot_NamesIt()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.GetMap("shut").Set("a", new YMap { ["list"] = new YArray() });
        var update = EditOf(doc, other => ((YArray)other.GetMap("shut").Get<YMap>("a")!["list"]!).Add(new YMap { ["x"] = 1 }));

        Assert.Equal(["shut"], doc.Review(update, MayWrite).Forbidden);
        Assert.Empty(doc.Review(update, MayWrite).Missing);
        Assert.Empty(doc.Review(update, static _ => true).Forbidden);
    }

    [Fact]
    public void Review_DeletionInAForbiddenRoot_NamesItUnlessItIsDeletedAlready()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.GetArray("shut").Add(1, 2, 3);
        var update = EditOf(doc, other => other.GetArray("shut").RemoveAt(1));

        Assert.Equal(["shut"], doc.Review(update, MayWrite).Forbidden);
        doc.ApplyUpdate(update);
        Assert.Empty(doc.Review(update, MayWrite).Forbidden);
    }

    [Fact]
    public void Review_StructBetweenNeighboursOfTwoRoots_TouchesBoth()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        doc.GetText("open").Insert(0, "ab");
        doc.GetText("shut").Insert(0, "cd");
        // Client 9, clock 0: a string after (1, 0), which is in "open", and before (1, 2), which is in "shut"; then the other way round.
        byte[] openFirst = [1, 1, 9, 0, 0xc4, 1, 0, 1, 2, 1, (byte)'x', 0];
        byte[] shutFirst = [1, 1, 9, 0, 0xc4, 1, 2, 1, 0, 1, (byte)'x', 0];

        Assert.Equal(["shut"], doc.Review(openFirst, MayWrite).Forbidden);
        Assert.Equal(["shut"], doc.Review(shutFirst, MayWrite).Forbidden);
    }

    [Fact]
    public void Review_UpdateThatNeedsAnother_SaysWhatAndDecidesWhenItIsThere()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        var updates = new List<byte[]>();
        using var writer = new YDoc(new() { ClientId = 5 });
        writer.Updated += change => updates.Add(change.Update);
        writer.GetMap("shut").Set("a", new YMap());
        writer.GetMap("shut").Get<YMap>("a")!.Set("b", 1);

        var early = doc.Review(updates[1], MayWrite);
        Assert.Equal([new MissingClock(5, 0)], early.Missing);
        Assert.False(doc.Has(early.Missing[0]));

        doc.ApplyUpdate(updates[0]);
        Assert.True(doc.Has(early.Missing[0]));
        Assert.Equal(["shut"], doc.Review(updates[1], MayWrite).Forbidden);
        Assert.Empty(doc.Review(updates[1], MayWrite).Missing);
    }

    [Fact]
    public void Review_UnderAClientIdOfSomebodyElse_WaitsUntilItIsKnown()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        using var writer = new YDoc(new() { ClientId = 5 });
        writer.GetText("open").Insert(0, "abc");
        var update = writer.EncodeStateAsUpdate();

        Assert.Equal([new MissingClock(5, 2)], doc.Review(update, MayWrite, static client => client != 5).Missing);
        Assert.True(YUpdates.Inspect(doc.Permitted(update, MayWrite, static client => client != 5)).IsEmpty);
        doc.ApplyUpdate(update);
        Assert.Empty(doc.Review(update, MayWrite, static client => client != 5).Missing);
    }

    [Fact]
    public void Permitted_OfAMixedState_IsAllButTheForbiddenAndWhatHangsOnIt()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        using var theirs = new YDoc(new() { ClientId = 5 });
        theirs.GetText("open").Insert(0, "abc");
        theirs.Transact(_ => theirs.GetMap("shut").Set("a", 1), clientId: 6);
        theirs.GetText("open").Delete(0, 1);
        theirs.GetMap("wide").Set("b", new YText("x"));

        doc.ApplyUpdate(doc.Permitted(theirs.EncodeStateAsUpdate(), MayWrite));

        Assert.Equal("bc", doc.GetText("open").ToString());
        Assert.Equal("x", doc.GetMap("wide")["b"]!.ToString());
        Assert.Equal(0, doc.GetMap("shut").Count);
        Assert.False(doc.HasPending);
    }

    /// <summary>
    /// Replicas edit all roots at the same time, and a guarded document takes their updates out of order, with broken ones between: what has passed review
    /// changes permitted roots alone and leaves nothing waiting; who writes permitted roots alone is never refused.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Review_AtRandom_IsRightAboutWhatApplyingDoes(int seed)
    {
        var (taken, refused, broken) = (0, 0, 0);
        for (var session = 0; session < 40; session++)
        {
            var random = new Random((seed * 100_000) + session);
            using var guarded = new YDoc(new() { ClientId = 999, Gc = random.Next(2) == 0 });
            // What those who may have put there.
            using (var privileged = new YDoc(new() { ClientId = 998 }))
            {
                for (var i = 0; i < 8; i++)
                    Edit(privileged, random, [], "shut");
                guarded.ApplyUpdate(privileged.EncodeStateAsUpdate());
            }

            for (var step = 0u; step < 30; step++)
                Step(guarded, 1000 + (step * 2), random, ref taken, ref refused, ref broken);
        }

        Assert.True(taken > 1000 && refused > 100 && broken > 100, $"{taken} taken, {refused} refused, {broken} broken ones taken");
    }

    private static void Step(YDoc guarded, uint client, Random random, ref int taken, ref int refused, ref int broken)
    {
        using var one = new YDoc(new() { ClientId = client });
        using var other = new YDoc(new() { ClientId = client + 1 });
        var edits = new List<(byte[] Update, bool IsClean)>();
        foreach (var replica in new[] { one, other })
        {
            replica.ApplyUpdate(guarded.EncodeStateAsUpdate());
            edits.AddRange(EditsOf(replica, random));
        }

        if (random.Next(2) == 0)
            edits.Reverse();
        for (var known = -1; edits.Count > 0 && known != edits.Count;)
        {
            known = edits.Count;
            foreach (var (update, isClean) in edits.ToList())
            {
                if (random.Next(3) == 0 && Decide(guarded, Break(update, random)) == true)
                    broken++;
                var verdict = Decide(guarded, update);
                if (verdict is null)
                    continue;
                edits.Remove((update, isClean));
                Assert.False(verdict == false && isClean);
                _ = verdict == true ? taken++ : refused++;
            }
        }
    }

    /// <summary>Some edits of a replica, each its own update or all in one. Clean: neither it nor what it builds on touches the forbidden root.</summary>
    private static List<(byte[] Update, bool IsClean)> EditsOf(YDoc replica, Random random)
    {
        var edits = new List<(byte[] Update, bool IsClean)>();
        var touched = new HashSet<string>();
        replica.Updated += change => edits.Add((change.Update, !touched.Contains("shut")));
        for (var edit = random.Next(1, 5); edit > 0; edit--)
            replica.Transact(_ => Edit(replica, random, touched));
        return edits.Count > 1 && random.Next(3) == 0
            ? [(YUpdates.MergeUpdates([.. edits.Select(static edit => edit.Update)]), !touched.Contains("shut"))]
            : edits;
    }

    /// <summary>True: applied. False: forbidden. Null: waits, or is no update.</summary>
    private static bool? Decide(YDoc doc, byte[] update)
    {
        UpdateReview review;
        try
        {
            review = doc.Review(update, MayWrite);
        }
        catch (CrdtDecodingException)
        {
            return null;
        }

        var before = ItemsOf(doc, "shut");
        if (review is { Forbidden.Count: 0, Missing.Count: 0 })
        {
            doc.ApplyUpdate(update);
            Assert.False(doc.HasPending);
            Assert.Equal(before, ItemsOf(doc, "shut"));
            doc.Store.CheckStructure();
            return true;
        }

        using var copy = new YDoc(new() { ClientId = 998, Gc = doc.Gc });
        copy.ApplyUpdate(doc.EncodeStateAsUpdate());
        var permitted = copy.Permitted(update, MayWrite);
        Assert.Empty(copy.Review(permitted, MayWrite).Forbidden);
        Assert.Empty(copy.Review(permitted, MayWrite).Missing);
        copy.ApplyUpdate(permitted);
        Assert.False(copy.HasPending);
        Assert.Equal(before, ItemsOf(copy, "shut"));
        if (review.Forbidden.Count > 0)
            return false;
        copy.ApplyUpdate(update);
        Assert.True(copy.HasPending);
        return null;
    }

    private static bool MayWrite(string root) => root != "shut";

    /// <summary>Every clock of a root's items that is not deleted, however deep.</summary>
    private static List<(ulong Client, int Clock)> ItemsOf(YDoc doc, string root)
    {
        var clocks = new List<(ulong, int)>();
        foreach (var client in doc.Store.Clients)
        {
            for (var position = 0; position < client.Count; position++)
            {
                ref var item = ref doc.Store.Items[client[position]];
                if (!item.IsDeleted && UpdateInspector.NameOf(doc.Store, item.Parent) == root)
                    clocks.AddRange(Enumerable.Range(item.Clock, item.Length).Select(clock => (client.Id, clock)));
            }
        }

        clocks.Sort();
        return clocks;
    }

    private static byte[] EditOf(YDoc doc, Action<YDoc> edit)
    {
        using var other = new YDoc(new() { ClientId = 77 });
        other.ApplyUpdate(doc.EncodeStateAsUpdate());
        var before = other.EncodeStateVector();
        var update = Array.Empty<byte>();
        other.Updated += change => update = change.Update;
        edit(other);
        return update;
    }

    private static void Edit(YDoc doc, Random random, HashSet<string> touched, string? root = null)
    {
        var name = root ?? RootNames[random.Next(random.Next(3) == 0 ? 3 : 2)];
        touched.Add(name);
        if (random.Next(2) == 0 || name == "open")
        {
            var text = name == "open" ? doc.GetText(name) : TextIn(doc.GetMap(name), random);
            if (text.Length > 2 && random.Next(3) == 0)
                text.Delete(random.Next(text.Length - 1), 1);
            else
                text.Insert(random.Next(text.Length + 1), new string((char)('a' + random.Next(26)), random.Next(1, 5)));
            return;
        }

        var map = doc.GetMap(name);
        switch (random.Next(3))
        {
            case 0:
                map.Set($"k{random.Next(4)}", random.Next(100));
                break;
            case 1:
                map.Set($"k{random.Next(4)}", new YMap { ["inner"] = new YMap { ["deep"] = "x" } });
                break;
            default:
                map.Remove($"k{random.Next(4)}");
                break;
        }
    }

    private static YText TextIn(YMap map, Random random)
    {
        var key = $"t{random.Next(3)}";
        if (map[key] is YText text)
            return text;
        map.Set(key, new YText("-"));
        return (YText)map[key]!;
    }

    /// <summary>Changes a few bytes, so that ids, parents, names and lengths lie.</summary>
    private static byte[] Break(byte[] update, Random random)
    {
        var bytes = update.ToArray();
        for (var i = random.Next(1, 3); i > 0; i--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 12 : 256);
        return bytes;
    }
}
