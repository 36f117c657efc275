using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Containers.Hosts;

public sealed class ContainerHostTests(DockerFixture docker) : IClassFixture<DockerFixture>, IAsyncLifetime
{
    // A database for each test: an engine can be registered once in an installation.
    private readonly PostgresFixture platform = new();

    private ContainerHostService Hosts => platform.Get<ContainerHostService>();

    private HostValues Values => new("engine one", docker.Endpoint, null, null, null, 2, 256 << 20, 1 << 30, [], null, HostReach.Direct, null);

    public Task InitializeAsync() => platform.InitializeAsync();

    public Task DisposeAsync() => platform.DisposeAsync();

    [DockerFact]
    public async Task Create_ForAnybodyButAdministrators_IsForbidden()
    {
        var person = await Person(administrator: false);
        Assert.Equal("platform.forbidden", (await Hosts.Create(person, Values)).Error?.Code);
        Assert.Equal("platform.forbidden", (await Hosts.Test(person, Values)).Error?.Code);
        Assert.Equal("platform.forbidden", (await Hosts.List(person)).Error?.Code);
        Assert.Equal("platform.forbidden", (await Hosts.Delete(person, Guid.NewGuid())).Error?.Code);
        Assert.Equal("platform.forbidden", (await Hosts.SetEnabled(person, Guid.NewGuid(), false)).Error?.Code);
        Assert.Equal("platform.forbidden", (await Hosts.Update(person, Guid.NewGuid(), Values)).Error?.Code);
    }

    [DockerFact]
    public async Task Create_WhatWasTried_IsSavedAndListed()
    {
        var admin = await Person(administrator: true);
        var found = await Hosts.Test(admin, Values);
        Assert.True(found.Succeeded, found.Error?.Message);
        Assert.Equal(Environment.ProcessorCount, found.Value.Cpus);
        Assert.Contains("runc", found.Value.Runtimes);
        // The test engine has a network namespace of its own, as an engine on another machine has.
        Assert.Contains(found.Value.Findings, finding => finding.Contains("not on this machine", StringComparison.Ordinal));
        Assert.Empty((await Hosts.List(admin)).Value!);

        var created = await Hosts.Create(admin, Values);
        Assert.True(created.Succeeded, created.Error?.Message);
        var listed = Assert.Single((await Hosts.List(admin)).Value!);
        Assert.Equal(("engine one", docker.Endpoint, 2, false), (listed.Name, listed.Endpoint, listed.Cpus, listed.IsStale));
        var mark = await platform.Get<Installation>().Mark();
        Assert.DoesNotContain(await docker.Engine.ListNetworks(), network => network.Name.Contains(mark, StringComparison.Ordinal));

        var runtime = platform.Get<IContainerRuntimes>().Of((await Rows()).Single());
        var container = await runtime.Ensure(TestRuntime.Spec(), default);
        Assert.Equal(RuntimeState.Running, container.State);
        await runtime.Remove(container.Name, volumes: true, default);
    }

    [DockerFact]
    public async Task Create_WhatDoesNotWork_IsRefusedWithTheReason()
    {
        var admin = await Person(administrator: true);
        await Refused("host.unusable", Values with { Endpoint = "unix:///tmp/demiurge-no-such.sock" });
        await Refused("host.unusable", Values with { Endpoint = "tcp://127.0.0.1:2375" });
        await Refused("host.unusable", Values with { Endpoint = "http://127.0.0.1" });
        await Refused("host.runtime_unknown", Values with { Runtime = "nosuch" });
        await Refused("host.capacity_invalid", Values with { Cpus = 0 });
        await Refused("host.capacity_invalid", Values with { Cpus = double.NaN });
        await Refused("host.capacity_invalid", Values with { MemoryBytes = 1L << 50 });
        await Refused("host.capacity_invalid", Values with { DiskBytes = 0 });
        await Refused("host.published_address_missing", Values with { Reach = HostReach.Published });
        await Refused("host.published_address_missing", Values with { Reach = HostReach.Published, PublishedAddress = "0.0.0.0" });
        await Refused("host.reach_unknown", Values with { Reach = (HostReach)9 });
        await Refused("host.organization_unknown", Values with { OrganizationIds = [Guid.NewGuid()] });
        await Refused("host.client_key_missing", Values with { CaPem = "a", ClientCertPem = "b" });
        await Refused("input.missing", Values with { Name = " " });
        Assert.Empty(await Rows());

        Assert.True((await Hosts.Create(admin, Values)).Succeeded);
        await Refused("host.engine_taken", Values with { Name = "again" });
        await Refused("host.name_taken", Values);

        async Task Refused(string code, HostValues values) => Assert.Equal(code, (await Hosts.Create(admin, values)).Error?.Code);
    }

