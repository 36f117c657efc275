using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;

namespace Demiurge.Tests.Organizations;

public sealed class OrganizationTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private readonly OrganizationService organizations = database.Get<OrganizationService>();

    [Theory]
    [InlineData(null, "organization.not_found", "organization.not_found")]
    [InlineData(OrganizationRole.Member, "organization.forbidden", "organization.forbidden")]
    [InlineData(OrganizationRole.Admin, null, "organization.forbidden")]
    [InlineData(OrganizationRole.Owner, null, null)]
    public async Task RenameAndDelete_ByRole_FollowTheRule(OrganizationRole? actorRole, string? renameRefusal, string? deleteRefusal)
    {
        var team = await database.CreateTeam();
        var actor = actorRole is { } role ? await team.Join(role) : await database.Register();

        Assert.Equal(renameRefusal, (await organizations.Rename(actor.Actor, team.Id, "Other")).Error?.Code);
        var name = renameRefusal is null ? "Other" : "Acme";
        Assert.Equal(name, (await organizations.Get(team.Owner.Actor, team.Id)).Value?.Name);
        Assert.Equal(deleteRefusal, (await organizations.Delete(actor.Actor, team.Id, name)).Error?.Code);
        Assert.Equal(deleteRefusal is null, !(await organizations.Get(team.Owner.Actor, team.Id)).Succeeded);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("acme")]
    [InlineData("Acme2")]
    public async Task Delete_WithoutTheName_IsRefused(string? typed)
    {
        var team = await database.CreateTeam();
        Assert.Equal("organization.confirmation_differs", (await organizations.Delete(team.Owner.Actor, team.Id, typed)).Error?.Code);
        Assert.True((await organizations.Get(team.Owner.Actor, team.Id)).Succeeded);
    }

    [Fact]
    public async Task Delete_TakesItsProjectsAndTellsSessions()
    {
        var team = await database.CreateTeam();
        var project = (await database.Get<ProjectService>().Create(team.Owner.Actor, team.Id, "Plan")).Value!;
        await database.Get<ProjectService>().MarkOpened(team.Owner.Actor, project.Id);
        var told = new List<AccessChanged>();
        void Note(AccessChanged change)
        {
            if (change.OrganizationId == team.Id)
                told.Add(change);
        }
        database.Get<AccessChanges>().Changed += Note;

        await organizations.Delete(team.Owner.Actor, team.Id, " Acme ");

        database.Get<AccessChanges>().Changed -= Note;
        Assert.Equal([new AccessChanged(team.Id)], told);
        Assert.Null(await database.Get<ProjectAccess>().RoleOf(team.Owner.Actor, project.Id));
        Assert.Empty(await database.Get<ProjectService>().Recent(team.Owner.Actor));
        Assert.Empty(await organizations.List(team.Owner.Actor));
        Assert.Equal("organization.not_found", (await database.Get<ProjectService>().Create(team.Owner.Actor, team.Id, "Late")).Error?.Code);
    }

    [Fact]
    public async Task Get_CountsMembersAndOnlyTheProjectsOneMayView()
    {
        var team = await database.CreateTeam();
        var bob = await team.Join();
        var projects = database.Get<ProjectService>();
        await projects.Create(team.Owner.Actor, team.Id, "Private");
        await projects.Create(team.Owner.Actor, team.Id, "Public", visibility: ProjectVisibility.Public);
        var shared = (await projects.Create(team.Owner.Actor, team.Id, "Shared")).Value!;
        await projects.SetMember(team.Owner.Actor, shared.Id, bob.Id, ProjectRole.View);

        var seen = (await organizations.Get(bob.Actor, team.Id)).Value!;
        Assert.Equal((OrganizationRole.Member, 2, 2), (seen.Role, seen.MemberCount, seen.ProjectCount));
        Assert.Equal(3, (await organizations.Get(team.Owner.Actor, team.Id)).Value!.ProjectCount);
        Assert.Equal(["Public", "Shared"], (await projects.List(bob.Actor, team.Id)).Value!.Select(project => project.Name));
    }

    [Theory]
    [InlineData("Ünïcode & ☕ 👩‍🚀")]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("'; DROP TABLE users; --")]
    public async Task Create_WithAnUnusualName_KeepsIt(string name)
    {
        var ann = await database.Register();
        var created = (await organizations.Create(ann.Actor, name)).Value!;
        Assert.Equal(name, (await organizations.Get(ann.Actor, created.Id)).Value?.Name);
    }
}
