namespace Demiurge.Tests.Crdt;

/// <summary>Sessions of replicas here and in Yjs: at the end everybody exchanges state vectors, and all must hold the same document.</summary>
public sealed class YjsConvergenceTests(YjsOracle oracle) : IClassFixture<YjsOracle>
{
    [Fact]
    public void Session_OursAndTheirs_Converge() => new SessionPlayer(oracle).PlayAll("mixed", 500, twins: false, steps: 24);

    [Fact]
    [Trait("Profile", "full")]
    public void TenThousandSessions_OursAndTheirs_Converge() => new SessionPlayer(oracle).PlayAll("mixed", 10_000, twins: false, steps: 30);
}
