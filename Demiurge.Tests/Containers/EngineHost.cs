using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Repositories.Running;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Demiurge.Tests.Containers;

/// <summary>The services of one Web over a database of their own and a real engine: reconciler, snapshots, repositories.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private readonly List<IHostedService> running = [];

    private EngineHost(ServiceProvider services)
    {
        this.services = services;
    }

    public ContainerService Containers => Get<ContainerService>();

    public SnapshotService Snapshots => Get<SnapshotService>();

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    public DemiurgeDbContext CreateContext() => Get<IDbContextFactory<DemiurgeDbContext>>().CreateDbContext();

    public static async Task<EngineHost> Start(
        PostgresFixture database, DockerFixture docker, Action<IServiceCollection>? configure = null, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["Demiurge:Containers:Interval"] = "00:00:00.500", ["Demiurge:Containers:RetryDelay"] = "00:00:00.100", ["Demiurge:Containers:StopGrace"] = "00:00:02",
            ["Demiurge:Snapshots:Interval"] = "00:00:00.200", ["Demiurge:Snapshots:RetryDelay"] = "00:00:00.050",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        var host = new EngineHost(database.Build(all, configure));
        await host.Get<TemplateSeeder>().StartAsync(CancellationToken.None);
        await using (var db = host.CreateContext())
        {
            if (!await db.Set<ContainerHost>().AnyAsync())
            {
                db.Add(new ContainerHost { Name = "engine", Endpoint = docker.Endpoint, Cpus = 100, MemoryBytes = 1L << 40, DiskBytes = 1L << 45 });
                await db.SaveChangesAsync();
            }
        }
        await host.Run();
        return host;
    }

    /// <summary>A template of the small image with two volumes.</summary>
    public async Task<Guid> TinyTemplate(string image = DockerFixture.Tiny, string user = "user")
    {
        await using var db = CreateContext();
        var template = new Template { Slug = $"tiny-{Guid.NewGuid():N}"[..20], Name = "Tiny", LatestVersion = 1, CreatedAt = DateTimeOffset.UtcNow };
        db.Add(template);
        db.Add(new TemplateVersion
        {
            TemplateId = template.Id, Version = 1, CreatedAt = DateTimeOffset.UtcNow,
            Spec = new TemplateSpec(
                image, [new TemplateService("main", "Page", 8080, "/", null, true)], [], ["/home/user", "/var/data"], new Dictionary<string, string>(), "/bin/sh", false, ["/tmp"], user, null,
                null, null, 0, 400, 300),
        });
        await db.SaveChangesAsync();
        return template.Id;
    }

    public async Task<Container> Row(Guid containerId)
    {
        await using var db = CreateContext();
        return await db.Set<Container>().AsNoTracking().SingleAsync(row => row.Id == containerId);
    }

    public async Task<Container> Reaches(Guid containerId, ContainerState state)
    {
        Container? row = null;
        await PlatformFixture.Until(async () => (row = await Row(containerId)).State == state, $"the state {state}");
        return row!;
    }

    public async Task<ContainerInfo> Create(Workspace workspace, Guid templateId, Guid? repositoryId = null)
    {
        var created = await Containers.Create(workspace.Owner, new NewContainer(workspace.ProjectId, templateId, RepositoryId: repositoryId));
        Assert.True(created.Succeeded, created.Error?.Message);
        await Reaches(created.Value.Id, ContainerState.Running);
        return created.Value;
    }

    /// <summary>Runs a shell command in a container that runs. What it wrote.</summary>
    public async Task<string> Shell(Guid containerId, string command, string? user = null)
    {
        await using var exec = await (await Runtime(containerId)).Exec(
            await Name(containerId), new ExecSpec(["/bin/sh", "-c", command], 80, 24) { Tty = false, User = user }, CancellationToken.None);
        await exec.CompleteInput(CancellationToken.None);
        using var output = new MemoryStream();
        var buffer = new byte[8192];
        while (await exec.Read(buffer, CancellationToken.None) is > 0 and var count)
            output.Write(buffer, 0, count);
        var text = System.Text.Encoding.UTF8.GetString(output.ToArray());
        Assert.True(await exec.ExitCode(CancellationToken.None) == 0, $"{command}: {text}");
        return text.Trim();
    }

    public async Task<string> Name(Guid containerId) => new RuntimeNames(await Get<Installation>().Mark()).Container(containerId);

    public async Task<IContainerRuntime> Runtime(Guid containerId)
    {
        var row = await Row(containerId);
        await using var db = CreateContext();
        return Get<IContainerRuntimes>().Of(await db.Set<ContainerHost>().SingleAsync(host => host.Id == row.HostId));
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        await using (var db = CreateContext())
        {
            var names = new RuntimeNames(await Get<Installation>().Mark());
            var hosts = await db.Set<ContainerHost>().ToListAsync();
            foreach (var id in await db.Set<Container>().Select(row => row.Id).ToListAsync())
            {
                foreach (var host in hosts)
                    await Get<IContainerRuntimes>().Of(host).Remove(names.Container(id), volumes: true, CancellationToken.None);
            }
        }
        await services.DisposeAsync();
    }

    /// <summary>Ends the background work, as the end of Web does.</summary>
    public async Task Stop()
    {
        foreach (var service in Enumerable.Reverse(running))
            await service.StopAsync(CancellationToken.None);
        running.Clear();
    }

    public async Task Run()
    {
        foreach (var service in new IHostedService[] { Get<ContainerChanges>(), Get<ContainerReconciler>(), Get<SnapshotWorker>(), Get<RepositoryRunner>() })
        {
            await service.StartAsync(CancellationToken.None);
            running.Add(service);
        }
    }
}
