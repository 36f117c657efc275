using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demiurge.Bench.Crdt;

/// <summary>How a workload is carried out and what of it is timed; worker.mjs and Worker.cs do the same for each.</summary>
internal enum Shape
{
    /// <summary>B1: a document makes changes, one transaction each; then a second one applies the updates one by one.</summary>
    Relay,

    /// <summary>B2: two documents with the same text; each changes it in one transaction, and what one sends the other applies at once.</summary>
    Exchange,

    /// <summary>B3: many documents make one change each; then one of them applies all updates in one transaction, which alone is timed.</summary>
    Gather,

    /// <summary>B4: one document makes changes, one transaction each, and hands out the updates.</summary>
    Replay,
}

/// <summary>
/// One benchmark as data, the same for every engine. An operation is an array: ["i", index, text], ["d", index, length] on a
/// text, ["a", index, values] on an array, ["m", key, value] on a map.
/// </summary>
/// <param name="Name">Number and words of the public benchmark.</param>
/// <param name="Shape">How it is done.</param>
/// <param name="Content">The root that is compared at the end: text, array or map.</param>
/// <param name="Operations">For each document that changes something, what it does.</param>
internal sealed record Workload(string Name, Shape Shape, string Content, object[][][] Operations)
{
    /// <summary>Text with which the documents begin, already exchanged.</summary>
    public string Initial { get; init; } = "";

    /// <summary>How often the operations are done; more than once only in B4×100.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Whether the peers do it too.</summary>
    [JsonIgnore]
    public bool HasPeers { get; init; } = true;

    /// <summary>Operations that are part of the measured time.</summary>
    [JsonIgnore]
    public int Steps => Operations.Sum(operations => operations.Length) * Times;

    /// <summary>Runs before the first that counts, of every engine alike: just-in-time compilers want to have seen the code often.</summary>
    [JsonIgnore]
    public int WarmUps => Steps switch { <= 2 => 1500, < 100_000 => 5, _ => 1 };

    /// <summary>The least time to warm up for: .NET compiles what is hot a tenth of a second after it has come to rest, and beside the others that takes as long again.</summary>
    public int WarmUpSeconds => Steps < 100_000 ? 2 : 0;

    /// <summary>Of a long trace the warm-up does a part; 0 is all.</summary>
    [JsonIgnore]
    public int WarmUpSteps => Steps < 100_000 ? 0 : 50_000;
}

/// <summary>
/// The public crdt-benchmarks (dmonad/crdt-benchmarks) with N = 6000. The numbers are drawn here once and given to every engine; the
/// distributions are those of the definition: words of 2 to 10 (B1) or 3 to 9 letters (B2), numbers below 2^31, 20·√N clients (B3).
/// </summary>
internal static class Workloads
{
    private const int N = 6000;
    private const int Clients = 20 * 77;

    public static List<Workload> All(string? trace)
    {
        var random = new Random(42);
        var workloads = new List<Workload>
        {
            Relay("B1.1 append N characters", "text", [.. Word(random, N).Select((c, i) => Insert(i, c.ToString()))]),
            Relay("B1.2 insert string of length N", "text", [Insert(0, Word(random, N))]),
            Relay("B1.3 prepend N characters", "text", [.. Word(random, N).Select(c => Insert(0, c.ToString()))]),
            Relay("B1.4 insert N characters at random", "text", Words(random, 0, 1, 1)),
            Relay("B1.5 insert N words at random", "text", Words(random, 0, 2, 10)),
            Relay("B1.6 insert string, then delete it", "text", [Insert(0, Word(random, N)), Delete(0, N)]),
            Relay("B1.7 insert and delete at random", "text", InsertsAndDeletes(random)),
            Relay("B1.8 append N numbers", "array", [.. Enumerable.Range(0, N).Select(i => Numbers(random, i, 1))]),
            Relay("B1.9 insert array of N numbers", "array", [Numbers(random, 0, N)]),
            Relay("B1.10 prepend N numbers", "array", [.. Enumerable.Range(0, N).Select(_ => Numbers(random, 0, 1))]),
            Relay("B1.11 insert N numbers at random", "array", [.. Enumerable.Range(0, N).Select(i => Numbers(random, random.Next(i + 1), 1))]),
            Exchange(random, "B2.1 both insert string of length N", () => [Insert(0, Word(random, N))]),
            Exchange(random, "B2.2 both insert N characters at random", () => Words(random, 100, 1, 1)),
            Exchange(random, "B2.3 both insert N words at random", () => Words(random, 100, 3, 9)),
            Exchange(random, "B2.4 both insert and delete at random", () => InsertsThenEither(random)),
            Gather("B3.1 20√N clients set number in map", "map", i => ["m", "v", i]),
            Gather("B3.2 20√N clients set object in map", "map", i => ["m", "v", new Dictionary<string, string> { ["name"] = $"{i}", ["address"] = "here" }]),
            Gather("B3.3 20√N clients set string in map", "map", i => ["m", "v", string.Concat(Enumerable.Repeat($"{i}", Clients))]),
            Gather("B3.4 20√N clients insert text in array", "array", i => ["a", 0, new[] { $"{i}" }]),
            Gather("B3.5 20√N clients insert text", "text", i => Insert(0, $"{i}")),
        };
        if (trace is not null)
        {
            var edits = Edits(trace);
            workloads.Add(new("B4 edit a paper", Shape.Replay, "text", [edits]));
            workloads.Add(new("B4×100 edit a paper 100 times", Shape.Replay, "text", [edits]) { Times = 100, HasPeers = false });
        }
        return workloads;
    }

