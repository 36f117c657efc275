using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Hosts;

/// <summary>Which host takes a container, and what is said when none does.</summary>
public sealed class PlacementTests(PostgresFixture database) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private const long Gigabyte = 1L << 30;
    private ReconcilerHost web = null!;
    private Workspace workspace = null!;

    public async Task InitializeAsync()
    {
        await using (var db = database.CreateContext())
        {
            await db.Set<Container>().ExecuteDeleteAsync();
            await db.Set<ContainerHost>().ExecuteDeleteAsync();
        }
        web = await ReconcilerHost.Start(database, runs: false);
        workspace = await Workspace.Create(database);
        await using (var db = database.CreateContext())
            await db.Set<ContainerHost>().ExecuteDeleteAsync();
    }

    public async Task DisposeAsync() => await web.DisposeAsync();

    [Fact]
    public async Task Container_GoesWhereMostMemoryIsNotReserved_AndThenElsewhere()
    {
        await Add("large", memory: 8);
        await Add("small", memory: 3);
        await using var db = database.CreateContext();
        var placement = await Placement.Load(db, database.Time, default);
        var places = new List<string?>();
        for (var i = 0; i < 6; i++)
        {
            var container = NewContainer();
            var answer = placement.Place(container, Small);
            places.Add(answer.Host?.Name);
            if (answer.Host is { } host)
                placement.Reserve(container, Small, host);
        }
        Assert.Equal(["large", "large", "large", "small", "large", null], places);
    }

    [Fact]
    public async Task Container_ThatFitsNowhere_IsToldWhy_HostByHost()
    {
        var others = (await Workspace.Create(database)).Team.Id;
        await Add("full", memory: 3, change: host => host.Cpus = 4);
        await Add("little", memory: 1);
        await Add("off", change: host => host.Enabled = false);
        await Add("theirs", change: host => host.OrganizationIds = [others]);
        await Add("stale", change: host => host.LastSeenAt = database.Time.GetUtcNow() - TimeSpan.FromMinutes(2));
        await Add("unreachable", change: host => (host.LastSeenAt, host.LastError) = (database.Time.GetUtcNow(), "Connection refused"));
        await using var db = database.CreateContext();
        var placement = await Placement.Load(db, database.Time, default);
        var first = NewContainer();
        var taken = placement.Place(first, Small).Host!;
        Assert.Equal("full", taken.Name);
        placement.Reserve(first, Small, taken);

        var answer = placement.Place(NewContainer(), Small);

        Assert.Null(answer.Host);
        Assert.Equal("No host has room for 1 vCPU and 2 GB now; it starts as soon as one has.", answer.Why);
        Assert.Equal(["full", "little", "off", "stale", "theirs", "unreachable"], answer.Refusals.Select(refusal => refusal.Host));
        string Of(string host) => answer.Refusals.Single(refusal => refusal.Host == host).Reason;
        Assert.Equal("Of it 3 vCPU, 1 GB of memory and 80 GB of disk are not reserved.", Of("full"));
        Assert.Equal("It is too small: it has 16 vCPU, 1 GB of memory and 100 GB of disk to give.", Of("little"));
        Assert.Equal("It is switched off.", Of("off"));
        Assert.StartsWith("It has not answered since ", Of("stale"), StringComparison.Ordinal);
        Assert.Equal("It takes containers of other organizations only.", Of("theirs"));
        Assert.Equal("It doesn't answer: Connection refused", Of("unreachable"));
    }

    [Theory]
    [InlineData("", "No host is registered. An administrator can add one.")]
    [InlineData("away", "No host answers now; it is started as soon as one does.")]
    [InlineData("little", "No host is large enough for 1 vCPU and 2 GB. Choose a smaller tier.")]
    [InlineData("theirs", "No host takes containers of this organization now.")]
    public async Task Container_ThatFitsNowhere_IsToldWhatItsPeopleCanDo(string kind, string why)
    {
        if (kind == "away")
            await Add("away", change: host => host.LastError = "no route");
        if (kind == "little")
            await Add("little", memory: 1);
        if (kind is "theirs" or "away")
            await Add("theirs", change: host => host.OrganizationIds = [Guid.CreateVersion7()]);
        await using var db = database.CreateContext();
        var answer = (await Placement.Load(db, database.Time, default)).Place(NewContainer(), Small);
        Assert.Equal(why, answer.Why);
    }

    [Fact]
    public async Task Queue_WithoutAHost_TellsMembersAReasonAndAdministratorsEachHost()
    {
        await Add("basement", change: host => host.Enabled = false);
        var id = (await web.Create(workspace)).Id;
        await web.Run();
        await PlatformFixture.Until(async () => (await web.Row(id)).Reason is not null, "a reason");

        var seen = (await web.Containers.Get(workspace.Owner, id)).Value!;
        Assert.Equal((ContainerState.Queued, "No host takes containers of this organization now."), (seen.State, seen.Reason));
        Assert.Empty(seen.Hosts);
        await using (var db = database.CreateContext())
            await db.Users.Where(user => user.Id == workspace.Owner.UserId).ExecuteUpdateAsync(set => set.SetProperty(user => user.IsPlatformAdministrator, true));
        Assert.Equal(new HostRefusal("basement", "It is switched off."), Assert.Single((await web.Containers.Get(workspace.Owner, id)).Value!.Hosts));
        var listed = (await web.Get<PlatformContainers>().List(workspace.Owner)).Value!.Containers.Single(container => container.Id == id);
        Assert.Equal("basement", Assert.Single(listed.Hosts).Host);

        await using (var db = database.CreateContext())
            await db.Set<ContainerHost>().ExecuteUpdateAsync(set => set.SetProperty(host => host.Enabled, true));
        await web.Reaches(workspace, id, ContainerState.Running);
        Assert.DoesNotContain((await web.Containers.Events(workspace.Owner, id)).Value!, entry => entry.Text.Contains("basement", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Container_WhoseHostIsAway_WaitsForItWhereItsDataIs()
    {
        await Add("home");
        await Add("elsewhere", memory: 64);
        await using var db = database.CreateContext();
        var container = NewContainer();
        container.HostId = (await db.Set<ContainerHost>().SingleAsync(host => host.Name == "home")).Id;
        Assert.Equal("home", (await Placement.Load(db, database.Time, default)).Place(container, Small).Host?.Name);
        await db.Set<ContainerHost>().Where(host => host.Name == "home").ExecuteUpdateAsync(set => set.SetProperty(host => host.LastError, "gone"));
        var answer = (await Placement.Load(db, database.Time, default)).Place(container, Small);
        Assert.Equal((null, "Its host doesn't answer; it is started as soon as it does."), (answer.Host, answer.Why));
        Assert.Equal([new HostRefusal("home", "It doesn't answer: gone")], answer.Refusals);
    }

    private async Task Add(string name, long memory = 16, Action<ContainerHost>? change = null)
    {
        var host = new ContainerHost { Name = name, Endpoint = $"unix:///{name}", Cpus = 16, MemoryBytes = memory * Gigabyte, DiskBytes = 100 * Gigabyte };
        change?.Invoke(host);
        await using var db = database.CreateContext();
        db.Add(host);
        await db.SaveChangesAsync();
    }

    private static readonly Tier Small = new() { Name = "any", Cpus = 1, MemoryBytes = 2 * Gigabyte, DiskBytes = 20 * Gigabyte };

    private Container NewContainer() => new()
    {
        OrganizationId = workspace.Team.Id, ProjectId = workspace.ProjectId, OwnerId = workspace.Owner.UserId, Name = "any", TemplateId = Guid.Empty, TemplateVersion = 1, TierId = Guid.Empty,
    };
}
