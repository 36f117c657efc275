using System.Text;
using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>One step of a session. Its numbers are reduced to what fits when it is played, so that any part of a plan is a plan.</summary>
public sealed record SessionStep(string Kind, int Who, int A, int B, IReadOnlyList<Operation> Operations)
{
    public override string ToString() => Operations.Count == 0 ? $"{Kind} {Who} {A} {B}" : $"{Kind} {Who}: {string.Join("; ", Operations.Select(operation => $"{operation.Name} {operation.A} {operation.B} {operation.C}"))}";
}

/// <summary>Who takes part: ours, theirs, or both doing the same under one client id and compared at every step.</summary>
public enum Party
{
    Ours,
    Theirs,
    Twins,
}

/// <summary>
/// A session of two to six replicas that edit at the same time, made from a seed. Updates arrive late, out of order, twice, merged with others, cut, converted between the
/// formats, or not at all until a partition heals.
/// </summary>
public sealed record SessionPlan(int Seed, bool Twins, bool Gc, bool V2, bool Observe, bool Surrogates, Tracking? Tracking, IReadOnlyList<(Party Party, uint Client)> Parties, IReadOnlyList<SessionStep> Steps)
{
    public static SessionPlan Of(int seed, bool twins, int steps)
    {
        var random = new Random(seed);
        var parties = new List<(Party, uint)>();
        for (var count = twins ? random.Next(1, 4) : random.Next(2, 7); count > 0; count--)
        {
            // At least one of each.
            var party = twins ? Party.Twins : parties.Count == 0 || (parties.Count > 1 && random.Next(2) == 0) ? Party.Ours : Party.Theirs;
            parties.Add((party, (uint)random.Next(1, int.MaxValue)));
        }
        var tracking = twins && random.Next(2) == 0
            ? null
            : new Tracking(random.Next(3) == 0 ? random.Next(1, 5) : 0, random.Next(3) == 0, random.Next(3) == 0, random.Next(4) == 0);
        return new(
            seed,
            twins,
            Gc: random.Next(4) != 0,
            V2: random.Next(2) == 0,
            Observe: twins && random.Next(2) == 0,
            // Replicas of Yjs differ among themselves once a surrogate pair has been split: twins don't, as they are compared one to one.
            Surrogates: twins && random.Next(2) == 0,
            tracking,
            parties,
            [.. Enumerable.Range(0, steps).Select(_ => Step(random))]);
    }

    public override string ToString()
    {
        var text = new StringBuilder($"seed {Seed}, {(Twins ? "twins" : "mixed")}, gc {Gc}, v2 {V2}, observe {Observe}, surrogates {Surrogates}, {Tracking?.ToString() ?? "no undo"}, parties {string.Join(' ', Parties)}");
        foreach (var step in Steps)
        {
            text.Append("\n  ").Append(step);
        }
        return text.ToString();
    }

    private static SessionStep Step(Random random)
    {
        var kind = random.Next(100) switch
        {
            < 56 => "run",
            < 62 => "undo",
            < 67 => "redo",
            < 84 => "deliver",
            < 87 => "partition",
            < 89 => "snapshot",
            < 91 => "position",
            < 95 => "merge",
            < 97 => "sync",
            < 99 => "convert",
            _ => "join",
        };
        return new(kind, random.Next(60), random.Next(1 << 20), random.Next(1 << 20), kind == "run" ? [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Operation.Next(random))] : []);
    }
}

/// <summary>Plays plans, and makes those that fail shorter.</summary>
internal sealed class SessionPlayer(YjsOracle oracle)
{
    /// <summary>How often a failing plan is played again to find out what it needs.</summary>
    private const int MaxTrials = 250;

    public void PlayAll(string name, int count, bool twins, int steps) => Seeds.ForEach(name, count, seed =>
    {
        var plan = SessionPlan.Of(seed, twins, Seeds.Steps ?? steps);
        try
        {
            Play(plan);
        }
        catch (Exception exception)
        {
            var (shorter, why) = Shrink(plan, exception);
            throw new InvalidOperationException($"{why.Message}\nThe shortest plan found that fails:\n{shorter}", why);
        }
    });

