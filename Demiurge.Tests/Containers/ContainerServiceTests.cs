using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Npgsql;

namespace Demiurge.Tests.Containers;

/// <summary>Who may ask for what, and what may be asked for.</summary>
public sealed class ContainerServiceTests(PostgresFixture database) : IClassFixture<PostgresFixture>
{
    private const string NotFound = "container.not_found";
    private const string Forbidden = "container.forbidden";

    [Theory]
    [InlineData(null, ShareLevel.Project, NotFound, NotFound, NotFound, false)]
    [InlineData(null, ShareLevel.Organization, null, Forbidden, Forbidden, true)]
    [InlineData(ProjectRole.View, ShareLevel.Owner, null, Forbidden, Forbidden, false)]
    [InlineData(ProjectRole.View, ShareLevel.Project, null, Forbidden, Forbidden, true)]
    [InlineData(ProjectRole.Edit, ShareLevel.Owner, null, Forbidden, Forbidden, false)]
    [InlineData(ProjectRole.Edit, ShareLevel.Project, null, null, Forbidden, true)]
    [InlineData(ProjectRole.Manage, ShareLevel.Owner, null, null, null, false)]
    [InlineData(ProjectRole.Manage, ShareLevel.Link, null, null, null, true)]
    public async Task EveryCommand_ByRoleAndSharing_FollowsTheRule(ProjectRole? role, ShareLevel share, string? see, string? control, string? manage, bool open)
    {
        await using var web = await ReconcilerHost.Start(database, runs: false);
        var workspace = await Workspace.Create(database);
        var person = await workspace.Join(role);
        var id = (await web.Containers.Create(workspace.Owner, await web.Request(workspace.ProjectId) with { Share = share })).Value!.Id;
        var containers = web.Containers;

        var seen = await containers.Get(person.Actor, id);
        Assert.Equal(see, seen.Error?.Code);
        Assert.Equal(open, seen.Value?.CanOpen ?? false);
        Assert.Equal(control is null, seen.Value?.CanControl ?? false);
        Assert.Equal(manage is null, seen.Value?.CanManage ?? false);
        Assert.Equal(role is null ? "project.not_found" : null, (await containers.List(person.Actor, workspace.ProjectId)).Error?.Code);
        Assert.Equal(role is null ? NotFound : null, (await containers.Events(person.Actor, id)).Error?.Code);
        Assert.Equal(see ?? (open ? null : "container.not_shared_with_you"), (await containers.Logs(person.Actor, id)).Error?.Code);
        foreach (var command in new Func<Actor, Task<Result<ContainerInfo>>>[]
        {
            actor => containers.Stop(actor, id), actor => containers.Start(actor, id), actor => containers.Restart(actor, id), actor => containers.Keep(actor, id, TimeSpan.FromHours(1)),
        })
            Assert.Equal(control, (await command(person.Actor)).Error?.Code);
        foreach (var command in new Func<Actor, Task<Result<ContainerInfo>>>[]
        {
            actor => containers.Rename(actor, id, "New"), actor => containers.Pin(actor, id, true), actor => containers.SetShare(actor, id, share),
            actor => containers.Delete(actor, id), actor => containers.Undelete(actor, id),
        })
            Assert.Equal(manage, (await command(person.Actor)).Error?.Code);
        Assert.Equal(NotFound, (await containers.Get((await database.Register()).Actor, id)).Error?.Code);
    }

    [Theory]
    [InlineData(null, "project.not_found")]
    [InlineData(ProjectRole.View, Forbidden)]
    [InlineData(ProjectRole.Edit, null)]
    public async Task Create_ByRole_FollowsTheRule(ProjectRole? role, string? refused)
    {
        await using var web = await ReconcilerHost.Start(database, runs: false);
        var workspace = await Workspace.Create(database);
        var person = await workspace.Join(role);
        Assert.Equal(refused, (await web.Containers.Create(person.Actor, await web.Request(workspace.ProjectId))).Error?.Code);
    }

