using Demiurge.Core.Accounts;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Demiurge.Tests.Containers;

/// <summary>The services and the reconciler of one Web over a database of their own, with an engine that does what the test says.</summary>
internal sealed class ReconcilerHost : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private readonly FakeEngine engine;
    private bool runs;

    private ReconcilerHost(ServiceProvider services, FakeEngine engine)
    {
        this.services = services;
        this.engine = engine;
    }

    public FakeEngine Engine => engine;

    public ContainerService Containers => Get<ContainerService>();

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    public DemiurgeDbContext CreateContext() => Get<IDbContextFactory<DemiurgeDbContext>>().CreateDbContext();

    /// <summary>A Web on the database; <paramref name="engine"/> may be shared with another one.</summary>
    public static Task<ReconcilerHost> Start(PostgresFixture database, FakeEngine? engine = null, bool runs = true, params (string Key, string Value)[] settings)
    {
        engine ??= new FakeEngine();
        return Start(database, engine, "unix:///nowhere", runs, settings);
    }

    /// <summary>A Web on the database, with a real engine as its only host.</summary>
    public static Task<ReconcilerHost> StartOn(string endpoint, PostgresFixture database, params (string Key, string Value)[] settings) =>
        Start(database, null, endpoint, runs: true, settings);

    private static async Task<ReconcilerHost> Start(
        PostgresFixture database, FakeEngine? engine, string endpoint, bool runs, (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["Demiurge:Containers:Interval"] = "00:00:00.300", ["Demiurge:Containers:RetryDelay"] = "00:00:00.050", ["Demiurge:Containers:StopGrace"] = "00:00:01",
        };
        foreach (var (key, value) in settings)
            all[$"Demiurge:Containers:{key}"] = value;
        var services = database.Build(all, collection =>
        {
            if (engine is null)
                return;
            collection.RemoveAll<IContainerRuntimes>();
            collection.AddSingleton<IContainerRuntimes>(engine);
        });
        var host = new ReconcilerHost(services, engine ?? new FakeEngine());
        await host.Get<TemplateSeeder>().StartAsync(CancellationToken.None);
        host.Engine.Mark = await host.Get<Installation>().Mark();
        await using (var db = host.CreateContext())
        {
            if (!await db.Set<ContainerHost>().AnyAsync())
            {
                db.Add(new ContainerHost { Name = "local", Endpoint = endpoint, Cpus = 1000, MemoryBytes = 1L << 42, DiskBytes = 1L << 50 });
                await db.SaveChangesAsync();
            }
        }
        if (runs)
            await host.Run();
        return host;
    }

    /// <summary>The engine of the only host.</summary>
    public async Task<IContainerRuntime> Runtime()
    {
        await using var db = CreateContext();
        return Get<IContainerRuntimes>().Of(await db.Set<ContainerHost>().AsNoTracking().SingleAsync());
    }

    public async Task Run()
    {
        runs = true;
        await Get<ContainerChanges>().StartAsync(CancellationToken.None);
        await Get<ContainerReconciler>().StartAsync(CancellationToken.None);
    }

    public async Task<NewContainer> Request(Guid projectId, string template = "terminal", IReadOnlyDictionary<string, string>? options = null)
    {
        await using var db = CreateContext();
        return new NewContainer(projectId, (await db.Set<Template>().SingleAsync(row => row.Slug == template)).Id) { Options = options };
    }

    public async Task<ContainerInfo> Create(Workspace workspace, string template = "terminal", IReadOnlyDictionary<string, string>? options = null)
    {
        var created = await Containers.Create(workspace.Owner, await Request(workspace.ProjectId, template, options));
        Assert.True(created.Succeeded, created.Error?.Message);
        return created.Value;
    }

    public async Task<ContainerInfo> Running(Workspace workspace, string template = "terminal") =>
        await Reaches(workspace, (await Create(workspace, template)).Id, ContainerState.Running);

    public async Task<ContainerInfo> Reaches(Workspace workspace, Guid containerId, ContainerState state)
    {
        ContainerInfo? info = null;
        await PlatformFixture.Until(
            async () =>
            {
                info = (await Containers.Get(workspace.Owner, containerId)).Value;
                return info?.State == state;
            },
            $"the state {state}");
        return info!;
    }

    public async Task<Container> Row(Guid containerId)
    {
        await using var db = CreateContext();
        return await db.Set<Container>().AsNoTracking().SingleAsync(row => row.Id == containerId);
    }

    /// <summary>Ends the background work, as the end of Web does.</summary>
    public async Task Stop()
    {
        runs = false;
        await Get<ContainerReconciler>().StopAsync(CancellationToken.None);
        await Get<ContainerChanges>().StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (runs)
            await Stop();
        await services.DisposeAsync();
    }
}

/// <summary>An organization's owner and one of its projects.</summary>
internal sealed record Workspace(Team Team, Guid ProjectId)
{
    public Actor Owner => Team.Owner.Actor;

    public static async Task<Workspace> Create(PostgresFixture database, ProjectVisibility visibility = ProjectVisibility.Private)
    {
        var team = await database.CreateTeam();
        return new Workspace(team, (await database.Get<ProjectService>().Create(team.Owner.Actor, team.Id, "Plan", visibility: visibility)).Value!.Id);
    }

    public async Task<Person> Join(ProjectRole? role, OrganizationRole inOrganization = OrganizationRole.Member)
    {
        var person = await Team.Join(inOrganization);
        if (role is { } given)
            Assert.Null((await Team.Database.Get<ProjectService>().SetMember(Owner, ProjectId, person.Id, given)).Error);
        return person;
    }
}
