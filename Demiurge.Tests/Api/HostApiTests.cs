using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Api;

/// <summary>Hosts and limits as a program sets them, with a real engine behind them.</summary>
public sealed class HostApiTests(WebFixture web, DockerFixture docker) : IClassFixture<WebFixture>, IClassFixture<DockerFixture>
{
    [DockerFact]
    public async Task Host_IsTriedSavedChangedSwitchedAndRemoved_ByAdministratorsAlone()
    {
        var (ann, organization, project) = await Administrator();
        var values = new { name = "api", endpoint = docker.Endpoint, cpus = 2.0, memoryBytes = 256L << 20, diskBytes = 1L << 30 };
        var ben = await ApiClient.Register(web);
        (await ben.Get("hosts")).Expect(403, "platform.forbidden");
        (await ben.Post("hosts", values)).Expect(403, "platform.forbidden");
        (await ben.Post("hosts/test", values)).Expect(403, "platform.forbidden");
        (await ApiClient.Anonymous(web).Get("hosts")).Expect(401);

        Assert.Contains("runc", (await ann.Post("hosts/test", values)).Expect(200)["runtimes"].AsArray().Select(name => (string)name!));
        Assert.Empty((await ann.Get("hosts")).Expect(200).Body!.AsArray());
        Assert.Equal("endpoint", (string?)(await ann.Post("hosts", new { name = "api", endpoint = "unix:///nowhere.sock", cpus = 1.0, memoryBytes = 1L << 20, diskBytes = 1L })).Expect(400, "host.unusable")["field"]);
        (await ann.Post("hosts", new { values.name, values.endpoint })).Expect(400);
        var made = (await ann.Post("hosts", values)).Expect(201);
        var address = $"hosts/{made["id"]}";
        (await ann.Post("hosts", values)).Expect(409, "host.name_taken");
        Assert.Equal(1.0, (double)(await ann.Put(address, new { values.name, values.endpoint, cpus = 1.0, values.memoryBytes, values.diskBytes, organizationIds = new[] { organization } })).Expect(200)["cpus"]);
        (await ben.Put(address, values)).Expect(403);
        (await ben.Patch(address, new { enabled = false })).Expect(403);
        (await ben.Delete(address)).Expect(403);
        (await ann.Patch(address, new { enabled = false })).Expect(204);
        Assert.False((bool)(await ann.Get("hosts")).Expect(200).Body![0]!["enabled"]!);

        // One that has a container's data can't go.
        var terminal = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray().Single(row => (string)row!["slug"]! == "terminal")!["id"]!;
        var container = (Guid)(await ann.Post($"projects/{project}/containers", new { templateId = (string)terminal! })).Expect(201)["id"];
        await using (var db = web.Services.GetRequiredService<IDbContextFactory<DemiurgeDbContext>>().CreateDbContext())
        {
            var host = (Guid)made["id"];
            await db.Set<Container>().Where(row => row.Id == container).ExecuteUpdateAsync(set => set.SetProperty(row => row.HostId, host));
            (await ann.Delete(address)).Expect(409, "host.in_use");
            await db.Set<Container>().Where(row => row.Id == container).ExecuteDeleteAsync();
        }
        (await ann.Delete(address)).Expect(204);
        (await ann.Delete(address)).Expect(404, "host.not_found");
    }

    [DockerFact]
    public async Task LimitsAndSettings_AreReadAndSet()
    {
        var (ann, organization, project) = await Administrator();
        var quotas = $"organizations/{organization}/quotas";
        (await ann.Put(quotas, new { containers = 1 })).Expect(204);
        (await ann.Put($"{quotas}/people/{ann.UserId}", new { cpus = 2.5, snapshotBytes = 5L })).Expect(204);
        (await ann.Put(quotas, new { running = -1 })).Expect(400, "quota.limit_negative");
        var seen = (await ann.Get(quotas)).Expect(200);
        Assert.Equal((1, 2.5), ((int)seen["limits"]["containers"]!, (double)seen["people"][0]!["limits"]!["cpus"]!));
        var terminal = (await ann.Get($"organizations/{organization}/templates")).Expect(200).Body!.AsArray().Single(row => (string)row!["slug"]! == "terminal")!["id"]!;
        var address = $"containers/{(await ann.Post($"projects/{project}/containers", new { templateId = (string)terminal! })).Expect(201)["id"]}";
        (await ann.Post($"projects/{project}/containers", new { templateId = (string)terminal! })).Expect(409, "container.quota_reached");

        var large = (await ann.Get("tiers")).Expect(200).Body!.AsArray().Single(row => (string)row!["name"]! == "medium")!["id"]!;
        Assert.Equal("medium", (string?)(await ann.Patch($"{address}/settings", new { tierId = (string)large! })).Expect(200)["tier"]["name"]);
        Assert.Equal((string)large!, (string?)(await ann.Get($"{address}/settings")).Expect(200)["tierId"]);
        (await ann.Patch($"{address}/settings", new { options = new { nothing = "x" } })).Expect(400, "container.options_refused");
        var ben = await ApiClient.Register(web);
        (await ben.Get(quotas)).Expect(404);
        (await ben.Put(quotas, new { })).Expect(403);
        (await ben.Get($"{address}/settings")).Expect(404);
    }

    private async Task<(ApiClient Ann, string Organization, string Project)> Administrator()
    {
        var ann = await ApiClient.Register(web);
        await using var db = web.Services.GetRequiredService<IDbContextFactory<DemiurgeDbContext>>().CreateDbContext();
        await db.Users.ExecuteUpdateAsync(set => set.SetProperty(user => user.IsPlatformAdministrator, user => user.Id == ann.UserId));
        await db.Set<ContainerHost>().ExecuteDeleteAsync();
        var organization = (string)(await ann.Post("organizations", new { name = "Acme" })).Expect(201)["id"]!;
        return (ann, organization, (string)(await ann.Post($"organizations/{organization}/projects", new { name = "Plan" })).Expect(201)["id"]!);
    }
}
