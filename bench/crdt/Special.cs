using System.Diagnostics;
using Demiurge.Core.Crdt;

namespace Demiurge.Bench.Crdt;

/// <summary>What only our engine is asked: allocations of a typed character in steady state.</summary>
internal static class Special
{
    private const int Characters = 20_000;

    public static List<OwnMeasurement> Measure() => [.. Typing()];

    private static IEnumerable<OwnMeasurement> Typing()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        using var remote = new YDoc(new() { ClientId = 2 });
        var text = doc.GetText("text");
        var updates = new List<byte[]>();
        var bytes = 0L;
        doc.Updated += Keep;
        Type(text);
        doc.Updated -= Keep;
        updates.ForEach(update => remote.ApplyUpdate(update));
        updates.Clear();
        yield return Local("nobody listening", text);
        doc.UpdateEncoded += Count;
        yield return Local("update v1 as a span", text);
        doc.UpdateEncoded -= Count;
        doc.UpdateEncodedV2 += Count;
        yield return Local("update v2 as a span", text);
        doc.UpdateEncodedV2 -= Count;
        doc.Updated += Count2;
        yield return Local("update v1 as an array", text);
        doc.Updated -= Count2;
        remote.ApplyUpdate(doc.EncodeStateAsUpdate());
        doc.Updated += Keep;
        Type(text);
        doc.Updated -= Keep;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        foreach (var update in updates)
        {
            remote.ApplyUpdate(update);
        }
        var time = clock.Elapsed;
        yield return new("remote character applied", "allocated", "bytes", (GC.GetAllocatedBytesForCurrentThread() - before) / (double)updates.Count, null);
        yield return new("remote character applied", "time", "µs", time.TotalMicroseconds / updates.Count, null);

        void Keep(YUpdateEvent change) => updates.Add(change.Update);
        void Count(ReadOnlySpan<byte> update, Transaction transaction) => bytes += update.Length;
        void Count2(YUpdateEvent change) => bytes += change.Update.Length;
    }

    private static OwnMeasurement Local(string listener, YText text)
    {
        Type(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Type(text);
        return new($"character typed, {listener}", "allocated", "bytes", (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Characters, null);
    }

    private static void Type(YText text)
    {
        for (var i = 0; i < Characters; i++)
        {
            text.Insert(text.Length / 2, "x");
        }
    }
}
