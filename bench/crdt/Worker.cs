using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Demiurge.Core.Crdt;

namespace Demiurge.Bench.Crdt;

/// <summary>The workloads in our engine, in a process of its own: the counterpart of worker.mjs, command for command.</summary>
internal static class Worker
{
    private const uint FirstClient = 4_000_000_001;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly record struct Operation(char Kind, int Index, int Length, string Text, object? Value);

    private sealed record Work(Shape Shape, string Content, Operation[][] Operations, string Initial, int Times);

    public static void Serve()
    {
        Work? work = null;
        while (Console.ReadLine() is { } line)
        {
            var command = JsonDocument.Parse(line).RootElement;
            string Text(string name) => command.GetProperty(name).GetString()!;
            int Number(string name) => command.GetProperty(name).GetInt32();
            object answer = new { };
            switch (Text("do"))
            {
                case "version":
                    answer = new { version = $".NET {Environment.Version}" };
                    break;
                case "load":
                    work = Load(Text("path"));
                    break;
                case "warmUp":
                    var part = Number("steps") is > 0 and var steps ? work! with { Operations = [.. work.Operations.Select(operations => operations[..Math.Min(steps, operations.Length)])] } : work!;
                    var clock = Stopwatch.StartNew();
                    for (var i = 0; i < Number("runs") || clock.Elapsed.TotalSeconds < Number("seconds"); i++)
                    {
                        Run(part, Text("format") == "v2", out _);
                    }
                    break;
                case "run":
                    answer = Run(work!, Text("format") == "v2", out var state);
                    if (command.TryGetProperty("path", out var path))
                    {
                        File.WriteAllBytes(path.GetString()!, state);
                    }
                    break;
                case "retained":
                    answer = new { retained = Retained(File.ReadAllBytes(Text("path")), Text("format") == "v2", Number("copies")) };
                    break;
                case "own":
                    answer = Special.Measure();
                    break;
            }
            Console.WriteLine(JsonSerializer.Serialize(answer, Json));
        }
    }

    private static Work Load(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = json.RootElement;
        return new(
            Enum.Parse<Shape>(root.GetProperty("shape").GetString()!),
            root.GetProperty("content").GetString()!,
            [.. root.GetProperty("operations").EnumerateArray().Select(operations => operations.EnumerateArray().Select(Read).ToArray())],
            root.GetProperty("initial").GetString()!,
            root.GetProperty("times").GetInt32());

        static Operation Read(JsonElement operation)
        {
            var (kind, at, value) = (operation[0].GetString()![0], operation[1], operation[2]);
            return kind switch
            {
                'i' => new(kind, at.GetInt32(), 0, value.GetString()!, null),
                'd' => new(kind, at.GetInt32(), value.GetInt32(), "", null),
                'a' => new(kind, at.GetInt32(), 0, "", Plain(value)),
                _ => new(kind, 0, 0, at.GetString()!, Plain(value)),
            };
        }

        static object? Plain(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Array => value.EnumerateArray().Select(Plain).ToList(),
            _ => value.EnumerateObject().ToDictionary(static property => property.Name, static property => Plain(property.Value)),
        };
    }