    private static Workload Relay(string name, string content, object[][] operations) => new(name, Shape.Relay, content, [operations]);

    private static Workload Exchange(Random random, string name, Func<object[][]> operations) =>
        new(name, Shape.Exchange, "text", [operations(), operations()]) { Initial = Word(random, 100) };

    private static Workload Gather(string name, string content, Func<int, object[]> operation) =>
        new(name, Shape.Gather, content, [.. Enumerable.Range(0, Clients).Select(i => new[] { operation(i) })]);

    private static object[] Insert(int index, string text) => ["i", index, text];

    private static object[] Delete(int index, int length) => ["d", index, length];

    private static object[] Numbers(Random random, int index, int count) => ["a", index, Enumerable.Range(0, count).Select(_ => random.Next()).ToArray()];

    private static string Word(Random random, int shortest, int longest = 0) =>
        string.Create(random.Next(shortest, Math.Max(shortest, longest) + 1), random, static (word, random) =>
        {
            for (var i = 0; i < word.Length; i++)
            {
                word[i] = (char)('a' + random.Next(26));
            }
        });

    private static object[][] Words(Random random, int length, int shortest, int longest)
    {
        var operations = new List<object[]>();
        for (var i = 0; i < N; i++)
        {
            operations.Add(InsertWord(random, ref length, shortest, longest));
        }
        return [.. operations];
    }

    private static object[][] InsertsAndDeletes(Random random)
    {
        var operations = new List<object[]>();
        for (var (i, length) = (0, 0); i < N; i++)
        {
            operations.Add(Either(random, ref length));
        }
        return [.. operations];
    }

    private static object[][] InsertsThenEither(Random random)
    {
        var operations = new List<object[]>();
        for (var (i, length) = (0, 100); i < N; i++)
        {
            operations.Add(InsertWord(random, ref length, 3, 9));
            operations.Add(Either(random, ref length));
        }
        return [.. operations];
    }

    private static object[] Either(Random random, ref int length)
    {
        var index = random.Next(length + 1);
        if (index == length || random.Next(2) == 0)
        {
            var word = Word(random, 2, 10);
            length += word.Length;
            return Insert(index, word);
        }
        var deleted = random.Next(1, Math.Min(9, length - index) + 1);
        length -= deleted;
        return Delete(index, deleted);
    }

    private static object[] InsertWord(Random random, ref int length, int shortest, int longest)
    {
        var (index, word) = (random.Next(length + 1), Word(random, shortest, longest));
        length += word.Length;
        return Insert(index, word);
    }

    private static object[][] Edits(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(file);
        var edits = new List<object[]>();
        foreach (var patch in json.RootElement.GetProperty("txns").EnumerateArray().SelectMany(transaction => transaction.GetProperty("patches").EnumerateArray()))
        {
            var (index, deleted, inserted) = (patch[0].GetInt32(), patch[1].GetInt32(), patch[2].GetString()!);
            if (deleted > 0)
            {
                edits.Add(Delete(index, deleted));
            }
            if (inserted.Length > 0)
            {
                edits.Add(Insert(index, inserted));
            }
        }
        return [.. edits];
    }
}