    [DockerFact]
    public async Task Create_OverTls_KeepsTheKeyProtected()
    {
        var admin = await Person(administrator: true);
        await using var daemon = await DockerDaemon.Prepare();
        using var authority = TestAuthority.Create();
        var server = authority.Issue("engine", daemon.Address);
        var client = authority.Issue("demiurge");
        var folder = Directory.CreateTempSubdirectory("demiurge-docker-tls-");
        foreach (var (name, text) in new[] { ("ca", authority.Pem), ("cert", server.Certificate), ("key", server.Key) })
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, name), text);
        await daemon.StartDocker("-H", "tcp://0.0.0.0:2376", "--tlsverify", $"--tlscacert={folder}/ca", $"--tlscert={folder}/cert", $"--tlskey={folder}/key");
        folder.Delete(recursive: true);

        var values = Values with { Endpoint = $"tcp://{daemon.Address}:2376", CaPem = authority.Pem, ClientCertPem = client.Certificate, ClientKey = client.Key };
        var created = await Hosts.Create(admin, values);
        Assert.True(created.Succeeded, created.Error?.Message);
        var row = (await Rows()).Single();
        Assert.DoesNotContain("PRIVATE", row.ClientKeyProtected, StringComparison.Ordinal);
        // Without the key again, the one that is there stays.
        Assert.True((await Hosts.Update(admin, row.Id, values with { ClientKey = null, Name = "renamed" })).Succeeded);
        Assert.NotEmpty(await platform.Get<IHostProbe>().Ping((await Rows()).Single(), default));

        // Another engine under the row of one that has containers would lose their data.
        await Place(admin, row.Id);
        Assert.Equal("host.engine_changed", (await Hosts.Update(admin, row.Id, Values)).Error?.Code);
    }

    [DockerFact]
    public async Task Delete_WhileContainersAreOnIt_IsRefused()
    {
        var admin = await Person(administrator: true);
        var host = (await Hosts.Create(admin, Values)).Value!;
        var container = await Place(admin, host.Id);

        Assert.Equal("host.in_use", (await Hosts.Delete(admin, host.Id)).Error?.Code);
        var listed = Assert.Single((await Hosts.List(admin)).Value!);
        Assert.Equal((1, 0.5, 64L << 20, 128L << 20), (listed.Containers, listed.ReservedCpus, listed.ReservedMemoryBytes, listed.ReservedDiskBytes));
        Assert.True((await Hosts.SetEnabled(admin, host.Id, false)).Succeeded);

        await using (var db = platform.CreateContext())
            await db.Set<Container>().Where(row => row.Id == container).ExecuteDeleteAsync();
        Assert.True((await Hosts.Delete(admin, host.Id)).Succeeded);
        Assert.Equal("host.not_found", (await Hosts.Delete(admin, host.Id)).Error?.Code);
    }

    [DockerFact]
    public async Task Watcher_HostGoesAndComes_IsMarkedStaleAfterAMinute()
    {
        var admin = await Person(administrator: true);
        await using var daemon = await DockerDaemon.Start();
        Assert.True((await Hosts.Create(admin, Values with { Endpoint = daemon.EndpointText })).Succeeded);
        var watcher = platform.Get<HostWatcher>();

        await daemon.KillDocker();
        await watcher.Look();
        var listed = Assert.Single((await Hosts.List(admin)).Value!);
        Assert.Contains("can't be reached", listed.LastError, StringComparison.Ordinal);
        Assert.False(listed.IsStale);
        platform.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.True(Assert.Single((await Hosts.List(admin)).Value!).IsStale);

        await daemon.StartDocker();
        await watcher.Look();
        listed = Assert.Single((await Hosts.List(admin)).Value!);
        Assert.True(listed is { LastError: null, IsStale: false });
    }

    [DockerFact]
    public async Task Watcher_NoHostYet_RegistersTheMachinesEngineWhenThereIsOne()
    {
        await using (var nowhere = platform.Build(new() { ["Demiurge:Containers:Engine"] = "unix:///tmp/demiurge-no-such.sock" }))
        {
            var watcher = nowhere.GetRequiredService<HostWatcher>();
            await watcher.Look();
            Assert.Contains("demiurge-no-such.sock", watcher.WhyOff, StringComparison.Ordinal);
        }
        await using (var none = platform.Build(new() { ["Demiurge:Containers:Engine"] = "" }))
        {
            var watcher = none.GetRequiredService<HostWatcher>();
            await watcher.Look();
            Assert.NotNull(watcher.WhyOff);
        }
        Assert.Empty(await Rows());

        await using var here = platform.Build(new() { ["Demiurge:Containers:Engine"] = docker.Endpoint });
        var registering = here.GetRequiredService<HostWatcher>();
        await registering.Look();
        await registering.Look();
        Assert.Null(registering.WhyOff);
        var host = Assert.Single(await Rows());
        Assert.True(host is { Name: "local", Enabled: true, Cpus: > 0, MemoryBytes: > 0, DiskBytes: > 0, EngineId: not null, OrganizationIds.Count: 0 });
    }

    private async Task<Actor> Person(bool administrator)
    {
        var person = await platform.Register();
        await using var db = platform.CreateContext();
        await db.Users.Where(user => user.Id == person.Id).ExecuteUpdateAsync(set => set.SetProperty(user => user.IsPlatformAdministrator, administrator));
        return person.Actor;
    }

    private async Task<List<ContainerHost>> Rows()
    {
        await using var db = platform.CreateContext();
        return await db.Set<ContainerHost>().AsNoTracking().ToListAsync();
    }

    /// <summary>A container's row on the host; nothing is started.</summary>
    private async Task<Guid> Place(Actor owner, Guid hostId)
    {
        var organization = (await platform.Get<OrganizationService>().Create(owner, "Acme")).Value!;
        var project = (await platform.Get<ProjectService>().Create(owner, organization.Id, "Board")).Value!;
        await using var db = platform.CreateContext();
        var tier = new Tier { Name = "test", Cpus = 0.5, MemoryBytes = 64 << 20, DiskBytes = 128 << 20, Pids = 64 };
        var template = new Template { Slug = "test", Name = "Test", LatestVersion = 1 };
        var version = new TemplateVersion
        {
            TemplateId = template.Id,
            Version = 1,
            Spec = new TemplateSpec(DockerFixture.Tiny, [], [], [], new Dictionary<string, string>(), null, false, [], null, null, null, null, 60, 400, 300),
        };
        var container = new Container
        {
            OrganizationId = organization.Id,
            ProjectId = project.Id,
            OwnerId = owner.UserId,
            Name = "c",
            TemplateId = template.Id,
            TemplateVersion = 1,
            TierId = tier.Id,
            HostId = hostId,
            Desired = DesiredState.Running,
            State = ContainerState.Running,
        };
        db.AddRange(tier, template, version, container);
        await db.SaveChangesAsync();
        return container.Id;
    }
}
