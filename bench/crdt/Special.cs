using System.Diagnostics;
using System.Runtime.InteropServices;
using Demiurge.Core.Crdt;

namespace Demiurge.Bench.Crdt;

/// <summary>What only our engine is asked: allocations of a typed character in steady state, and how long encoding holds up the writer.</summary>
internal static class Special
{
    private const int Characters = 20_000;

    public static List<OwnMeasurement> Measure() => [.. Typing(), .. Stalls()];

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

    /// <summary>A large document is encoded from a frozen view by another thread, again and again, while it is edited.</summary>
    private static IEnumerable<OwnMeasurement> Stalls()
    {
        using var doc = new YDoc(new() { ClientId = 1 });
        var random = new Random(1);
        var text = doc.GetText("text");
        doc.Transact(_ =>
        {
            for (var i = 0; i < 420_000; i++)
            {
                var at = text.Length == 0 ? 0 : Math.Clamp((int)(text.Length * (i / 420_000d)) + random.Next(-50, 50), 0, text.Length);
                text.Insert(at, "word");
            }
        });
        var size = doc.EncodeStateAsUpdate().Length;
        var clock = Stopwatch.StartNew();
        doc.EncodeStateAsUpdate();
        yield return new("large document", "size", "bytes", size, null);
        yield return new("large document", "encoding it on the writer's own thread", "ms", clock.Elapsed.TotalMilliseconds, null);
        Longest(doc, static () => true, 1000);
        var alone = Longest(doc, static () => true, 20_000);
        var (freeze, stall) = (TimeSpan.Zero, (Elapsed: 0d, Busy: 0d));
        var pauses = -GC.GetTotalPauseDuration();
        for (var round = 0; round < 5; round++)
        {
            clock.Restart();
            var frozen = doc.Freeze();
            freeze = TimeSpan.FromTicks(Math.Max(freeze.Ticks, clock.Elapsed.Ticks));
            var encoding = Task.Run(() =>
            {
                using (frozen)
                {
                    return frozen.EncodeStateAsUpdate().Length;
                }
            });
            var (elapsed, busy) = Longest(doc, () => !encoding.IsCompleted, int.MaxValue);
            stall = (Math.Max(stall.Elapsed, elapsed), Math.Max(stall.Busy, busy));
        }
        pauses += GC.GetTotalPauseDuration();
        yield return new("large document", "pauses of the garbage collector during that, all together", "ms", pauses.TotalMilliseconds, null);
        yield return new("large document", "freezing it", "ms", freeze.TotalMilliseconds, 10);
        yield return new("large document", "longest edit while another thread encodes, processor time", "ms", stall.Busy, 10);
        yield return new("large document", "longest edit while another thread encodes, elapsed", "ms", stall.Elapsed, null);
        yield return new("large document", "longest edit while nobody encodes, processor time", "ms", alone.Busy, null);
        yield return new("large document", "longest edit while nobody encodes, elapsed", "ms", alone.Elapsed, null);
    }

    /// <summary>
    /// The longest that one edit, anywhere in the document, takes as long as there is a reason to go on. On a busy machine the elapsed time is mostly
    /// that of other processes; the thread's processor time is what the edit itself took.
    /// </summary>
    private static (double Elapsed, double Busy) Longest(YDoc doc, Func<bool> goesOn, int limit)
    {
        var random = new Random(2);
        var text = doc.GetText("text");
        var (longest, busiest) = (TimeSpan.Zero, 0L);
        for (var i = 0; i < limit && goesOn(); i++)
        {
            var at = random.Next(text.Length - 10);
            var (begin, busyBegin) = (Stopwatch.GetTimestamp(), ThreadTime());
            if (i % 2 == 0)
            {
                text.Insert(at, "x");
            }
            else
            {
                text.Delete(at, 1);
            }
            busiest = Math.Max(busiest, ThreadTime() - busyBegin);
            var took = Stopwatch.GetElapsedTime(begin);
            longest = took > longest ? took : longest;
        }
        return (longest.TotalMilliseconds, busiest / 1e6);
    }

    /// <summary>Processor time of this thread in ns; 0 where that can't be had.</summary>
    private static long ThreadTime() =>
        OperatingSystem.IsLinux() && ClockGetTime(3, out var time) == 0 ? (time.Seconds * 1_000_000_000) + time.Nanoseconds : 0;

    [DllImport("libc", EntryPoint = "clock_gettime"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ClockGetTime(int clock, out Time time);

    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private static void Type(YText text)
    {
        var middle = text.Length / 2;
        for (var i = 0; i < Characters; i++)
        {
            text.Insert(middle + i, "x");
        }
    }
}
