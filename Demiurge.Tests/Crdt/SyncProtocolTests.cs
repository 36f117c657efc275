using System.Text.Json.Nodes;
using Demiurge.Core.Crdt;
using Demiurge.Core.Crdt.Sync;

namespace Demiurge.Tests.Crdt;

public sealed class SyncProtocolTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void Handshake_WithYProtocols_BothHoldEverything()
    {
        using var theirs = new YjsReplica(oracle, 5);
        theirs.Run([new("textInsert", 0, 2, 0)]);
        using var doc = new YDoc(new() { ClientId = 6 });
        doc.GetMap("map").Set("k", "ours");

        var answer = Ask(theirs, SyncProtocol.WriteStep1(doc));
        var decoder = new LibDecoder(answer.Answer);
        var step2 = SyncProtocol.Read(ref decoder);
        Assert.Equal(SyncMessageKind.Step2, step2.Kind);
        Assert.True(decoder.IsAtEnd);
        doc.ApplyUpdate(step2.Payload);
        decoder = new LibDecoder(answer.Opening);
        var step1 = SyncProtocol.Read(ref decoder);
        Assert.Equal(SyncMessageKind.Step1, step1.Kind);
        Ask(theirs, SyncProtocol.WriteStep2(doc, step1.Payload));

        Assert.Equal("hello", doc.GetText("text").ToString());
        Assert.Equal(Convert.ToBase64String(doc.EncodeStateAsUpdate()), theirs.State().Update);
    }

    [Fact]
    public void Update_Message_IsTakenInByYProtocols()
    {
        using var theirs = new YjsReplica(oracle, 5);
        using var doc = new YDoc(new() { ClientId = 6 });
        byte[]? message = null;
        doc.Updated += change => message = SyncProtocol.WriteUpdate(change.Update);
        doc.GetText("text").Insert(0, "hi");

        Ask(theirs, message!);

        Assert.Contains("\"text\":\"hi\"", theirs.State().Json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0305010203")]
    [InlineData("02050102")]
    public void Read_MalformedMessage_Throws(string hex) => Assert.Throws<CrdtDecodingException>(() =>
    {
        var decoder = new LibDecoder(Convert.FromHexString(hex));
        SyncProtocol.Read(ref decoder);
    });

    private static (byte[] Answer, byte[] Opening) Ask(YjsReplica replica, byte[] message)
    {
        var answer = replica.Ask("sync", new JsonObject { ["message"] = Convert.ToBase64String(message) });
        return (Convert.FromBase64String((string)answer["answer"]!), Convert.FromBase64String((string)answer["opening"]!));
    }
}
