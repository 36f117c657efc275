using Demiurge.Core.Mail;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Organizations;

public sealed class InvitationTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly InvitationService invitations = database.Get<InvitationService>();

    [Theory]
    [InlineData(null, OrganizationRole.Member, "organization.not_found")]
    [InlineData(OrganizationRole.Member, OrganizationRole.Member, "organization.forbidden")]
    [InlineData(OrganizationRole.Member, OrganizationRole.Admin, "organization.forbidden")]
    [InlineData(OrganizationRole.Member, OrganizationRole.Owner, "organization.forbidden")]
    [InlineData(OrganizationRole.Admin, OrganizationRole.Member, null)]
    [InlineData(OrganizationRole.Admin, OrganizationRole.Admin, null)]
    [InlineData(OrganizationRole.Admin, OrganizationRole.Owner, "organization.forbidden")]
    [InlineData(OrganizationRole.Owner, OrganizationRole.Member, null)]
    [InlineData(OrganizationRole.Owner, OrganizationRole.Admin, null)]
    [InlineData(OrganizationRole.Owner, OrganizationRole.Owner, null)]
    public async Task Create_ByRole_FollowsTheRule(OrganizationRole? actorRole, OrganizationRole invitedAs, string? refusal)
    {
        var team = await database.CreateTeam();
        var actor = actorRole is { } role ? await team.Join(role) : await database.Register();
        Assert.Equal(refusal, (await invitations.Create(actor.Actor, team.Id, People.NewEmail(), invitedAs)).Error?.Code);
    }

    [Theory]
    [InlineData(null, "organization.not_found")]
    [InlineData(OrganizationRole.Member, "organization.forbidden")]
    [InlineData(OrganizationRole.Admin, null)]
    [InlineData(OrganizationRole.Owner, null)]
    public async Task ListAndRevoke_ByRole_FollowTheRule(OrganizationRole? actorRole, string? refusal)
    {
        var team = await database.CreateTeam();
        var actor = actorRole is { } role ? await team.Join(role) : await database.Register();
        var invitation = (await invitations.Create(team.Owner.Actor, team.Id, People.NewEmail(), OrganizationRole.Member)).Value!;
        Assert.Equal(refusal, (await invitations.List(actor.Actor, team.Id)).Error?.Code);
        Assert.Equal(refusal, (await invitations.Revoke(actor.Actor, team.Id, invitation.Id)).Error?.Code);
        Assert.Equal(refusal is null ? 0 : 1, (await invitations.List(team.Owner.Actor, team.Id)).Value!.Count);
    }

    [Fact]
    public async Task Create_MailsTheLinkAndStoresOnlyAHash()
    {
        var team = await database.CreateTeam();
        var email = People.NewEmail();
        var created = (await invitations.Create(team.Owner.Actor, team.Id, email, OrganizationRole.Admin)).Value!;

        Assert.True(created.MailQueued);
        var mail = Assert.Single((await database.Get<Outbox>().List(null, isLocal: true)).Value!, mail => mail.To == email);
        Assert.Contains(created.Link, mail.Text);
        await using var db = database.CreateContext();
        var row = await db.Invitations.SingleAsync(invitation => invitation.Id == created.Id);
        Assert.Equal(32, row.TokenHash.Length);
        Assert.NotEqual(System.Text.Encoding.UTF8.GetBytes(created.Token), row.TokenHash);
    }

    [Fact]
    public async Task Create_WithoutAMailServerInProduction_StillGivesTheLink()
    {
        var team = await database.CreateTeam();
        await using var services = database.Build(environment: "Production");
        var created = await services.GetRequiredService<InvitationService>().Create(team.Owner.Actor, team.Id, People.NewEmail(), OrganizationRole.Member);
        Assert.False(created.Value!.MailQueued);
        Assert.True((await invitations.Preview(created.Value.Token)).Succeeded);
    }

    [Fact]
    public async Task Create_ForAMember_IsRefused()
    {
        var team = await database.CreateTeam();
        var bob = await team.Join();
        Assert.Equal(
            "invitation.already_member", (await invitations.Create(team.Owner.Actor, team.Id, bob.Email.ToUpperInvariant(), OrganizationRole.Admin)).Error?.Code);
    }

    [Fact]
    public async Task Create_Again_WithdrawsTheEarlierOne()
    {
        var team = await database.CreateTeam();
        var bob = await database.Register();
        var first = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Admin)).Value!;
        var second = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email.ToUpperInvariant(), OrganizationRole.Member)).Value!;

        Assert.Equal(second.Id, Assert.Single((await invitations.List(team.Owner.Actor, team.Id)).Value!).Id);
        Assert.Equal("invitation.revoked", (await invitations.Accept(bob.Actor, first.Token)).Error?.Code);
        Assert.Equal(team.Id, (await invitations.Accept(bob.Actor, second.Token)).Value);
    }

    [Fact]
    public async Task Accept_ByAnotherAccount_IsRefusedAndLeavesItUsable()
    {
        var team = await database.CreateTeam();
        var (bob, eve) = (await database.Register(), await database.Register());
        var invitation = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Member)).Value!;
        Assert.Equal("invitation.for_another_address", (await invitations.Accept(eve.Actor, invitation.Token)).Error?.Code);
        Assert.True((await invitations.Accept(bob.Actor, invitation.Token)).Succeeded);
    }

    [Fact]
    public async Task Accept_ManyTimesAtOnce_WorksOnce()
    {
        for (var round = 0; round < 10; round++)
        {
            var team = await database.CreateTeam();
            var bob = await database.Register();
            var invitation = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Member)).Value!;

            var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => invitations.Accept(bob.Actor, invitation.Token))));

            Assert.Single(results, result => result.Succeeded);
            Assert.Equal(3, results.Count(result => result.Error?.Code == "invitation.already_accepted"));
        }
    }

    [Fact]
    public async Task Accept_BesideItsWithdrawal_IsOneOrTheOther()
    {
        for (var round = 0; round < 10; round++)
        {
            var team = await database.CreateTeam();
            var bob = await database.Register();
            var invitation = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Member)).Value!;

            var accept = Task.Run(() => invitations.Accept(bob.Actor, invitation.Token));
            var revoke = Task.Run(() => invitations.Revoke(team.Owner.Actor, team.Id, invitation.Id));

            Assert.NotEqual((await accept).Succeeded, (await revoke).Succeeded);
        }
    }

    [Fact]
    public async Task Accept_AfterSevenDays_IsRefused()
    {
        var time = new MovableTime();
        await using var services = database.Build(configure: collection => collection.AddSingleton<TimeProvider>(time));
        var later = services.GetRequiredService<InvitationService>();
        var team = await database.CreateTeam();
        var bob = await database.Register();
        var invitation = (await later.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Member)).Value!;

        time.Advance(InvitationService.Lifetime);

        Assert.Equal("invitation.expired", (await later.Accept(bob.Actor, invitation.Token)).Error?.Code);
        Assert.Equal("invitation.expired", (await later.Preview(invitation.Token)).Error?.Code);
        Assert.True(Assert.Single((await later.List(team.Owner.Actor, team.Id)).Value!).Expired);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("guessed")]
    [InlineData("\0")]
    public async Task Accept_OfNoToken_IsRefused(string? token)
    {
        var bob = await database.Register();
        Assert.Equal("invitation.not_found", (await invitations.Accept(bob.Actor, token)).Error?.Code);
        Assert.Equal("invitation.not_found", (await invitations.Preview(token)).Error?.Code);
    }

    [Fact]
    public async Task Accept_ForADeletedOrganization_IsRefused()
    {
        var team = await database.CreateTeam();
        var bob = await database.Register();
        var invitation = (await invitations.Create(team.Owner.Actor, team.Id, bob.Email, OrganizationRole.Member)).Value!;
        await database.Get<OrganizationService>().Delete(team.Owner.Actor, team.Id, "Acme");
        Assert.Equal("invitation.not_found", (await invitations.Accept(bob.Actor, invitation.Token)).Error?.Code);
        Assert.Equal("invitation.not_found", (await invitations.Preview(invitation.Token)).Error?.Code);
    }

    [Fact]
    public async Task Revoke_OfAnotherOrganizationsInvitation_IsRefused()
    {
        var (acme, other) = (await database.CreateTeam(), await database.CreateTeam());
        var invitation = (await invitations.Create(acme.Owner.Actor, acme.Id, People.NewEmail(), OrganizationRole.Member)).Value!;
        Assert.Equal("invitation.not_found", (await invitations.Revoke(other.Owner.Actor, other.Id, invitation.Id)).Error?.Code);
    }
}
