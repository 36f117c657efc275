using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers;

/// <summary>Another tier and other options of a container that there is, and the limits that are set for people.</summary>
public sealed class ContainerSettingsTests(PostgresFixture database) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly FakeEngine engine = new();
    private ReconcilerHost web = null!;
    private Workspace workspace = null!;

    public async Task InitializeAsync()
    {
        await using (var db = database.CreateContext())
            await db.Set<Container>().ExecuteDeleteAsync();
        workspace = await Workspace.Create(database);
        web = await ReconcilerHost.Start(database, engine);
    }

    public async Task DisposeAsync() => await web.DisposeAsync();

    [Fact]
    public async Task Tier_OfAContainerThatRuns_IsTheNewOneFromItsNextStartOn()
    {
        var large = (await web.Get<TierService>().List()).Single(tier => tier.Name == "large");
        var id = (await web.Running(workspace)).Id;
        var before = engine.Started.Last();

        var changed = await web.Containers.Configure(workspace.Owner, id, large.Id);

        Assert.Equal((ContainerState.Running, "large"), (changed.Value!.State, changed.Value.Tier.Name));
        Assert.Single(engine.Started);
        await web.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(async () => await web.Row(id) is { State: ContainerState.Running, Generation: 2 }, "its second generation");
        var after = engine.Started.Last();
        Assert.Equal((large.Cpus, large.MemoryBytes, large.Pids), (after.Cpus, after.MemoryBytes, after.Pids));
        Assert.Equal((before.VolumeSet, string.Join(',', before.Volumes)), (after.VolumeSet, string.Join(',', after.Volumes)));
        Assert.NotEqual(before.MemoryBytes, after.MemoryBytes);
        await using var db = database.CreateContext();
        Assert.Equal(1, await db.AuditEntries.CountAsync(entry => entry.Action == "container.configured" && entry.OrganizationId == workspace.Team.Id));
        Assert.Contains((await web.Containers.Events(workspace.Owner, id)).Value!, entry => entry.Text == "From its next start on it has the tier large instead of small.");
    }

    [Fact]
    public async Task Tier_OverAQuota_IsRefusedAndASmallerOneIsNot()
    {
        var tiers = (await web.Get<TierService>().List()).ToDictionary(tier => tier.Name);
        var id = (await web.Running(workspace)).Id;
        var quotas = web.Get<ContainerQuotas>();
        var administrator = await Administrator();
        Assert.True((await quotas.Set(administrator, workspace.Team.Id, new(MemoryBytes: tiers["medium"].MemoryBytes))).Succeeded);

        Assert.Equal("container.quota_reached", (await web.Containers.Configure(workspace.Owner, id, tiers["large"].Id)).Error?.Code);
        Assert.True((await web.Containers.Configure(workspace.Owner, id, tiers["medium"].Id)).Succeeded);
        // What is over a limit that was lowered since can still become less.
        Assert.True((await quotas.Set(administrator, workspace.Team.Id, new(MemoryBytes: 1))).Succeeded);
        Assert.True((await web.Containers.Configure(workspace.Owner, id, tiers["small"].Id)).Succeeded);
        Assert.Equal("container.quota_reached", (await web.Containers.Configure(workspace.Owner, id, tiers["medium"].Id)).Error?.Code);
        await web.Containers.Stop(workspace.Owner, id);
        Assert.True((await web.Containers.Configure(workspace.Owner, id, tiers["large"].Id)).Succeeded);
        Assert.Equal("container.quota_reached", (await web.Containers.Start(workspace.Owner, id)).Error?.Code);
        Assert.True((await quotas.Set(administrator, workspace.Team.Id, new(DiskBytes: tiers["large"].DiskBytes))).Succeeded);
        Assert.Equal("container.quota_reached", (await web.Containers.Create(workspace.Owner, await web.Request(workspace.ProjectId))).Error?.Code);
        Assert.True((await web.Containers.Start(workspace.Owner, id)).Succeeded);
        Assert.Equal("tier.not_found", (await web.Containers.Configure(workspace.Owner, id, Guid.NewGuid())).Error?.Code);
    }

    [Fact]
    public async Task Options_ThatAreChanged_KeepTheOthersAndSecrets()
    {
        var id = (await web.Create(workspace, "pgadmin", new Dictionary<string, string> { ["email"] = "ann@example.com", ["password"] = "correct-horse" })).Id;
        await PlatformFixture.Until(() => Task.FromResult(engine.Started.Count == 1), "its start");

        var changed = await web.Containers.Configure(workspace.Owner, id, null, new Dictionary<string, string> { ["email"] = "ben@example.com" });

        Assert.True(changed.Succeeded, changed.Error?.Message);
        var settings = (await web.Containers.Settings(workspace.Owner, id)).Value!;
        Assert.Equal(("ben@example.com", "password"), (Assert.Single(settings.Options).Value, Assert.Single(settings.Secrets)));
        await web.Containers.Restart(workspace.Owner, id);
        await PlatformFixture.Until(() => Task.FromResult(engine.Started.Last().Generation == 2), "its second generation");
        var environment = engine.Started.Last().Environment;
        Assert.Equal(("ben@example.com", "correct-horse"), (environment["PGADMIN_DEFAULT_EMAIL"], environment["PGADMIN_DEFAULT_PASSWORD"]));
        var refused = await web.Containers.Configure(workspace.Owner, id, null, new Dictionary<string, string> { ["email"] = "nobody", ["other"] = "x" });
        Assert.Equal(["options.email", "options.other"], refused.Error!.Fields!.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("container.options_refused", (await web.Containers.Configure(workspace.Owner, id, null, new Dictionary<string, string> { ["password"] = "" })).Error?.Code);
        Assert.True((await web.Containers.Configure(workspace.Owner, id, null, new Dictionary<string, string> { ["password"] = "another horse" })).Succeeded);
        Assert.DoesNotContain("horse", System.Text.Json.JsonSerializer.Serialize((await web.Containers.Settings(workspace.Owner, id)).Value), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_ForThoseWhoDontManageIt_AreNotTheirs()
    {
        var id = (await web.Create(workspace)).Id;
        var editor = (await workspace.Join(ProjectRole.Edit)).Actor;
        var stranger = (await Workspace.Create(database)).Owner;
        Assert.Equal("container.forbidden", (await web.Containers.Settings(editor, id)).Error?.Code);
        Assert.Equal("container.forbidden", (await web.Containers.Configure(editor, id, null)).Error?.Code);
        Assert.Equal("container.not_found", (await web.Containers.Settings(stranger, id)).Error?.Code);
        Assert.Equal("container.not_found", (await web.Containers.Configure(stranger, id, null)).Error?.Code);
    }

    [Fact]
    public async Task Starts_OfManyAtOnce_GoAsFarAsTheLimitsOfPersonAndOrganizationAndNoFurther()
    {
        var quotas = web.Get<ContainerQuotas>();
        var other = await workspace.Join(ProjectRole.Edit);
        var request = await web.Request(workspace.ProjectId);
        var stopped = new List<(Actor Owner, Guid Id)>();
        foreach (var owner in new[] { workspace.Owner, other.Actor })
        {
            for (var i = 0; i < 8; i++)
            {
                var id = (await web.Containers.Create(owner, request)).Value!.Id;
                await web.Containers.Stop(owner, id);
                stopped.Add((owner, id));
            }
        }
        Assert.True((await quotas.Set(await Administrator(), workspace.Team.Id, new(Running: 7))).Succeeded);
        Assert.True((await quotas.SetPerson(workspace.Owner, workspace.Team.Id, other.Id, new(Running: 2))).Succeeded);

        var started = await Task.WhenAll(stopped.Select(async one => (one.Owner, Result: await web.Containers.Start(one.Owner, one.Id))));

        Assert.Equal(7, started.Count(one => one.Result.Succeeded));
        Assert.InRange(started.Count(one => one.Owner == other.Actor && one.Result.Succeeded), 0, 2);
        Assert.All(started.Where(one => !one.Result.Succeeded), one => Assert.Equal("container.quota_reached", one.Result.Error!.Code));
        var seen = (await quotas.Get(workspace.Owner, workspace.Team.Id)).Value!;
        Assert.Equal((16, 7, 7), (seen.Used.Containers, seen.Used.Running, seen.Limits.Running));
        Assert.Equal(2, seen.People.Single(person => person.UserId == other.Id).Limits.Running);
    }

    [Fact]
    public async Task Limits_AreSetByThoseWhoMay()
    {
        var quotas = web.Get<ContainerQuotas>();
        var member = await workspace.Join(ProjectRole.Edit);
        var stranger = (await Workspace.Create(database)).Owner;
        Assert.Equal("platform.forbidden", (await quotas.Set(workspace.Owner, workspace.Team.Id, new(Running: 1000))).Error?.Code);
        Assert.Equal("organization.forbidden", (await quotas.Get(member.Actor, workspace.Team.Id)).Error?.Code);
        Assert.Equal("organization.forbidden", (await quotas.SetPerson(member.Actor, workspace.Team.Id, member.Id, new())).Error?.Code);
        Assert.Equal("organization.not_found", (await quotas.Get(stranger, workspace.Team.Id)).Error?.Code);
        Assert.Equal("organization.not_found", (await quotas.SetPerson(stranger, workspace.Team.Id, member.Id, new())).Error?.Code);
        Assert.Equal("quota.limit_negative", (await quotas.SetPerson(workspace.Owner, workspace.Team.Id, member.Id, new(Cpus: double.NaN))).Error?.Code);
        Assert.Equal("member.not_found", (await quotas.SetPerson(workspace.Owner, workspace.Team.Id, stranger.UserId, new())).Error?.Code);
        Assert.False((await quotas.Get(workspace.Owner, workspace.Team.Id)).Value!.CanChange);
    }

    private async Task<Actor> Administrator()
    {
        var person = await workspace.Join(null, OrganizationRole.Member);
        await using var db = database.CreateContext();
        await db.Users.Where(user => user.Id == person.Id).ExecuteUpdateAsync(set => set.SetProperty(user => user.IsPlatformAdministrator, true));
        return person.Actor;
    }
}
