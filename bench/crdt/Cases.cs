using System.IO.Compression;
using System.Text.Json;
using Demiurge.Core.Crdt;

namespace Demiurge.Bench.Crdt;

/// <summary>What a benchmark does to a document: one transaction for each step.</summary>
internal sealed record Case(string Name, int Steps, Action<YDoc, int> Step, bool Relayed);

/// <summary>
/// The public crdt-benchmarks (dmonad/crdt-benchmarks), B1 and B4: the same operations as peer.mjs does in Yjs. B1 relays each update to
/// a second document; B4 replays the edits of a paper and only makes the updates.
/// </summary>
internal static class Cases
{
    private const int N = 6000;

    public static List<Case> All(string? trace)
    {
        var random = new Lcg();
        var places = Enumerable.Range(0, N).Select(_ => random.Next()).ToArray();
        var words = Enumerable.Range(0, N).Select(i => new string((char)('a' + (places[i] % 26)), 2 + (int)(places[i] % 8))).ToArray();
        var text = string.Concat(Enumerable.Range(0, N).Select(i => (char)('a' + (i % 26))));
        var numbers = Enumerable.Range(0, N).Select(i => (object?)(double)places[i]).ToArray();
        var cases = new List<Case>
        {
            new("B1.1 append characters", N, (doc, i) => doc.GetText("text").Insert(i, text[i].ToString()), true),
            new("B1.2 insert string", 1, (doc, _) => doc.GetText("text").Insert(0, text), true),
            new("B1.3 prepend characters", N, (doc, i) => doc.GetText("text").Insert(0, text[i].ToString()), true),
            new("B1.4 insert characters at random", N, (doc, i) => doc.GetText("text").Insert((int)(places[i] % (i + 1)), text[i].ToString()), true),
            new("B1.5 insert words at random", N, (doc, i) => doc.GetText("text").Insert((int)(places[i] % (doc.GetText("text").Length + 1)), words[i]), true),
            new("B1.6 insert string and delete it", 2, (doc, i) =>
            {
                if (i == 0)
                {
                    doc.GetText("text").Insert(0, text);
                }
                else
                {
                    doc.GetText("text").Delete(0, N);
                }
            }, true),
            new("B1.7 insert and delete at random", N, (doc, i) =>
            {
                var target = doc.GetText("text");
                var at = (int)(places[i] % (target.Length + 1));
                if (target.Length == at || i % 2 == 0)
                {
                    target.Insert(at, words[i]);
                }
                else
                {
                    target.Delete(at, Math.Min(9, target.Length - at));
                }
            }, true),
            new("B1.8 append numbers", N, (doc, i) => doc.GetArray("array").Insert(i, [numbers[i]]), true),
            new("B1.9 insert array", 1, (doc, _) => doc.GetArray("array").Insert(0, numbers), true),
            new("B1.10 prepend numbers", N, (doc, i) => doc.GetArray("array").Insert(0, [numbers[i]]), true),
            new("B1.11 insert numbers at random", N, (doc, i) => doc.GetArray("array").Insert((int)(places[i] % (i + 1)), [numbers[i]]), true),
        };
        if (trace is not null)
        {
            var edits = Edits(trace);
            cases.Add(new("B4 edit a paper", edits.Count, (doc, i) =>
            {
                var (at, deleted, inserted) = edits[i];
                var target = doc.GetText("text");
                if (deleted > 0)
                {
                    target.Delete(at, deleted);
                }
                if (inserted.Length > 0)
                {
                    target.Insert(at, inserted);
                }
            }, false));
        }
        return cases;
    }

    private static List<(int At, int Deleted, string Inserted)> Edits(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(file);
        var edits = new List<(int, int, string)>();
        foreach (var transaction in json.RootElement.GetProperty("txns").EnumerateArray())
        {
            foreach (var patch in transaction.GetProperty("patches").EnumerateArray())
            {
                edits.Add((patch[0].GetInt32(), patch[1].GetInt32(), patch[2].GetString()!));
            }
        }
        return edits;
    }

    /// <summary>Random numbers that both languages can make alike.</summary>
    private sealed class Lcg
    {
        private uint state = 42;

        public uint Next() => state = (state * 1664525) + 1013904223;
    }
}
