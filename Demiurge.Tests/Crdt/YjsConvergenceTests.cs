using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>
/// Sessions of two to six replicas, some here and some in Yjs, that edit at the same time. Updates arrive late, out of order, twice, or not at all until
/// a partition heals; at the end everybody exchanges state vectors and all must hold the same document.
/// </summary>
public sealed class YjsConvergenceTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void Session_OursAndTheirs_Converge() => Seeds.ForEach("mixed", 1500, Play);

    private void Play(int seed)
    {
        var random = new Random(seed);
        var gc = random.Next(5) != 0;
        var v2 = random.Next(2) == 0;
        var replicas = new List<IReplica>();
        for (var count = random.Next(2, 7); count > 0; count--)
        {
            var id = (uint)random.Next(1, int.MaxValue);
            // At least one of each. No surrogate pairs: replicas of Yjs differ among themselves once one has been split.
            var ours = replicas.Count == 0 || (replicas.Count > 1 && random.Next(2) == 0);
            IReplica replica = ours ? new OurReplica(id, gc, surrogates: false, v2: v2) : new YjsReplica(oracle, id, gc, surrogates: false, v2: v2);
            replica.Track();
            replicas.Add(replica);
        }
        var inboxes = replicas.ConvertAll(_ => new List<byte[]>());
        var partition = replicas.ConvertAll(_ => 0);
        for (var step = 0; step < 20; step++)
        {
            if (random.Next(5) == 0)
            {
                partition = replicas.ConvertAll(_ => random.Next(2));
            }
            var who = random.Next(replicas.Count);
            var produced = random.Next(10) switch
            {
                < 6 => replicas[who].Run([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Operation.Next(random))]),
                6 => replicas[who].Undo(out _),
                7 => replicas[who].Redo(out _),
                _ => replicas[who].Apply(Deliver(inboxes[who], random)),
            };
            for (var other = 0; other < replicas.Count; other++)
            {
                // Lost on the way when the network is split: the final exchange has to make up for it.
                if (other != who && partition[other] == partition[who])
                {
                    inboxes[other].AddRange(produced);
                }
            }
        }
        Settle(replicas, inboxes);
        var first = replicas[0].State().Meaning;
        Assert.False(first.Pending);
        foreach (var replica in replicas)
        {
            Assert.Equal(first, replica.State().Meaning);
        }
        foreach (var replica in replicas)
        {
            (replica as OurReplica)?.Doc.Store.CheckStructure();
            replica.Dispose();
        }
    }

    /// <summary>Everybody gets what is in flight and then asks everybody, until nothing new comes up (tidying formats makes new updates).</summary>
    private static void Settle(List<IReplica> replicas, List<List<byte[]>> inboxes)
    {
        for (var i = 0; i < replicas.Count; i++)
        {
            replicas[i].Apply(inboxes[i]);
        }
        for (var round = 0; round < 20; round++)
        {
            var isNew = false;
            foreach (var asking in replicas)
            {
                foreach (var answering in replicas.Where(answering => answering != asking))
                {
                    isNew |= asking.Apply([answering.Encode(Convert.FromBase64String(asking.State().Vector))]).Count > 0;
                }
            }
            if (!isNew)
            {
                return;
            }
        }
    }

    private static List<byte[]> Deliver(List<byte[]> inbox, Random random)
    {
        var received = new List<byte[]>();
        for (var i = random.Next(inbox.Count + 1); i > 0 && inbox.Count > 0; i--)
        {
            var at = random.Next(2) == 0 ? random.Next(inbox.Count) : 0;
            received.Add(inbox[at]);
            if (random.Next(6) != 0)
            {
                inbox.RemoveAt(at);
            }
        }
        return received;
    }
}
