using System.Net;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Components.Account;

public sealed class InvitationPageTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Fact]
    public async Task Invitation_OfSomebodyWithoutAccount_LeadsThroughRegistrationIntoTheOrganization()
    {
        var (_, invitation) = await Invite();
        var browser = new PageClient(web);
        var path = $"/invitations/{invitation.Token}";
        await browser.Get(path);
        Assert.Contains("Join Acme", browser.Page.Text);
        var register = $"/account/register?returnUrl={Uri.EscapeDataString(path)}&amp;email={Uri.EscapeDataString(invitation.Email)}";
        Assert.Contains(register, browser.Page.Html);

        Assert.Equal(path, (await browser.Register(invitation.Email, path: WebUtility.HtmlDecode(register))).Location);
        await browser.Get(path);
        var accepted = await browser.Submit("accept", []);

        Assert.StartsWith("/organizations/", accepted.Location);
        Assert.Contains("Acme", (await browser.Get(accepted.Location!)).Text);
        Assert.True((await browser.Get(path)).Shows("invitation-refused"));
        Assert.Contains("already been used", browser.Page.Text);
    }

    [Fact]
    public async Task Invitation_OfSomebodyElse_OffersToLogOutAndComesBack()
    {
        var (_, invitation) = await Invite();
        var browser = new PageClient(web);
        await browser.Register(People.NewEmail());
        var path = $"/invitations/{invitation.Token}";
        await browser.Get(path);
        Assert.Contains($"this invitation is for {invitation.Email}", browser.Page.Text);
        Assert.DoesNotContain("Accept as", browser.Page.Text);

        var loggedOut = await browser.Submit($"/account/logout?returnUrl={Uri.EscapeDataString(path)}", []);

        Assert.Equal($"/account/login?returnUrl={Uri.EscapeDataString(path)}", loggedOut.Location);
    }

    [Fact]
    public async Task Invitation_RevokedOrUnknown_SaysSo()
    {
        var (owner, invitation) = await Invite();
        await web.Services.GetRequiredService<InvitationService>().Revoke(owner.Actor, owner.OrganizationId, invitation.Id);
        var browser = new PageClient(web);

        Assert.Contains("was withdrawn", (await browser.Get($"/invitations/{invitation.Token}")).Text);
        Assert.Contains("no such invitation", (await browser.Get("/invitations/unknown")).Text);
    }

    private async Task<((Actor Actor, Guid OrganizationId) Owner, CreatedInvitation Invitation)> Invite()
    {
        var ann = await web.Services.GetRequiredService<Core.Accounts.AccountService>().Register(People.NewEmail(), "Ann", People.Password);
        var actor = new Actor(ann.Value!.Id);
        var organization = await web.Services.GetRequiredService<OrganizationService>().Create(actor, "Acme");
        var invitation = await web.Services.GetRequiredService<InvitationService>().Create(actor, organization.Value!.Id, People.NewEmail(), OrganizationRole.Member);
        return ((actor, organization.Value.Id), invitation.Value!);
    }
}
