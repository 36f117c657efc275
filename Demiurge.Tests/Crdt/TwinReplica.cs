namespace Demiurge.Tests.Crdt;

/// <summary>A replica that exists twice, here and in Yjs, under one client id: whatever either answers, the other must answer to the byte.</summary>
internal sealed class TwinReplica(OurReplica ours, YjsReplica theirs) : IReplica
{
    public OurReplica Ours => ours;

    public List<byte[]> Run(IReadOnlyList<Operation> operations) => Same(ours.Run(operations), theirs.Run(operations));

    public List<byte[]> Apply(IReadOnlyList<byte[]> updates) => Same(ours.Apply(updates), theirs.Apply(updates));

    public void Track(Tracking? tracking = null)
    {
        ours.Track(tracking);
        theirs.Track(tracking);
    }

    public List<byte[]> Undo(out bool done)
    {
        var updates = Same(ours.Undo(out done), theirs.Undo(out var theyDid));
        Assert.Equal(theyDid, done);
        return updates;
    }

    public List<byte[]> Redo(out bool done)
    {
        var updates = Same(ours.Redo(out done), theirs.Redo(out var theyDid));
        Assert.Equal(theyDid, done);
        return updates;
    }

    public byte[] Encode(byte[] stateVector) => Same(ours.Encode(stateVector), theirs.Encode(stateVector));

    public ReplicaState State()
    {
        var (our, their) = (ours.State(), theirs.State());
        Assert.True(our == their, $"States differ: here\n{our.Print()}\nand in Yjs\n{their.Print()}");
        return our;
    }

    public string TakeEvents() => Same(ours.TakeEvents(), theirs.TakeEvents());

    public string TakeSnapshot() => Same(ours.TakeSnapshot(), theirs.TakeSnapshot());

    public string History() => Same(ours.History(), theirs.History());

    public string Positions(IReadOnlyList<(int Which, int Index, int Assoc)> added) => Same(ours.Positions(added), theirs.Positions(added));

    public List<byte[]> TakeOthers() => Compare(ours.TakeOthers(), theirs.TakeOthers(), "in the other format");

    public void Dispose()
    {
        ours.Dispose();
        theirs.Dispose();
    }

    private static T Same<T>(T our, T their)
    {
        Assert.Equal(their, our);
        return our;
    }

    private List<byte[]> Same(List<byte[]> our, List<byte[]> their)
    {
        Compare(our, their, "");
        TakeOthers();
        return our;
    }

    private static List<byte[]> Compare(List<byte[]> our, List<byte[]> their, string what)
    {
        var (here, there) = (string.Join('\n', our.Select(Convert.ToHexString)), string.Join('\n', their.Select(Convert.ToHexString)));
        Assert.True(here == there, $"Updates {what} differ: here\n{here}\nand in Yjs\n{there}");
        return our;
    }
}
