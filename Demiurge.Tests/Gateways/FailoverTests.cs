
using Demiurge.Tests.Infrastructure;
using Demiurge.Tests.Peers;

namespace Demiurge.Tests.Gateways;

/// <summary>Processes are killed while people work. What was acknowledged stays, and everyone comes back to the same room by themselves.</summary>
public sealed class FailoverTests(PlatformFixture platform) : IClassFixture<PlatformFixture>
{
    /// <summary>Kills; <c>DEMIURGE_PROFILE=full</c> makes it the fifty of the promise.</summary>
    private static readonly int Rounds = Environment.GetEnvironmentVariable("DEMIURGE_PROFILE") == "full" ? 50 : 6;

    [Fact]
    public async Task Gateway_Killed_IsReplacedAndPeersComeBack()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("back-a", owner, project);
        await platform.Join("back-b", owner, project);
        await platform.Peers.Set("back-a", "nodes", "before", "x");
        await platform.Peers.UntilSaved("back-a");
        var first = (await platform.GatewayOf(organization))!;

        first.Kill();
        await platform.Peers.Set("back-a", "nodes", "meanwhile", "y");

        await platform.Peers.Until("back-b", state => state.Synced && state.Nodes.ContainsKey("meanwhile"), "back with the edit made meanwhile");
        await platform.Peers.UntilSaved("back-a");
        var second = (await platform.GatewayOf(organization))!;
        Assert.True(second.Epoch > first.Epoch);
        Assert.NotEqual(first.ProcessId, second.ProcessId);
        Assert.Superset(new HashSet<string> { "before", "meanwhile" }, await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task Web_Killed_ComesBackToTheGatewaysItLeft()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("web-a", owner, project);
        var gateway = (await platform.GatewayOf(organization))!;

        await platform.Site.Kill();
        await platform.Peers.Set("web-a", "nodes", "meanwhile", "y");
        await platform.Site.Start();

        await platform.Peers.UntilSaved("web-a");
        Assert.Equal(gateway, await platform.GatewayOf(organization));
        Assert.Contains("meanwhile", await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task AnyPart_KilledAtRandomWhileThreeEdit_NoAcknowledgedEditIsLost()
    {
        var (owner, organization, project) = await platform.CreateProject();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] names = ["chaos-a", "chaos-b", "chaos-c"];
        foreach (var name in names)
            await platform.Join(name, owner, project);

        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var name in names)
                await platform.Peers.Busy(name, everyMs: 8, times: 1000);
            await Task.Delay(random.Next(50, 600));
            if (random.Next(3) == 0)
            {
                await platform.Site.Kill();
                await AssertAcknowledgedIsDurable();
                await platform.Site.Start();
            }
            else if (await platform.GatewayOf(organization) is { } gateway)
            {
                gateway.Kill();
                await AssertAcknowledgedIsDurable();
            }

            // Some rounds begin before the last one has healed.
            if (round % 3 == 0 || round == Rounds)
                await Heal();
        }

        async Task AssertAcknowledgedIsDurable()
        {
            // First what peers were told, then what PostgreSQL has: past every process that could still make up for a loss.
            var states = await Task.WhenAll(names.Select(platform.Peers.State));
            var durable = await platform.DurableNodes(organization, project);
            for (var i = 0; i < names.Length; i++)
            {
                for (var edit = 1; edit <= states[i].Acknowledged; edit++)
                    Assert.True(durable.Contains($"{names[i]}:{edit}"), $"{names[i]} was told that edit {edit} is saved; it is not (seed {seed}).");
            }
        }

        async Task Heal()
        {
            foreach (var name in names)
                await platform.Peers.Rest(name);
            foreach (var name in names)
                await platform.Peers.Until(name, state => state.Synced && state.Acknowledged == state.Edits, $"saved (seed {seed})");
            PeerState[] states = [];
            await PlatformFixture.Until(async () =>
            {
                states = await Task.WhenAll(names.Select(platform.Peers.State));
                return states.All(state => state.Nodes.Count == states.Sum(each => each.Edits) && !state.Pending);
            }, $"equal replicas (seed {seed})");
            Assert.Equal(states[0].Nodes.Keys.Order(), (await platform.DurableNodes(organization, project)).Order());
            await AssertAcknowledgedIsDurable();
        }
    }
}
