using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>
/// Each replica exists twice, here and in Yjs, under the same client id. Both do the same things and get the same updates; every update that either
/// produces, every event and every encoded state must be the same to the byte.
/// </summary>
public sealed class YjsTwinTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void Session_SameOperations_SameBytes() => Seeds.ForEach("twin", 600, Play);

    private void Play(int seed)
    {
        var random = new Random(seed);
        var count = random.Next(1, 4);
        var gc = random.Next(4) != 0;
        var observe = random.Next(2) == 0;
        var tracked = random.Next(2) == 0;
        var v2 = random.Next(2) == 0;
        var ids = Enumerable.Range(0, count).Select(_ => (uint)random.Next(1, int.MaxValue)).ToArray();
        var ours = ids.Select(id => new OurReplica(id, gc, observe, v2: v2, both: true)).ToArray();
        var theirs = ids.Select(id => new YjsReplica(oracle, id, gc, observe, v2: v2, both: true)).ToArray();
        var inboxes = ids.Select(_ => new List<byte[]>()).ToArray();
        if (tracked)
        {
            Array.ForEach(ours, replica => replica.Track());
            Array.ForEach(theirs, replica => replica.Track());
        }
        for (var step = 0; step < 25; step++)
        {
            var who = random.Next(count);
            List<byte[]> produced;
            switch (random.Next(10))
            {
                case < 6:
                    var operations = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Operation.Next(random)).ToList();
                    produced = Same(step, string.Join("; ", operations), ours[who].Run(operations), theirs[who].Run(operations));
                    break;
                case < 7 when tracked:
                    produced = Same(step, "undo", ours[who].Undo(out var undone), theirs[who].Undo(out var theyUndid));
                    Assert.Equal(theyUndid, undone);
                    break;
                case < 8 when tracked:
                    produced = Same(step, "redo", ours[who].Redo(out var redone), theirs[who].Redo(out var theyRedid));
                    Assert.Equal(theyRedid, redone);
                    break;
                case 8 when random.Next(2) == 0:
                    Assert.Equal(theirs[who].TakeSnapshot(), ours[who].TakeSnapshot());
                    continue;
                case 8:
                    var added = Enumerable.Range(0, 3).Select(_ => (random.Next(100), random.Next(100), random.Next(3) - 1)).ToList();
                    Assert.Equal(theirs[who].Positions(added), ours[who].Positions(added));
                    continue;
                default:
                    var received = Deliver(inboxes[who], random);
                    produced = Same(step, $"apply {received.Count}", ours[who].Apply(received), theirs[who].Apply(received));
                    break;
            }
            Same(step, "in the other format", ours[who].TakeOthers(), theirs[who].TakeOthers());
            Assert.Equal(theirs[who].TakeEvents(), ours[who].TakeEvents());
            for (var other = 0; other < count; other++)
            {
                if (other != who)
                {
                    inboxes[other].AddRange(produced);
                }
            }
            Assert.Equal(theirs[who].State(), ours[who].State());
        }
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(theirs[i].Positions([]), ours[i].Positions([]));
            Assert.Equal(theirs[i].History(), ours[i].History());
        }
        var vector = ours[0].Doc.EncodeStateVector();
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(theirs[i].Encode(vector), ours[i].Encode(vector));
        }
        Array.ForEach(ours, replica => replica.Doc.Store.CheckStructure());
        Array.ForEach(theirs, replica => replica.Dispose());
    }

    /// <summary>Some of what has arrived, in any order, some of it to arrive again.</summary>
    private static List<byte[]> Deliver(List<byte[]> inbox, Random random)
    {
        var received = new List<byte[]>();
        for (var i = random.Next(inbox.Count + 1); i > 0 && inbox.Count > 0; i--)
        {
            var at = random.Next(3) == 0 ? random.Next(inbox.Count) : 0;
            received.Add(inbox[at]);
            if (random.Next(8) != 0)
            {
                inbox.RemoveAt(at);
            }
        }
        return received;
    }

    private static List<byte[]> Same(int step, string what, List<byte[]> ours, List<byte[]> theirs)
    {
        var (our, their) = (string.Join('\n', ours.Select(Convert.ToHexString)), string.Join('\n', theirs.Select(Convert.ToHexString)));
        Assert.True(our == their, $"Step {step} ({what}) produced\n{our}\nand in Yjs\n{their}");
        return ours;
    }
}