    private void Play(SessionPlan plan)
    {
        using var session = new Session(oracle, plan);
        session.Play();
    }

    /// <summary>Leaves out as many steps, then operations, as it can: halves first, then smaller parts.</summary>
    private (SessionPlan Plan, Exception Failure) Shrink(SessionPlan plan, Exception failure)
    {
        var trials = 0;
        for (var size = Math.Max(1, plan.Steps.Count / 2); size > 0 && trials < MaxTrials; size /= 2)
        {
            for (var start = 0; start < plan.Steps.Count && trials < MaxTrials;)
            {
                var without = plan with { Steps = [.. plan.Steps.Take(start), .. plan.Steps.Skip(start + size)] };
                if (Fails(without) is { } other)
                {
                    (plan, failure) = (without, other);
                }
                else
                {
                    start += size;
                }
            }
        }
        for (var step = 0; step < plan.Steps.Count; step++)
        {
            for (var operation = 0; operation < plan.Steps[step].Operations.Count && plan.Steps[step].Operations.Count > 1 && trials < MaxTrials;)
            {
                var rest = plan.Steps[step] with { Operations = [.. plan.Steps[step].Operations.Where((_, index) => index != operation)] };
                var without = plan with { Steps = [.. plan.Steps.Select((one, index) => index == step ? rest : one)] };
                if (Fails(without) is { } other)
                {
                    (plan, failure) = (without, other);
                }
                else
                {
                    operation++;
                }
            }
        }
        return (plan, failure);

        Exception? Fails(SessionPlan candidate)
        {
            trials++;
            try
            {
                Play(candidate);
                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
        }
    }
}

/// <summary>One playing of a plan.</summary>
internal sealed class Session(YjsOracle oracle, SessionPlan plan) : IDisposable
{
    private readonly List<IReplica> replicas = [];
    private readonly List<List<byte[]>> inboxes = [];
    private List<int> partition = [];

    public void Play()
    {
        foreach (var (party, client) in plan.Parties)
        {
            Join(party, client, null);
        }
        for (var i = 0; i < plan.Steps.Count; i++)
        {
            try
            {
                Play(plan.Steps[i]);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Step {i} ({plan.Steps[i]}): {exception.Message}", exception);
            }
        }
        if (!plan.Surrogates)
        {
            Settle();
            var first = replicas[0].State().Meaning;
            Assert.False(first.Pending);
            foreach (var replica in replicas)
            {
                Assert.Equal(first, replica.State().Meaning);
            }
        }
        foreach (var replica in replicas)
        {
            if (plan.Twins)
            {
                replica.Positions([]);
                replica.History();
                replica.Encode(Convert.FromBase64String(replicas[0].State().Vector));
            }
            (replica as OurReplica ?? (replica as TwinReplica)?.Ours)?.Doc.Store.CheckStructure();
        }
    }

    public void Dispose() => replicas.ForEach(replica => replica.Dispose());

    private void Join(Party party, uint client, byte[]? initial)
    {
        IReplica replica = party switch
        {
            Party.Ours => Ours(),
            Party.Theirs => Theirs(),
            _ => new TwinReplica(Ours(), Theirs()),
        };
        replicas.Add(replica);
        inboxes.Add([]);
        partition.Add(0);
        if (plan.Tracking is not null)
        {
            replica.Track(plan.Tracking);
        }

        OurReplica Ours() => new(client, plan.Gc, plan.Observe, plan.Surrogates, plan.V2, plan.Twins, initial);
        YjsReplica Theirs() => new(oracle, client, plan.Gc, plan.Observe, plan.Surrogates, plan.V2, plan.Twins, initial);
    }