    private static object Run(Work work, bool v2, out byte[] state)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var docs = new List<Replica>();
        var (updates, updateBytes) = (0, 0L);
        var done = work.Shape switch
        {
            Shape.Relay => Relay(work, v2, docs, ref updates, ref updateBytes),
            Shape.Exchange => Exchange(work, v2, docs, ref updates, ref updateBytes),
            Shape.Gather => Gather(work, v2, docs, ref updates, ref updateBytes),
            _ => Replay(work, v2, docs, ref updates, ref updateBytes),
        };
        var clock = Stopwatch.StartNew();
        state = docs[0].Encode();
        var encode = clock.Elapsed.TotalMilliseconds;
        clock.Restart();
        using var loaded = new Replica(1, v2, null);
        loaded.Apply(state);
        var content = loaded.Read(work.Content);
        var parse = clock.Elapsed.TotalMilliseconds;
        Check(docs[0], loaded, work.Content);
        docs.ForEach(static doc => doc.Dispose());
        var text = content as string ?? JsonSerializer.Serialize(content, Json);
        return new
        {
            time = done.Time,
            allocated = done.Allocated,
            updates,
            updateBytes,
            encode,
            parse,
            size = state.Length,
            state = Convert.ToHexStringLower(SHA256.HashData(state)),
            content = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            peak = Process.GetCurrentProcess().PeakWorkingSet64,
        };
    }

    private static (double Time, long Allocated) Timed(Action body)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        body();
        return (clock.Elapsed.TotalMilliseconds, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static (double Time, long Allocated) Relay(Work work, bool v2, List<Replica> docs, ref int count, ref long bytes)
    {
        var updates = new List<byte[]>();
        docs.Add(new(FirstClient, v2, updates.Add));
        docs.Add(new(FirstClient + 1, v2, null));
        var done = Timed(() =>
        {
            ChangeAll(docs[0], work.Operations[0]);
            foreach (var update in updates)
            {
                docs[1].Apply(update);
            }
            Check(docs[0], docs[1], work.Content);
        });
        (count, bytes) = (updates.Count, updates.Sum(static update => (long)update.Length));
        return done;
    }

    private static (double Time, long Allocated) Exchange(Work work, bool v2, List<Replica> docs, ref int count, ref long bytes)
    {
        var (updates, updateBytes, busy) = (0, 0L, false);
        docs.Add(new(FirstClient, v2, update => Send(update, 1)));
        docs.Add(new(FirstClient + 1, v2, update => Send(update, 0)));
        docs[0].Text.Insert(0, work.Initial);
        (updates, updateBytes) = (0, 0);
        var done = Timed(() =>
        {
            docs[0].Doc.Transact(_ => ChangeAll(docs[0], work.Operations[0]));
            docs[1].Doc.Transact(_ => ChangeAll(docs[1], work.Operations[1]));
            Check(docs[0], docs[1], work.Content);
        });
        (count, bytes) = (updates, updateBytes);
        return done;

        void Send(byte[] update, int other)
        {
            if (!busy)
            {
                busy = true;
                updates++;
                updateBytes += update.Length;
                docs[other].Apply(update);
                busy = false;
            }
        }
    }

    private static (double Time, long Allocated) Gather(Work work, bool v2, List<Replica> docs, ref int count, ref long bytes)
    {
        var updates = new List<byte[]>();
        var closed = false;
        for (var i = 0; i < work.Operations.Length; i++)
        {
            docs.Add(new(FirstClient + (uint)i, v2, update =>
            {
                if (!closed)
                {
                    updates.Add(update);
                }
            }));
        }
        for (var i = 0; i < docs.Count; i++)
        {
            ChangeAll(docs[i], work.Operations[i]);
        }
        closed = true;
        docs[0].Doc.Transact(_ => updates.ForEach(docs[0].Apply));
        var done = Timed(() =>
        {
            docs[1].Doc.Transact(_ => updates.ForEach(docs[1].Apply));
            Check(docs[0], docs[1], work.Content);
        });
        (count, bytes) = (updates.Count, updates.Sum(static update => (long)update.Length));
        return done;
    }

    private static (double Time, long Allocated) Replay(Work work, bool v2, List<Replica> docs, ref int count, ref long bytes)
    {
        var (updates, updateBytes) = (0, 0L);
        docs.Add(new(FirstClient, v2, update =>
        {
            updates++;
            updateBytes += update.Length;
        }));
        var done = Timed(() =>
        {
            for (var i = 0; i < work.Times; i++)
            {
                ChangeAll(docs[0], work.Operations[0]);
            }
            docs[0].Read(work.Content);
        });
        (count, bytes) = (updates, updateBytes);
        return done;
    }

    private static void ChangeAll(Replica doc, Operation[] operations)
    {
        foreach (ref var operation in operations.AsSpan())
        {
            switch (operation.Kind)
            {
                case 'i':
                    doc.Text.Insert(operation.Index, operation.Text);
                    break;
                case 'd':
                    doc.Text.Delete(operation.Index, operation.Length);
                    break;
                case 'a':
                    doc.Array.Insert(operation.Index, (List<object?>)operation.Value!);
                    break;
                default:
                    doc.Map.Set(operation.Text, operation.Value);
                    break;
            }
        }
    }

    private static void Check(Replica a, Replica b, string content)
    {
        if (!AreEqual(a.Read(content), b.Read(content)))
        {
            throw new InvalidOperationException("The documents differ.");
        }
    }

    private static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (IReadOnlyList<object?> x, IReadOnlyList<object?> y) => x.Count == y.Count && x.Zip(y).All(static pair => AreEqual(pair.First, pair.Second)),
        (IReadOnlyDictionary<string, object?> x, IReadOnlyDictionary<string, object?> y) => x.Count == y.Count && x.All(entry => y.TryGetValue(entry.Key, out var other) && AreEqual(entry.Value, other)),
        _ => Equals(a, b),
    };

    /// <summary>What one more document takes: the first one loaded is not counted, as it also brings code and buffers into being.</summary>
    private static double Retained(byte[] state, bool v2, int copies)
    {
        var docs = new List<Replica>();
        var held = 0L;
        for (var i = 0; i <= copies; i++)
        {
            if (i == 1)
            {
                held = GC.GetTotalMemory(true);
            }
            docs.Add(new(1, v2, null));
            docs[i].Apply(state);
        }
        var retained = (GC.GetTotalMemory(true) - held) / (double)copies;
        GC.KeepAlive(docs);
        return retained;
    }

    /// <summary>A document with the three roots of the benchmark, in one of the two formats.</summary>
    private sealed class Replica : IDisposable
    {
        private readonly bool v2;

        public Replica(uint clientId, bool v2, Action<byte[]>? onUpdate)
        {
            this.v2 = v2;
            Doc = new(new() { ClientId = clientId });
            (Text, Array, Map) = (Doc.GetText("text"), Doc.GetArray("array"), Doc.GetMap("map"));
            onUpdate ??= static _ => { };
            if (v2)
            {
                Doc.UpdatedV2 += change => onUpdate(change.Update);
            }
            else
            {
                Doc.Updated += change => onUpdate(change.Update);
            }
        }

        public YDoc Doc { get; }

        public YText Text { get; }

        public YArray Array { get; }

        public YMap Map { get; }

        public void Apply(byte[] update)
        {
            if (v2)
            {
                Doc.ApplyUpdateV2(update);
            }
            else
            {
                Doc.ApplyUpdate(update);
            }
        }

        public byte[] Encode() => v2 ? Doc.EncodeStateAsUpdateV2() : Doc.EncodeStateAsUpdate();

        public object? Read(string content) => content switch { "text" => Text.ToString(), "array" => Array.ToList(), _ => Map.ToJson() };

        public void Dispose() => Doc.Dispose();
    }
}
