using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Tests.Crdt;

public sealed class AwarenessTests(YjsOracle oracle) : IClassFixture<YjsOracle>, IDisposable
{
    private readonly ManualTime time = new();
    private readonly YDoc doc = new(new() { ClientId = 7 });

    public void Dispose() => doc.Dispose();

    [Fact]
    public void Apply_UpdateOfYProtocols_GivesItsState()
    {
        using var awareness = new Awareness(doc, time);
        var theirs = Ask(3, ["set", new JsonObject { ["name"] = "Zoë 😀", ["cursor"] = new JsonArray(1, 2.5) }]);

        awareness.Apply(Convert.FromBase64String((string)theirs["update"]!), "peer");

        Assert.Equal("""{"name":"Zoë 😀","cursor":[1,2.5]}""", awareness.States[3].Json);
        Assert.Equal(1u, awareness.States[3].Clock);
    }

    [Fact]
    public void Encode_OwnStates_AreReadByYProtocols()
    {
        using var awareness = new Awareness(doc, time);
        awareness.SetLocalState("""{"a":1}""");
        awareness.SetState(8, """{"b":[true,null]}""");
        awareness.SetState(8, """{"b":2}""");

        var theirs = Ask(3, ["apply", Convert.ToBase64String(awareness.Encode([7, 8, 99]))]);

        Assert.Equal("""[[3,"{}",0],[7,"{\u0022a\u0022:1}",1],[8,"{\u0022b\u0022:2}",2]]""", theirs["states"]!.ToJsonString());
    }

    [Fact]
    public void SetState_Null_RemovesItThereToo()
    {
        using var awareness = new Awareness(doc, time);
        awareness.SetState(8, "{}");
        var present = awareness.Encode([8]);
        awareness.SetState(8, null);

        var theirs = Ask(3, ["apply", Convert.ToBase64String(present)], ["apply", Convert.ToBase64String(awareness.Encode([8]))]);

        Assert.Equal("""[[3,"{}",0]]""", theirs["states"]!.ToJsonString());
        Assert.Empty(awareness.States);
    }

    [Fact]
    public void Apply_OlderClock_IsIgnored()
    {
        using var awareness = new Awareness(doc, time);
        awareness.Apply(Update(5, 2, """{"v":2}"""), null);
        var changes = new List<AwarenessChange>();
        awareness.Changed += changes.Add;

        awareness.Apply(Update(5, 1, """{"v":1}"""), null);
        awareness.Apply(Update(5, 2, """{"v":3}"""), null);

        Assert.Equal("""{"v":2}""", awareness.States[5].Json);
        Assert.Empty(changes);
    }

    [Fact]
    public void Apply_SameClockAndNull_Removes()
    {
        using var awareness = new Awareness(doc, time);
        awareness.Apply(Update(5, 2, "{}"), null);

        awareness.Apply(Update(5, 2, "null"), "gone");

        Assert.Empty(awareness.States);
    }

    [Fact]
    public void Apply_RemovalOfOwnState_IsAnsweredWithAHigherClock()
    {
        using var awareness = new Awareness(doc, time);
        awareness.SetState(8, """{"mine":true}""");
        AwarenessChange? told = null;
        awareness.Updated += change => told = change;

        awareness.Apply(Update(8, 9, "null"), "peer");

        Assert.Equal("""{"mine":true}""", awareness.States[8].Json);
        Assert.Equal(10u, awareness.States[8].Clock);
        Assert.Equal([8u], told!.Updated);
    }

    [Fact]
    public void Time_ThirtySecondsOfSilence_RemovesOthersAndRenewsOwn()
    {
        using var awareness = new Awareness(doc, time);
        awareness.SetLocalState("{}");
        awareness.Apply(Update(5, 1, "{}"), null);
        var removed = new List<uint>();
        var renewed = new List<uint>();
        awareness.Changed += change => removed.AddRange(change.Removed);
        awareness.Updated += change => renewed.AddRange(change.Updated);

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty(removed);
        time.Advance(TimeSpan.FromSeconds(4));

        Assert.Equal([5u], removed);
        Assert.Contains(7u, renewed);
        Assert.Equal([7u], awareness.States.Keys);
    }

    [Theory]
    [InlineData("01")]
    [InlineData("0105")]
    [InlineData("010501037b7d7d")]
    [InlineData("0105010361")]
    [InlineData("ffffffff0f0501027b7d")]
    [InlineData("01ffffffffffff7f01027b7d")]
    public void Apply_MalformedBytes_ThrowsAndChangesNothing(string hex)
    {
        using var awareness = new Awareness(doc, time);

        Assert.Throws<CrdtDecodingException>(() => awareness.Apply(Convert.FromHexString(hex), null));

        Assert.Empty(awareness.States);
    }

    [Fact]
    public void Apply_LoneSurrogates_AreCompared()
    {
        using var awareness = new Awareness(doc, time);
        awareness.Apply(Update(5, 1, """{"a":"\ud800"}"""), null);

        awareness.Apply(Update(5, 2, """{ "a":"\ud801"}"""), null);

        Assert.Equal(2u, awareness.States[5].Clock);
    }

    private static byte[] Update(uint client, uint clock, string json)
    {
        using var encoder = new LibEncoder();
        encoder.WriteVarUint(1);
        encoder.WriteVarUint(client);
        encoder.WriteVarUint(clock);
        encoder.WriteVarString(json);
        return encoder.ToArray();
    }

    private JsonNode Ask(uint clientId, params JsonArray[] steps) =>
        oracle.Ask("awareness", new() { ["clientId"] = clientId, ["steps"] = new JsonArray([.. steps]) });
}
