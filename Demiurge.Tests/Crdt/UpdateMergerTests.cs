using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;

namespace Demiurge.Tests.Crdt;

/// <summary>Merging and cutting updates without a document gives, to the byte, what Yjs gives.</summary>
public sealed class UpdateMergerTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void MergeAndDiff_RandomUpdates_AreThoseOfYjs() => Seeds.ForEach("merge", 300, seed =>
    {
        var random = new Random(seed);
        var updates = new List<byte[]>();
        // With collection two updates may say GC and text of the same clocks. Which of them Yjs takes follows from how its JavaScript engine sorts, and so does ours.
        var gc = random.Next(2) == 0;
        using var first = new OurReplica(random.Next(2) == 0 ? 7u : 70000u, gc);
        using var second = new OurReplica(300, gc);
        foreach (var replica in new[] { first, second, first, second })
        {
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                updates.AddRange(replica.Run([Operation.Next(random), Operation.Next(random)]));
            }
            updates.Add(replica.Encode(random.Next(2) == 0 ? [] : first.Doc.EncodeStateVector()));
            if (random.Next(2) == 0)
            {
                first.Apply(updates);
                second.Apply(updates);
            }
        }
        var chosen = updates.Where(_ => random.Next(3) != 0).OrderBy(_ => random.Next()).ToList();
        if (chosen.Count < 2)
        {
            return;
        }

        var merged = UpdateMerger.Merge([.. chosen]);
        var vector = (random.Next(2) == 0 ? first : second).Doc.EncodeStateVector();
        var partly = StateVector.Decode(vector).ToDictionary(entry => entry.Key, entry => random.Next(entry.Value + 1));

        var theirs = Convert.FromBase64String(
            (string)oracle.Ask("merge", new() { ["updates"] = new JsonArray([.. chosen.Select(update => JsonValue.Create(Convert.ToBase64String(update)))]) })["update"]!);
        Assert.Equal(theirs, merged);
        using var encoder = new LibEncoder();
        encoder.WriteVarUint((uint)partly.Count);
        var from = new StateVector();
        foreach (var (client, clock) in partly)
        {
            encoder.WriteVarUint(client);
            encoder.WriteVarUint((uint)clock);
            from[client] = clock;
        }
        Assert.Equal(
            (string)oracle.Ask("diff", new() { ["update"] = Convert.ToBase64String(merged), ["vector"] = Convert.ToBase64String(encoder.Written) })["update"]!,
            Convert.ToBase64String(UpdateMerger.Diff(merged, from)));

        var mergedV2 = YUpdates.MergeUpdatesV2([.. chosen.Select(update => YUpdates.ConvertUpdateFormatV1ToV2(update))]);
        Assert.Equal(Ask("convert", merged), YUpdates.ConvertUpdateFormatV1ToV2(merged));
        Assert.Equal(YUpdates.ConvertUpdateFormatV1ToV2(merged), mergedV2);
        Assert.Equal(Ask("convert", mergedV2, v2: true), YUpdates.ConvertUpdateFormatV2ToV1(mergedV2));
        Assert.Equal(Ask("diff", mergedV2, v2: true, encoder.ToArray()), YUpdates.DiffUpdateV2(mergedV2, encoder.Written));
        Assert.Equal(Ask("vectorOf", merged, answer: "vector"), YUpdates.EncodeStateVectorFromUpdate(merged));
        Assert.Equal(Ask("vectorOf", mergedV2, v2: true, answer: "vector"), YUpdates.EncodeStateVectorFromUpdateV2(mergedV2));
        var cut = YUpdates.DiffUpdate(merged, encoder.Written);
        Assert.Equal(Ask("vectorOf", cut, answer: "vector"), YUpdates.EncodeStateVectorFromUpdate(cut));
    });

    private byte[] Ask(string command, byte[] update, bool v2 = false, byte[]? vector = null, string answer = "update") => Convert.FromBase64String((string)oracle.Ask(
        command, new() { ["update"] = Convert.ToBase64String(update), ["v2"] = v2, ["vector"] = Convert.ToBase64String(vector ?? []) })[answer]!);
}
