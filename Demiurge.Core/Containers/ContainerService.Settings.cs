using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Permissions;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers;

/// <summary>Another tier, other options, of a container that there is.</summary>
public sealed partial class ContainerService
{
    /// <summary>Its tier and options; for those who manage it.</summary>
    public async Task<Result<ContainerSettings>> Settings(Actor actor, Guid containerId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
            return Errors.ContainerNotFound;
        var (container, rights) = grant;
        if (!rights.CanManage)
            return Errors.NotYours;
        var spec = await SpecOf(db, container, cancellationToken);
        return new ContainerSettings(container.TierId, container.Options, [.. container.ProtectedOptions.Keys.Order(StringComparer.Ordinal)], spec.Options);
    }

    /// <summary>
    /// Gives it another tier or other options, from its next start on; it runs on as it is until then, and its volumes stay. For those who manage it.
    /// </summary>
    /// <param name="tierId">Null: the one it has.</param>
    /// <param name="given">By name; those left out stay, an empty one goes back to its default.</param>
    public Task<Result<ContainerInfo>> Configure(
        Actor actor, Guid containerId, Guid? tierId, IReadOnlyDictionary<string, string>? given = null, CancellationToken cancellationToken = default) => Command(
        actor, containerId, Right.Manage, "container.configured",
        async (db, container) =>
        {
            var spec = await SpecOf(db, container, cancellationToken);
            var told = new List<string>();
            if (tierId is { } wanted && wanted != container.TierId)
            {
                var before = await db.Set<Tier>().AsNoTracking().SingleAsync(row => row.Id == container.TierId, cancellationToken);
                if (await FindTier(db, wanted, null, spec, cancellationToken) is not { } tier)
                    return (false, Errors.TierNotFound);
                var runs = container is { Desired: DesiredState.Running, Place: ContainerPlace.Engine };
                if ((await quotas.Check(db, container, tier, isNew: false, runs, before, cancellationToken)).Error is { } full)
                    return (false, full);
                container.TierId = tier.Id;
                told.Add($"the tier {tier.Name} instead of {before.Name}");
            }
            if (given is { Count: > 0 })
            {
                var all = new Dictionary<string, string>(container.Options);
                foreach (var (name, value) in given)
                    all[name] = value;
                var kept = container.ProtectedOptions.Where(option => !given.ContainsKey(option.Key)).ToDictionary();
                var chosen = TemplateOptions.Check(spec, all, kept.Keys);
                if (!chosen.Succeeded)
                    return (false, chosen.Error);
                foreach (var (name, value) in chosen.Value.Secret.Where(option => !kept.ContainsKey(option.Key)))
                    kept[name] = secrets.Protect(value);
                container.Options = chosen.Value.Plain;
                container.ProtectedOptions = kept;
                told.Add($"other values of {string.Join(", ", given.Keys.Order(StringComparer.Ordinal))}");
            }
            if (told.Count == 0)
                return (false, null);
            ContainerStory.Tell(db, container.Id, time.GetUtcNow(), "configured", $"From its next start on it has {string.Join(" and ", told)}.");
            return (true, null);
        },
        cancellationToken, locksOrganization: true);

    private static async Task<TemplateSpec> SpecOf(Persistence.DemiurgeDbContext db, Container container, CancellationToken cancellationToken) =>
        (await db.Set<TemplateVersion>().AsNoTracking().SingleAsync(
            row => row.TemplateId == container.TemplateId && row.Version == container.TemplateVersion, cancellationToken)).Spec;
}
