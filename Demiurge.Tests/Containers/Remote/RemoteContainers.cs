using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;

namespace Demiurge.Tests.Containers.Remote;

/// <summary>Makes containers that run on people's own machines.</summary>
internal static class RemoteContainers
{
    /// <summary>One with the services <c>main</c> at 8080 and <c>api</c> at 8000.</summary>
    public static async Task<Guid> Add(DemiurgeDbContext db, Guid organizationId, Guid projectId, Guid ownerId)
    {
        var template = new Template { Slug = $"own-{Guid.NewGuid():N}"[..20], Name = "Own", OrganizationId = organizationId, LatestVersion = 1 };
        var tier = new Tier { Name = $"tier {Guid.NewGuid():N}"[..30], Cpus = 1, MemoryBytes = 1 << 30, Pids = 100 };
        var spec = new TemplateSpec(
            "none", [new("main", "Main", 8080, "/", null, true), new("api", "API", 8000, "/v1", null, false)], [], [], new Dictionary<string, string>(), null, false, [], null, null, null,
            null, 0, 400, 300);
        db.AddRange(template, tier, new TemplateVersion { TemplateId = template.Id, Version = 1, Spec = spec });
        var container = new Container
        {
            OrganizationId = organizationId, ProjectId = projectId, OwnerId = ownerId, Name = "Mine", TemplateId = template.Id, TemplateVersion = 1, TierId = tier.Id,
            Place = ContainerPlace.Remote, Desired = DesiredState.Stopped, State = ContainerState.Stopped, Reason = "Waits for your machine to join.",
            Share = ShareLevel.Project, CreatedAt = DateTimeOffset.UtcNow,
        };
        db.Add(container);
        await db.SaveChangesAsync();
        return container.Id;
    }
}
