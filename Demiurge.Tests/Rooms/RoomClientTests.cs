using Demiurge.Core;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Gateways;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Rooms;

/// <summary>Our own peer, beside stock ones.</summary>
public sealed class RoomClientTests(SmallPool platform) : IClassFixture<SmallPool>
{
    [Fact]
    public async Task Client_BesideAStockOne_SharesEditsAndPresence_AndKnowsWhatIsSaved()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var client = await Join(owner, project);
        await platform.Join("stock", owner, project);

        await client.Run(doc => doc.GetMap("nodes").Set("ours", 1));
        client.Awareness.SetState(77, "{\"name\":\"Ada\"}");
        await platform.Peers.Set("stock", "nodes", "theirs", "2");

        await platform.Peers.Until("stock", state => state.Nodes.ContainsKey("ours") && state.People.Any(person => person.ToString().Contains("Ada")), "shown edit and presence");
        await PlatformFixture.Until(() => client.Run(doc => doc.GetMap("nodes").ContainsKey("theirs")), "their edit");
        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0), "saved");
        Assert.Contains("ours", await platform.DurableNodes(organization, project));
        await platform.Peers.Leave("stock");
    }

    [Fact]
    public async Task Client_WhoseGatewayIsKilled_ComesBackWithWhatItEditedMeanwhile()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var client = await Join(owner, project);
        await client.Run(doc => doc.GetMap("nodes").Set("before", 1));
        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0), "saved");
        var gateway = (await platform.GatewayOf(organization))!;

        gateway.Kill();
        await PlatformFixture.Until(() => Task.FromResult(client.Status == RoomClientStatus.Connecting), "noticed");
        await client.Run(doc => doc.GetMap("nodes").Set("meanwhile", 2));
        Assert.Equal(1, client.UnackedUpdates);

        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0 && client.Status == RoomClientStatus.Synced), "saved");
        Assert.Superset(new HashSet<string> { "before", "meanwhile" }, await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task Client_AfterTheGatewayFellIdle_RestsUntilItsNextEdit()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await using var client = await Join(owner, project);

        await PlatformFixture.Until(() => Task.FromResult(client.Status == RoomClientStatus.Idle), "idle");
        await PlatformFixture.Until(async () => await platform.GatewayOf(organization) is null, "released");
        await client.Run(doc => doc.GetMap("nodes").Set("awake", 1));

        await PlatformFixture.Until(() => Task.FromResult(client.UnackedUpdates == 0), "saved");
        Assert.Contains("awake", await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task Client_OfADeletedProject_IsRefusedForGood()
    {
        var (owner, _, project) = await platform.CreateProject();
        await using var client = await Join(owner, project);
        var name = System.Text.Json.Nodes.JsonNode.Parse(await owner.Http.GetStringAsync($"projects/{project}"))!["name"]!;

        Assert.True((await owner.Http.DeleteAsync($"projects/{project}?confirmName={name}")).IsSuccessStatusCode);

        await PlatformFixture.Until(() => Task.FromResult(client.Status == RoomClientStatus.Refused), "refused");
        Assert.NotNull(client.Refusal);
    }

    private async Task<RoomClient> Join(Account account, Guid project)
    {
        var client = new RoomClient(async cancellationToken =>
        {
            using var answer = await account.Http.PostAsync($"projects/{project}/open", null, cancellationToken);
            if (!answer.IsSuccessStatusCode)
                return new Error("test.not-opened", await answer.Content.ReadAsStringAsync(cancellationToken), ErrorKind.Unavailable);
            var opened = await account.Open(project);
            // Straight to the gateway: the system's resolver need not know *.localhost.
            return await platform.GatewayOf(opened.OrganizationId) is { } gateway
                ? new RoomEndpoint(new Uri($"ws://127.0.0.1:{gateway.Port}/collab/{project}"), opened.Token, opened.ExpiresAt)
                : new Error("test.not-served", "The gateway has just gone.", ErrorKind.Unavailable);
        });
        client.Start();
        Assert.True(await client.WhenSynced().WaitAsync(TimeSpan.FromMinutes(1)));
        return client;
    }
}
