using System.Text.Json.Nodes;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Peers;

/// <summary>The room as a Yjs client from npm sees it, through the edge.</summary>
public sealed class StockClientTests(PlatformFixture platform) : IClassFixture<PlatformFixture>
{
    [Fact]
    public async Task TwoClients_OneEdits_TheOtherSeesIt()
    {
        var (owner, _, project) = await platform.CreateProject();
        await platform.Join("pair-a", owner, project);
        await platform.Join("pair-b", owner, project, acks: false);

        await platform.Peers.Set("pair-a", "nodes", "first", "hello");
        await platform.Peers.Insert("pair-b", 0, "wörld 🙂");

        await platform.Peers.Until("pair-b", state => state.Nodes.ContainsKey("first"), "shown the node");
        await platform.Peers.Until("pair-a", state => state.Text == "wörld 🙂", "shown the text");
        await platform.Peers.UntilSaved("pair-a");
    }

    [Fact]
    public async Task Presence_IsSharedWhileConnected_AndGoneAfterwards()
    {
        var (owner, _, project) = await platform.CreateProject();
        await platform.Join("presence-a", owner, project);
        await platform.Peers.Present("presence-a", new JsonObject { ["name"] = "Ada" });
        await platform.Join("presence-b", owner, project);

        await platform.Peers.Until("presence-b", state => state.People.Any(person => person.ToString().Contains("Ada")), "shown Ada");
        await platform.Peers.Disconnect("presence-a");
        await platform.Peers.Until("presence-b", state => !state.People.Any(person => person.ToString().Contains("Ada")), "rid of Ada");
    }

    [Fact]
    public async Task Viewer_WhoEdits_IsToldWhyAndChangesNothing()
    {
        var owner = await platform.Register();
        var organization = await owner.CreateOrganization();
        var project = await owner.CreateProject(organization, "public");
        var viewer = await platform.Join(owner, organization);
        await platform.Join("view-owner", owner, project);
        var opened = await platform.Join("viewer", viewer, project);
        Assert.Equal(RoomRole.View, opened.Role);

        await platform.Peers.Set("viewer", "nodes", "forbidden", "x");
        var told = await platform.Peers.Until("viewer", state => state.Denied.Length > 0, "told");
        Assert.Contains("view", told.Denied[0]);
        Assert.Equal(0, told.Acknowledged);

        // The viewer goes on seeing what others do, and nobody sees what it tried.
        await platform.Peers.Set("view-owner", "nodes", "allowed", "y");
        await platform.Peers.Until("viewer", state => state.Nodes.ContainsKey("allowed"), "shown the owner's edit");
        await platform.Peers.UntilSaved("view-owner");
        Assert.DoesNotContain("forbidden", (await platform.Peers.State("view-owner")).Nodes.Keys);
        Assert.DoesNotContain("forbidden", await platform.DurableNodes(organization, project));
    }

    [Fact]
    public async Task Editor_WhoWritesARootOfReducers_IsToldWhyAndTheOthersGoOn()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("forger", owner, project);
        await platform.Join("honest", owner, project);

        await platform.Peers.Set("forger", "containers", "forged", "x");
        var told = await platform.Peers.Until("forger", state => state.Denied.Length > 0, "told");
        Assert.Contains("containers", told.Denied[0]);

        await platform.Peers.Set("honest", "nodes", "allowed", "y");
        await platform.Peers.Until("forger", state => state.Nodes.ContainsKey("allowed"), "shown the other's edit");
        await platform.Peers.UntilSaved("honest");
        Assert.DoesNotContain("forged", await platform.DurableKeys(organization, project, "containers"));
        // A new connection offers everything again: what is the editor's to write is taken, and the rest is not.
        await platform.Peers.Set("forger", "nodes", "after", "z");
        await platform.Peers.Disconnect("forger");
        await platform.Peers.Reconnect("forger");
        await platform.Peers.Until("forger", state => state.Denied.Length > 1, "told again");
        Assert.DoesNotContain("forged", await platform.DurableKeys(organization, project, "containers"));
    }

    [Fact]
    public async Task Member_WhoIsRemoved_IsClosedOutAndStaysOut()
    {
        var owner = await platform.Register();
        var organization = await owner.CreateOrganization();
        var project = await owner.CreateProject(organization, "public");
        var member = await platform.Join(owner, organization);
        await platform.Join("removed", member, project);

        Assert.True((await owner.Http.DeleteAsync($"organizations/{organization}/members/{member.Id}")).IsSuccessStatusCode);

        await platform.Peers.Until("removed", state => state.CloseCodes.Contains(RoomProtocol.Close.Revoked), "closed out");
        // The ticket has not expired, and still opens nothing any more.
        await platform.Peers.Reconnect("removed");
        await platform.Peers.Until("removed", state => state.CloseCodes.Count(code => code == RoomProtocol.Close.Revoked) == 2, "refused again");
        Assert.False((await platform.Peers.State("removed")).Synced);
        await platform.Peers.Leave("removed");
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("eyJhbGciOiJub25lIn0.e30.")]
    public async Task Client_WithoutValidTicket_IsRefusedAsSuch(string token)
    {
        var (owner, _, project) = await platform.CreateProject();
        var opened = await owner.Open(project);
        var name = $"ticketless-{token.Length}";

        await platform.Peers.OpenRaw(name, opened.CollabUrl, token);

        await PlatformFixture.Until(async () => (await platform.Peers.RawState(name)).CloseCodes.Contains(RoomProtocol.Close.Unauthenticated), "refusal");
    }

    [Fact]
    public async Task Ticket_OfAnotherProject_OpensNothing()
    {
        var (owner, organization, project) = await platform.CreateProject();
        var other = await owner.CreateProject(organization);
        var opened = await owner.Open(project);

        await platform.Peers.OpenRaw("other-room", opened.CollabUrl.Replace(project.ToString(), other.ToString()), opened.Token);

        await PlatformFixture.Until(async () => (await platform.Peers.RawState("other-room")).CloseCodes.Contains(RoomProtocol.Close.Unauthenticated), "refusal");
    }
}