    private void Play(SessionStep step)
    {
        var who = step.Who % replicas.Count;
        var random = new Random(step.A);
        var replica = replicas[who];
        switch (step.Kind)
        {
            case "run":
                Send(who, replica.Run(step.Operations));
                break;
            case "undo" when plan.Tracking is not null:
                Send(who, replica.Undo(out _));
                break;
            case "redo" when plan.Tracking is not null:
                Send(who, replica.Redo(out _));
                break;
            case "deliver":
                Send(who, replica.Apply(Deliver(inboxes[who], random)));
                break;
            case "partition":
                partition = replicas.ConvertAll(_ => random.Next(2));
                break;
            case "snapshot" when plan.Twins:
                replica.TakeSnapshot();
                break;
            case "position" when plan.Twins:
                replica.Positions([.. Enumerable.Range(0, 3).Select(_ => (random.Next(100), random.Next(100), random.Next(3) - 1))]);
                break;
            case "merge" when inboxes[who].Count > 1:
                var taken = inboxes[who].Where(_ => random.Next(2) == 0).ToList();
                if (taken.Count > 0)
                {
                    inboxes[who].RemoveAll(taken.Contains);
                    inboxes[who].Add(Merge(taken, random.Next(2) == 0));
                }
                break;
            case "sync":
                // What another one's whole state holds beyond this one's, cut without a document.
                var vector = Convert.FromBase64String(replica.State().Vector);
                Send(who, replica.Apply([Diff(replicas[step.B % replicas.Count].Encode([0]), vector, random.Next(2) == 0)]));
                break;
            case "convert" when inboxes[who].Count > 0:
                var at = random.Next(inboxes[who].Count);
                inboxes[who][at] = ThereAndBack(inboxes[who][at], random.Next(2) == 0);
                break;
            case "join" when replicas.Count < 6:
                Join(plan.Parties[step.B % plan.Parties.Count].Party, (uint)step.A + 1, replica.Encode([0]));
                break;
        }
        if (plan.Twins)
        {
            replica.TakeEvents();
            replica.State();
        }
    }

    private void Send(int from, List<byte[]> updates)
    {
        for (var other = 0; other < replicas.Count; other++)
        {
            // Lost on the way when the network is split: the final exchange has to make up for it.
            if (other != from && partition[other] == partition[from])
            {
                inboxes[other].AddRange(updates);
            }
        }
    }

    /// <summary>Some of what has arrived, in any order, some of it to arrive again.</summary>
    private static List<byte[]> Deliver(List<byte[]> inbox, Random random)
    {
        var received = new List<byte[]>();
        for (var i = random.Next(inbox.Count + 1); i > 0 && inbox.Count > 0; i--)
        {
            var at = random.Next(3) == 0 ? random.Next(inbox.Count) : 0;
            received.Add(inbox[at]);
            if (random.Next(7) != 0)
            {
                inbox.RemoveAt(at);
            }
        }
        return received;
    }

    private byte[] Merge(List<byte[]> updates, bool here) => here
        ? plan.V2 ? YUpdates.MergeUpdatesV2([.. updates]) : YUpdates.MergeUpdates([.. updates])
        : Ask("merge", new() { ["updates"] = new JsonArray([.. updates.Select(update => JsonValue.Create(Convert.ToBase64String(update)))]) }, plan.V2);

    private byte[] Diff(byte[] update, byte[] vector, bool here) => here
        ? plan.V2 ? YUpdates.DiffUpdateV2(update, vector) : YUpdates.DiffUpdate(update, vector)
        : Ask("diff", new() { ["update"] = Convert.ToBase64String(update), ["vector"] = Convert.ToBase64String(vector) }, plan.V2);

    private byte[] ThereAndBack(byte[] update, bool here)
    {
        var there = plan.V2 ? YUpdates.ConvertUpdateFormatV2ToV1(update) : YUpdates.ConvertUpdateFormatV1ToV2(update);
        return !here ? Ask("convert", new() { ["update"] = Convert.ToBase64String(there) }, !plan.V2)
            : plan.V2 ? YUpdates.ConvertUpdateFormatV1ToV2(there) : YUpdates.ConvertUpdateFormatV2ToV1(there);
    }

    private byte[] Ask(string command, JsonObject request, bool v2)
    {
        request["v2"] = v2;
        return Convert.FromBase64String((string)oracle.Ask(command, request)["update"]!);
    }

    /// <summary>Everybody gets what is in flight and then asks everybody, until nothing new comes up (tidying formats makes new updates).</summary>
    private void Settle()
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
}