    [Fact]
    public async Task Create_WithOptionsAtFault_NamesEach()
    {
        await using var web = await ReconcilerHost.Start(database, runs: false);
        var workspace = await Workspace.Create(database);
        var refused = await web.Containers.Create(workspace.Owner, await web.Request(
            workspace.ProjectId, "image", new Dictionary<string, string> { ["port"] = "70000", ["image"] = "no image", ["colour"] = "red", ["data"] = "../x" }));

        Assert.Equal("container.options_refused", refused.Error?.Code);
        Assert.Equal(["options.colour", "options.data", "options.image", "options.port"], refused.Error!.Fields!.Keys.Order());
        Assert.Equal("Port of its web server lies between 1 and 65535.", refused.Error.Fields["options.port"]);
    }

    [Fact]
    public async Task Secrets_OfOptionsAndSets_AreNowhereToBeReadButAtTheStart()
    {
        await using var web = await ReconcilerHost.Start(database);
        var workspace = await Workspace.Create(database);
        var sets = web.Get<EnvSetService>();
        var organization = (await sets.Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Organization, null, "Shared", new Dictionary<string, string>
        {
            ["API_KEY"] = "sesame-of-all", ["OWN"] = "of-the-organization",
        })).Value!;
        var own = (await sets.Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Person, null, "Mine", new Dictionary<string, string> { ["OWN"] = "of-the-person" })).Value!;
        web.Engine.Written = ["connecting with sesame-of-all", "password is correct-horse"];
        web.Engine.Reach[5050] = ("127.0.0.1", 9);
        var request = await web.Request(workspace.ProjectId, "pgadmin", new Dictionary<string, string> { ["email"] = "a@example.org", ["password"] = "correct-horse" });
        var id = (await web.Containers.Create(workspace.Owner, request with { EnvSetIds = [organization.Id, own.Id] })).Value!.Id;
        await PlatformFixture.Until(() => Task.FromResult(web.Engine.Of(id) is not null), "its start");

        var started = web.Engine.Started.Single(spec => spec.ContainerId == id);
        Assert.Equal("sesame-of-all", started.Environment["API_KEY"]);
        Assert.Equal("of-the-person", started.Environment["OWN"]);
        Assert.Equal("correct-horse", started.Environment["PGADMIN_DEFAULT_PASSWORD"]);
        Assert.DoesNotContain("sesame", started.ToString());
        var lines = new List<string>();
        await foreach (var line in (await web.Containers.Logs(workspace.Owner, id)).Value!)
            lines.Add(line.Text);
        Assert.Equal(["connecting with •••", "password is •••"], lines);
        await web.Containers.Stop(workspace.Owner, id);
        await web.Reaches(workspace, id, ContainerState.Stopped);
        // Everything that the database has, as text.
        foreach (var table in new[] { "containers", "env_sets", "container_events", "container_log_tails", "audit_entries" })
        {
            await using var command = web.Get<NpgsqlDataSource>().CreateCommand($"SELECT string_agg(t::text, ' ') FROM {table} AS t");
            var text = (string)(await command.ExecuteScalarAsync())!;
            Assert.NotEmpty(text);
            Assert.DoesNotContain("sesame-of-all", text);
            Assert.DoesNotContain("correct-horse", text);
            Assert.DoesNotContain("of-the-person", text);
        }
    }

    [Fact]
    public async Task Quotas_OfPersonAndOrganization_AreKeptUnderConcurrency()
    {
        await using var web = await ReconcilerHost.Start(
            database, runs: false, settings: [("PerPerson:Containers", "4"), ("PerPerson:Running", "3"), ("PerPerson:Cpus", "100"), ("PerPerson:MemoryBytes", "1000000000000")]);
        var workspace = await Workspace.Create(database);
        var request = await web.Request(workspace.ProjectId);

        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => web.Containers.Create(workspace.Owner, request)));

        Assert.Equal(3, made.Count(result => result.Succeeded));
        Assert.All(made.Where(result => !result.Succeeded), result => Assert.Equal("container.quota_reached", result.Error!.Code));
        var id = made.First(result => result.Succeeded).Value!.Id;
        await web.Containers.Stop(workspace.Owner, id);
        Assert.True((await web.Containers.Create(workspace.Owner, request)).Succeeded);
        Assert.Equal("container.quota_reached", (await web.Containers.Start(workspace.Owner, id)).Error?.Code);
        await using (var db = web.CreateContext())
        {
            db.Add(new ContainerQuota { OrganizationId = workspace.Team.Id, Containers = 4 });
            await db.SaveChangesAsync();
        }
        var other = await workspace.Join(ProjectRole.Edit);
        Assert.Contains("This organization", (await web.Containers.Create(other.Actor, request)).Error!.Message);
    }

    [Fact]
    public async Task EnvSet_OfOthers_CantBeUsedSeenOrChanged()
    {
        await using var web = await ReconcilerHost.Start(database, runs: false);
        var workspace = await Workspace.Create(database);
        var ben = await workspace.Join(ProjectRole.Edit);
        var sets = web.Get<EnvSetService>();
        var mine = (await sets.Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Person, null, "Mine")).Value!;
        var common = (await sets.Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Organization, null, "All")).Value!;
        var other = await Workspace.Create(database);
        var foreign = (await sets.Create(other.Owner, other.Team.Id, EnvSetScope.Organization, null, "All")).Value!;
        var elsewhere = (await web.Get<ProjectService>().Create(workspace.Owner, workspace.Team.Id, "Other")).Value!.Id;
        var project = (await sets.Create(workspace.Owner, workspace.Team.Id, EnvSetScope.Project, elsewhere, "There")).Value!;

        Assert.Equal([common.Id], (await sets.List(ben.Actor, workspace.Team.Id)).Value!.Select(set => set.Id));
        Assert.Equal("env_set.not_found", (await sets.Change(ben.Actor, mine.Id, "x", null)).Error?.Code);
        Assert.Equal("env_set.forbidden", (await sets.Change(ben.Actor, common.Id, "x", null)).Error?.Code);
        Assert.Equal("env_set.forbidden", (await sets.Create(ben.Actor, workspace.Team.Id, EnvSetScope.Organization, null, "x")).Error?.Code);
        Assert.Equal("env_set.forbidden", (await sets.Create(ben.Actor, workspace.Team.Id, EnvSetScope.Project, workspace.ProjectId, "x")).Error?.Code);
        var request = await web.Request(workspace.ProjectId);
        Assert.True((await web.Containers.Create(ben.Actor, request with { EnvSetIds = [common.Id] })).Succeeded);
        foreach (var id in new[] { mine.Id, foreign.Id, project.Id, Guid.NewGuid() })
            Assert.Equal("env_set.not_found", (await web.Containers.Create(ben.Actor, request with { EnvSetIds = [id] })).Error?.Code);
    }

    [Fact]
    public async Task Command_AskedForTwice_IsDoneOnce()
    {
        await using var web = await ReconcilerHost.Start(database, runs: false);
        var workspace = await Workspace.Create(database);
        var id = (await web.Create(workspace)).Id;
        await web.Containers.Start(workspace.Owner, id);
        Assert.Equal(1, (await web.Row(id)).Generation);
        await web.Containers.Stop(workspace.Owner, id);
        await web.Containers.Stop(workspace.Owner, id);
        Assert.Single((await web.Containers.Events(workspace.Owner, id)).Value!, entry => entry.Kind == "stop.requested");
        await web.Containers.Delete(workspace.Owner, id);
        Assert.True((await web.Containers.Delete(workspace.Owner, id)).Succeeded);
        Assert.Equal("container.deleted", (await web.Containers.Start(workspace.Owner, id)).Error?.Code);
    }
}
