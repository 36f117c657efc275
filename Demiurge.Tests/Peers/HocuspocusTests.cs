using System.Text.Json.Nodes;
using Demiurge.Core.Rooms;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Peers;

/// <summary>Rooms as Hocuspocus' own provider sees them, through the edge, beside clients of y-websocket.</summary>
public sealed class HocuspocusTests(PlatformFixture platform) : IClassFixture<PlatformFixture>
{
    [Fact]
    public async Task Provider_BesideYWebsocket_SharesEditsAndKnowsWhenTheyAreDurable()
    {
        var (owner, organization, project) = await platform.CreateProject();
        await platform.Join("hp-stock", owner, project);
        await JoinHocuspocus("hp-one", owner, project, "hp-a");
        await platform.Peers.Until("hp-one", state => state.Synced && state.Edits == 0, "synced and confirmed");

        await platform.Peers.Set("hp-stock", "nodes", "theirs", "x");
        await platform.Peers.Insert("hp-one", 0, "wörld 🙂");

        await platform.Peers.Until("hp-one", state => state.Nodes.ContainsKey("theirs"), "shown the node");
        await platform.Peers.Until("hp-stock", state => state.Text == "wörld 🙂", "shown the text");
        await platform.Peers.Set("hp-one", "nodes", "ours", "y");
        await platform.Peers.Until("hp-one", state => state.Edits == 0, "confirmed");
        Assert.Contains("ours", await platform.DurableNodes(organization, project));
        await platform.Peers.Leave("hp-one");
    }

    [Fact]
    public async Task TwoDocumentsOnOneSocket_AreRoomsOfTheirOwn_AndComeBackAfterACut()
    {
        var (owner, organization, first) = await platform.CreateProject();
        var second = await owner.CreateProject(organization);
        await JoinHocuspocus("hp-first", owner, first, "hp-shared");
        await JoinHocuspocus("hp-second", owner, second, "hp-shared");
        await platform.Peers.UntilSynced("hp-first");
        await platform.Peers.UntilSynced("hp-second");

        await platform.Peers.Cut("hp-first");
        await platform.Peers.Set("hp-first", "nodes", "in-first", "x");
        await platform.Peers.Set("hp-second", "nodes", "in-second", "x");

        await platform.Peers.Until("hp-first", state => state is { Edits: 0, Synced: true, Connected: true }, "confirmed");
        await platform.Peers.Until("hp-second", state => state is { Edits: 0, Synced: true, Connected: true }, "confirmed");
        Assert.Equal(["in-first"], await platform.DurableNodes(organization, first));
        Assert.Equal(["in-second"], await platform.DurableNodes(organization, second));
        await platform.Peers.Leave("hp-first");
        await platform.Peers.Leave("hp-second");
    }

    [Fact]
    public async Task Presence_IsShared_AndGoneWithTheDocument()
    {
        var (owner, _, project) = await platform.CreateProject();
        await platform.Join("hp-watcher", owner, project);
        await JoinHocuspocus("hp-person", owner, project, "hp-presence");
        await platform.Peers.UntilSynced("hp-person");

        await platform.Peers.Present("hp-person", new JsonObject { ["name"] = "Ada" });
        await platform.Peers.Until("hp-watcher", state => state.People.Any(person => person.ToString().Contains("Ada")), "shown Ada");
        await platform.Peers.Leave("hp-person");
        await platform.Peers.Until("hp-watcher", state => !state.People.Any(person => person.ToString().Contains("Ada")), "rid of Ada");
    }

    [Fact]
    public async Task Viewer_ReadsAndChangesNothing()
    {
        var owner = await platform.Register();
        var organization = await owner.CreateOrganization();
        var project = await owner.CreateProject(organization, "public");
        var viewer = await platform.Join(owner, organization);
        await platform.Join("hp-owner", owner, project);
        await platform.Peers.Set("hp-owner", "nodes", "allowed", "x");
        await JoinHocuspocus("hp-viewer", viewer, project, "hp-view");
        await platform.Peers.Until("hp-viewer", state => state.Synced && state.Edits == 0 && state.Nodes.ContainsKey("allowed"), "shown the board");

        await platform.Peers.Set("hp-viewer", "nodes", "forbidden", "x");
        await platform.Peers.Set("hp-owner", "nodes", "later", "x");

        await platform.Peers.Until("hp-viewer", state => state.Nodes.ContainsKey("later"), "shown what comes later");
        Assert.Equal(1, (await platform.Peers.State("hp-viewer")).Edits);
        Assert.DoesNotContain("forbidden", (await platform.Peers.State("hp-owner")).Nodes.Keys);
        await platform.Peers.Leave("hp-viewer");
    }

    [Fact]
    public async Task Member_WhoIsRemoved_IsClosedOutOfThatDocumentAlone()
    {
        var (owner, organization, project) = await platform.CreateProject();
        var visible = await owner.CreateProject(organization, "public");
        var member = await platform.Join(owner, organization);
        await JoinHocuspocus("hp-removed", member, visible, "hp-member");
        await platform.Peers.UntilSynced("hp-removed");

        Assert.True((await owner.Http.DeleteAsync($"organizations/{organization}/members/{member.Id}")).IsSuccessStatusCode);

        await platform.Peers.Until("hp-removed", state => state.Denied.Length > 0 && state.Closes.Length > 0, "closed out");
        await platform.Peers.Leave("hp-removed");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task Provider_WithoutValidTicket_IsRefused(string token)
    {
        var (owner, _, project) = await platform.CreateProject();
        var opened = await owner.Open(project);
        var name = $"hp-stranger-{token.Length}";

        await platform.Peers.JoinHocuspocus(name, opened.CollabUrl, token, name);

        await platform.Peers.Until(name, state => state.Denied.Length > 0, "refused");
        Assert.False((await platform.Peers.State(name)).Synced);
        await platform.Peers.Leave(name);
    }

    private async Task JoinHocuspocus(string name, Account account, Guid project, string connection)
    {
        var opened = await account.Open(project);
        await platform.Peers.JoinHocuspocus(name, opened.CollabUrl, opened.Token, connection);
    }
}
