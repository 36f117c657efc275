using Demiurge.Core;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Organizations;

public sealed class MembershipTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly MembershipService members = database.Get<MembershipService>();

    /// <summary>Who may turn whom into what. Null: no member at all.</summary>
    public static TheoryData<OrganizationRole?, OrganizationRole, OrganizationRole, string?> RoleChanges()
    {
        const string forbidden = "organization.forbidden";
        var data = new TheoryData<OrganizationRole?, OrganizationRole, OrganizationRole, string?>();
        foreach (var target in Enum.GetValues<OrganizationRole>())
        {
            foreach (var to in Enum.GetValues<OrganizationRole>())
            {
                var touchesOwner = target == OrganizationRole.Owner || to == OrganizationRole.Owner;
                data.Add(null, target, to, "organization.not_found");
                data.Add(OrganizationRole.Member, target, to, forbidden);
                data.Add(OrganizationRole.Admin, target, to, touchesOwner ? forbidden : null);
                data.Add(OrganizationRole.Owner, target, to, null);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(RoleChanges))]
    public async Task ChangeRole_ByRole_FollowsTheRule(OrganizationRole? actorRole, OrganizationRole targetRole, OrganizationRole to, string? refusal)
    {
        var team = await database.CreateTeam();
        var actor = actorRole is { } role ? await team.Join(role) : await database.Register();
        var target = await team.Join(targetRole);

        var result = await members.ChangeRole(actor.Actor, team.Id, target.Id, to);

        Assert.Equal(refusal, result.Error?.Code);
        Assert.Equal(refusal is null ? to : targetRole, await RoleOf(team, target));
    }

    public static TheoryData<OrganizationRole?, OrganizationRole, string?> Removals() => new()
    {
        { null, OrganizationRole.Member, "organization.not_found" },
        { OrganizationRole.Member, OrganizationRole.Member, "organization.forbidden" },
        { OrganizationRole.Member, OrganizationRole.Admin, "organization.forbidden" },
        { OrganizationRole.Member, OrganizationRole.Owner, "organization.forbidden" },
        { OrganizationRole.Admin, OrganizationRole.Member, null },
        { OrganizationRole.Admin, OrganizationRole.Admin, null },
        { OrganizationRole.Admin, OrganizationRole.Owner, "organization.forbidden" },
        { OrganizationRole.Owner, OrganizationRole.Member, null },
        { OrganizationRole.Owner, OrganizationRole.Admin, null },
        { OrganizationRole.Owner, OrganizationRole.Owner, null },
    };

    [Theory]
    [MemberData(nameof(Removals))]
    public async Task Remove_ByRole_FollowsTheRule(OrganizationRole? actorRole, OrganizationRole targetRole, string? refusal)
    {
        var team = await database.CreateTeam();
        var actor = actorRole is { } role ? await team.Join(role) : await database.Register();
        var target = await team.Join(targetRole);

        var result = await members.Remove(actor.Actor, team.Id, target.Id);

        Assert.Equal(refusal, result.Error?.Code);
        Assert.Equal(refusal is null ? null : targetRole, await RoleOf(team, target));
    }

    [Fact]
    public async Task LastOwner_LeavingOrDemoted_IsRefused()
    {
        var team = await database.CreateTeam();
        await team.Join(OrganizationRole.Admin);

        Assert.Equal("organization.last_owner", (await members.Leave(team.Owner.Actor, team.Id)).Error?.Code);
        Assert.Equal("organization.last_owner", (await members.ChangeRole(team.Owner.Actor, team.Id, team.Owner.Id, OrganizationRole.Admin)).Error?.Code);
        Assert.Equal(OrganizationRole.Owner, await RoleOf(team, team.Owner));
    }

    [Fact]
    public async Task TwoOwners_LeavingAtOnce_OneStays()
    {
        for (var round = 0; round < 20; round++)
        {
            var team = await database.CreateTeam();
            var second = await team.Join(OrganizationRole.Owner);

            var results = await Task.WhenAll(
                Task.Run(() => members.Leave(team.Owner.Actor, team.Id)),
                Task.Run(() => members.Leave(second.Actor, team.Id)));

            Assert.Single(results, result => result.Succeeded);
            Assert.Single(results, result => result.Error?.Code == "organization.last_owner");
        }
    }

    [Fact]
    public async Task TwoOwners_DemotingEachOtherAtOnce_OneStays()
    {
        for (var round = 0; round < 20; round++)
        {
            var team = await database.CreateTeam();
            var second = await team.Join(OrganizationRole.Owner);

            await Task.WhenAll(
                Task.Run(() => members.ChangeRole(team.Owner.Actor, team.Id, second.Id, OrganizationRole.Member)),
                Task.Run(() => members.ChangeRole(second.Actor, team.Id, team.Owner.Id, OrganizationRole.Member)));

            OrganizationRole?[] roles = [await RoleOf(team, team.Owner), await RoleOf(team, second)];
            Assert.Single(roles, role => role == OrganizationRole.Owner);
        }
    }

    [Fact]
    public async Task TransferOwnership_ToAMember_SwapsTheRoles()
    {
        var team = await database.CreateTeam();
        var heir = await team.Join();

        Assert.Null((await members.TransferOwnership(team.Owner.Actor, team.Id, heir.Id)).Error);

        Assert.Equal(OrganizationRole.Owner, await RoleOf(team, heir));
        Assert.Equal(OrganizationRole.Admin, await RoleOf(team, team.Owner));
        Assert.Equal("organization.forbidden", (await members.TransferOwnership(team.Owner.Actor, team.Id, team.Owner.Id)).Error?.Code);
    }

    [Fact]
    public async Task Remove_AMember_TakesTheirProjectRolesAndTellsSessions()
    {
        var team = await database.CreateTeam();
        var member = await team.Join();
        var projects = database.Get<ProjectService>();
        var access = database.Get<ProjectAccess>();
        var project = (await projects.Create(member.Actor, team.Id, "Mine")).Value!;
        Assert.Equal(ProjectRole.Manage, await access.RoleOf(member.Actor, project.Id));
        var told = new List<AccessChanged>();
        void Note(AccessChanged change)
        {
            if (change.OrganizationId == team.Id)
                told.Add(change);
        }
        database.Get<AccessChanges>().Changed += Note;

        await members.Remove(team.Owner.Actor, team.Id, member.Id);

        database.Get<AccessChanges>().Changed -= Note;
        Assert.Equal([new AccessChanged(team.Id, null, member.Id)], told);
        Assert.Null(await access.RoleOf(member.Actor, project.Id));
        // Back again, but with a clean slate.
        var invitation = await database.Get<InvitationService>().Create(team.Owner.Actor, team.Id, member.Email, OrganizationRole.Member);
        await database.Get<InvitationService>().Accept(member.Actor, invitation.Value!.Token);
        Assert.Null(await access.RoleOf(member.Actor, project.Id));
    }

    [Fact]
    public async Task ChangeRole_ToNoRole_IsRefused()
    {
        var team = await database.CreateTeam();
        Assert.Equal(ErrorKind.Invalid, (await members.ChangeRole(team.Owner.Actor, team.Id, team.Owner.Id, (OrganizationRole)7)).Error?.Kind);
    }

    [Fact]
    public async Task List_ToStrangers_LooksLikeNoOrganization()
    {
        var team = await database.CreateTeam();
        var stranger = await database.Register();
        Assert.Equal("organization.not_found", (await members.List(stranger.Actor, team.Id)).Error?.Code);
        Assert.Equal("organization.not_found", (await members.List(stranger.Actor, Guid.NewGuid())).Error?.Code);
    }

    private async Task<OrganizationRole?> RoleOf(Team team, Person person)
    {
        await using var db = database.CreateContext();
        return await Membership.RoleOf(db, person.Id, team.Id, CancellationToken.None);
    }
}
