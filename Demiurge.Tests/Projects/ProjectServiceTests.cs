using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Projects;

public sealed class ProjectServiceTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private const string NotFound = "project.not_found";
    private const string Forbidden = "project.forbidden";

    private readonly ProjectService projects = database.Get<ProjectService>();
    private readonly ProjectAccess access = database.Get<ProjectAccess>();

    /// <summary>Every standing a person can have, in a private and in a public project, and the role it makes.</summary>
    public static TheoryData<OrganizationRole?, ProjectRole?, ProjectVisibility, ProjectRole?> Standings()
    {
        var data = new TheoryData<OrganizationRole?, ProjectRole?, ProjectVisibility, ProjectRole?>
        {
            { null, null, ProjectVisibility.Private, null },
            { null, null, ProjectVisibility.Public, null },
            { OrganizationRole.Member, null, ProjectVisibility.Private, null },
            { OrganizationRole.Member, null, ProjectVisibility.Public, ProjectRole.View },
        };
        foreach (var visibility in Enum.GetValues<ProjectVisibility>())
        {
            foreach (var role in Enum.GetValues<ProjectRole>())
                data.Add(OrganizationRole.Member, role, visibility, role);
            data.Add(OrganizationRole.Admin, null, visibility, ProjectRole.Manage);
            data.Add(OrganizationRole.Admin, ProjectRole.View, visibility, ProjectRole.Manage);
            data.Add(OrganizationRole.Owner, null, visibility, ProjectRole.Manage);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Standings))]
    public async Task EveryAction_ByStanding_FollowsTheRule(
        OrganizationRole? inOrganization, ProjectRole? inProject, ProjectVisibility visibility, ProjectRole? role)
    {
        var team = await database.CreateTeam();
        var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan", visibility: visibility)).Value!;
        var person = inOrganization is { } joined ? await team.Join(joined) : await database.Register();
        var other = await team.Join();
        if (inProject is { } given)
            Assert.Null((await projects.SetMember(team.Owner.Actor, project.Id, person.Id, given)).Error);
        var mayView = role is null ? NotFound : null;
        var mayManage = role switch { null => NotFound, ProjectRole.Manage => null, _ => Forbidden };

        Assert.Equal(role, await access.RoleOf(person.Actor, project.Id));
        Assert.Equal(mayView, (await projects.Get(person.Actor, project.Id)).Error?.Code);
        Assert.Equal(role, (await projects.Get(person.Actor, project.Id)).Value?.Role);
        Assert.Equal(inOrganization is null ? null : role is not null, (await projects.List(person.Actor, team.Id)).Value?.Any(row => row.Id == project.Id));
        Assert.Equal(mayView, (await projects.Members(person.Actor, project.Id)).Error?.Code);
        Assert.Equal(mayView, (await projects.MarkOpened(person.Actor, project.Id)).Error?.Code);
        Assert.Equal(role is not null, (await projects.Recent(person.Actor)).Any(row => row.Id == project.Id));
        Assert.Equal(mayManage, (await projects.SetMember(person.Actor, project.Id, other.Id, ProjectRole.Edit)).Error?.Code);
        Assert.Equal(mayManage, (await projects.RemoveMember(person.Actor, project.Id, other.Id)).Error?.Code);
        Assert.Equal(mayManage, (await projects.Update(person.Actor, project.Id, description: "new")).Error?.Code);
        Assert.Equal(mayManage, (await projects.Delete(person.Actor, project.Id, "Plan")).Error?.Code);
        Assert.Equal(mayManage is not null, (await projects.Get(team.Owner.Actor, project.Id)).Succeeded);
    }

    [Theory]
    [InlineData(null, "organization.not_found")]
    [InlineData(OrganizationRole.Member, null)]
    [InlineData(OrganizationRole.Admin, null)]
    [InlineData(OrganizationRole.Owner, null)]
    public async Task Create_ByRole_FollowsTheRule(OrganizationRole? role, string? refusal)
    {
        var team = await database.CreateTeam();
        var person = role is { } joined ? await team.Join(joined) : await database.Register();
        var created = await projects.Create(person.Actor, team.Id, " Plan ", "about\nit");
        Assert.Equal(refusal, created.Error?.Code);
        if (refusal is null)
        {
            Assert.Equal(("Plan", "about\nit", ProjectVisibility.Private, ProjectRole.Manage, "Acme"),
                (created.Value!.Name, created.Value.Description, created.Value.Visibility, created.Value.Role, created.Value.OrganizationName));
        }
    }

    [Fact]
    public async Task SetMember_OfAStranger_IsRefused()
    {
        var team = await database.CreateTeam();
        var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan")).Value!;
        var stranger = await database.Register();
        Assert.Equal("project.person_not_in_organization", (await projects.SetMember(team.Owner.Actor, project.Id, stranger.Id, ProjectRole.View)).Error?.Code);
        Assert.Equal("project.role_unknown", (await projects.SetMember(team.Owner.Actor, project.Id, stranger.Id, (ProjectRole)9)).Error?.Code);
    }

    [Fact]
    public async Task SetMember_BesideTheRemovalFromTheOrganization_LeavesNoRole()
    {
        for (var round = 0; round < 20; round++)
        {
            var team = await database.CreateTeam();
            var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan")).Value!;
            var bob = await team.Join();

            await Task.WhenAll(
                Task.Run(() => projects.SetMember(team.Owner.Actor, project.Id, bob.Id, ProjectRole.Edit)),
                Task.Run(() => database.Get<MembershipService>().Remove(team.Owner.Actor, team.Id, bob.Id)));

            Assert.DoesNotContain((await projects.Members(team.Owner.Actor, project.Id)).Value!, member => member.UserId == bob.Id);
            await using var db = database.CreateContext();
            Assert.DoesNotContain(db.ProjectMembers, member => member.UserId == bob.Id);
        }
    }

    [Fact]
    public async Task RemoveMember_ManyTimesAtOnce_IsNoError()
    {
        for (var round = 0; round < 10; round++)
        {
            var team = await database.CreateTeam();
            var bob = await team.Join();
            var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan")).Value!;
            await projects.SetMember(team.Owner.Actor, project.Id, bob.Id, ProjectRole.Edit);

            var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => projects.RemoveMember(team.Owner.Actor, project.Id, bob.Id))));

            Assert.All(results, result => Assert.Null(result.Error));
            Assert.Null(await access.RoleOf(bob.Actor, project.Id));
        }
    }

    [Fact]
    public async Task Changes_OfAccess_AreTold()
    {
        var team = await database.CreateTeam();
        var bob = await team.Join();
        var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan")).Value!;
        var told = new List<AccessChanged>();
        void Note(AccessChanged change)
        {
            if (change.OrganizationId == team.Id)
                told.Add(change);
        }
        database.Get<AccessChanges>().Changed += Note;

        await projects.SetMember(team.Owner.Actor, project.Id, bob.Id, ProjectRole.Edit);
        await projects.SetMember(team.Owner.Actor, project.Id, bob.Id, ProjectRole.Edit);
        await projects.Update(team.Owner.Actor, project.Id, name: "Other");
        await projects.Update(team.Owner.Actor, project.Id, visibility: ProjectVisibility.Public);
        await projects.RemoveMember(team.Owner.Actor, project.Id, bob.Id);
        await projects.Delete(team.Owner.Actor, project.Id, "wrong");
        await projects.Delete(team.Owner.Actor, project.Id, "Other");

        database.Get<AccessChanges>().Changed -= Note;
        AccessChanged bobs = new(team.Id, project.Id, bob.Id), everybodys = new(team.Id, project.Id);
        Assert.Equal([bobs, everybodys, bobs, everybodys], told);
    }

    [Fact]
    public async Task Recent_IsLatestFirstAndOnesOwn()
    {
        var team = await database.CreateTeam();
        var bob = await team.Join(OrganizationRole.Admin);
        var ids = new List<Guid>();
        foreach (var name in new[] { "One", "Two", "Three" })
            ids.Add((await projects.Create(team.Owner.Actor, team.Id, name)).Value!.Id);
        foreach (var id in ids)
            await projects.MarkOpened(team.Owner.Actor, id);
        await projects.MarkOpened(team.Owner.Actor, ids[0]);
        await projects.MarkOpened(bob.Actor, ids[1]);

        Assert.Equal(["One", "Three", "Two"], (await projects.Recent(team.Owner.Actor)).Select(project => project.Name));
        Assert.Equal(["One", "Three"], (await projects.Recent(team.Owner.Actor, count: 2)).Select(project => project.Name));
        Assert.Equal(["Two"], (await projects.Recent(bob.Actor)).Select(project => project.Name));
    }

    [Fact]
    public async Task MarkOpened_AtOnce_KeepsOneVisit()
    {
        var team = await database.CreateTeam();
        var project = (await projects.Create(team.Owner.Actor, team.Id, "Plan")).Value!;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => projects.MarkOpened(team.Owner.Actor, project.Id))));
        Assert.NotNull(Assert.Single(await projects.Recent(team.Owner.Actor)).OpenedAt);
    }
}
