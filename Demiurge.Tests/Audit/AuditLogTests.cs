using Demiurge.Core.Audit;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Audit;

public sealed class AuditLogTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly AuditLog log = database.Get<AuditLog>();

    [Fact]
    public async Task EveryChange_LeavesItsEntry_AndRefusalsNone()
    {
        var team = await database.CreateTeam();
        var owner = team.Owner.Actor;
        var bob = await team.Join();
        var members = database.Get<MembershipService>();
        var projects = database.Get<ProjectService>();
        var invitations = database.Get<InvitationService>();
        await database.Get<OrganizationService>().Rename(owner, team.Id, "Other");
        await members.ChangeRole(owner, team.Id, bob.Id, OrganizationRole.Admin);
        await members.ChangeRole(bob.Actor, team.Id, owner.UserId, OrganizationRole.Member);
        var invitation = (await invitations.Create(owner, team.Id, People.NewEmail(), OrganizationRole.Member)).Value!;
        await invitations.Revoke(owner, team.Id, invitation.Id);
        var project = (await projects.Create(owner, team.Id, "Plan")).Value!;
        await projects.Update(owner, project.Id, visibility: ProjectVisibility.Public);
        await projects.SetMember(owner, project.Id, bob.Id, ProjectRole.Edit);
        await projects.RemoveMember(owner, project.Id, bob.Id);
        await projects.Delete(owner, project.Id, "wrong");
        await projects.Delete(owner, project.Id, "Plan");
        await members.TransferOwnership(owner, team.Id, bob.Id);
        await members.Remove(bob.Actor, team.Id, owner.UserId);

        var entries = (await log.List(bob.Actor, team.Id)).Value!;

        Assert.Equal(
            [
                "organization.created", "invitation.created", "invitation.accepted", "organization.renamed", "member.role_changed",
                "invitation.created", "invitation.revoked", "project.created", "project.updated", "project.member_set", "project.member_removed",
                "project.deleted", "organization.ownership_transferred", "member.removed",
            ],
            entries.Reverse().Select(entry => entry.Action));
        var change = entries.Single(entry => entry.Action == "member.role_changed");
        Assert.Equal((owner.UserId, bob.Id, "Member", "Admin"), (change.ActorId, change.SubjectUserId, change.Details["from"], change.Details["to"]));
        Assert.All(entries, entry => Assert.NotNull(entry.ActorName));
    }

    [Fact]
    public async Task List_ByPages_ShowsEachEntryOnce()
    {
        var team = await database.CreateTeam();
        for (var i = 0; i < 7; i++)
            await database.Get<OrganizationService>().Rename(team.Owner.Actor, team.Id, $"Name {i}");

        var seen = new List<AuditEntryInfo>();
        for (var page = 0; page < 4; page++)
            seen.AddRange((await log.List(team.Owner.Actor, team.Id, seen.LastOrDefault()?.Id, count: 3)).Value!);

        Assert.Equal(8, seen.Count);
        Assert.Equal(8, seen.Select(entry => entry.Id).Distinct().Count());
        Assert.Equal(["Name 6", "Name 5"], seen.Take(2).Select(entry => entry.Details["to"]));
    }

    [Fact]
    public async Task List_ByRole_FollowsTheRule()
    {
        var team = await database.CreateTeam();
        Assert.Equal("organization.forbidden", (await log.List((await team.Join()).Actor, team.Id)).Error?.Code);
        Assert.Null((await log.List((await team.Join(OrganizationRole.Admin)).Actor, team.Id)).Error);
        Assert.Equal("organization.not_found", (await log.List((await database.Register()).Actor, team.Id)).Error?.Code);
    }
}
