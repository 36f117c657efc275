namespace Demiurge.Tests.Crdt;

/// <summary>
/// Sessions in which each replica exists twice, here and in Yjs. Both do the same things and get the same updates; every update in either format, every event,
/// every encoded state, snapshot and position must be the same to the byte.
/// </summary>
public sealed class YjsTwinTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void Session_SameOperations_SameBytes() => new SessionPlayer(oracle).PlayAll("twin", 400, twins: true, steps: 26);

    [Fact]
    [Trait("Profile", "full")]
    public void TenThousandSessions_SameOperations_SameBytes() => new SessionPlayer(oracle).PlayAll("twin", 10_000, twins: true, steps: 30);
}
