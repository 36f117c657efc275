using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Demiurge.Core.Containers.Templates;

/// <summary>
/// Brings the shipped templates and tiers into the database before Web listens: a template that is new, or whose shipped version rose, or
/// whose image the options now name differently, gets a version. Versions that administrators made stay, and so does what they switched off.
/// </summary>
internal sealed partial class TemplateSeeder(
    IDbContextFactory<DemiurgeDbContext> contexts, ShippedTemplates shipped, TimeProvider time, ILogger<TemplateSeeder> logger) : IHostedService
{
    private static readonly (string Name, double Cpus, int Gigabytes, int DiskGigabytes, decimal PricePerHour)[] Tiers =
    [
        ("small", 0.5, 1, 10, 0.008m), ("medium", 1, 2, 20, 0.016m), ("large", 2, 4, 40, 0.033m), ("xlarge", 4, 8, 80, 0.066m),
    ];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended('shipped templates', 0))", cancellationToken);
        if (!await db.Set<Tier>().AnyAsync(cancellationToken))
            db.AddRange(Tiers.Select((tier, order) => MakeTier(tier, order)));
        foreach (var template in shipped.All)
            await Upgrade(db, template, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Tier MakeTier((string Name, double Cpus, int Gigabytes, int DiskGigabytes, decimal PricePerHour) tier, int order) => new()
    {
        Name = tier.Name,
        Cpus = tier.Cpus,
        MemoryBytes = (long)tier.Gigabytes << 30,
        DiskBytes = (long)tier.DiskGigabytes << 30,
        Pids = 512,
        PricePerHour = tier.PricePerHour,
        Order = order,
    };

    private async Task Upgrade(DemiurgeDbContext db, ShippedTemplate template, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var row = await db.Set<Template>().SingleOrDefaultAsync(row => row.OrganizationId == null && row.Slug == template.Slug, cancellationToken);
        if (row is null)
        {
            row = new Template { Slug = template.Slug, Name = template.Name, Description = template.Description, Icon = template.Icon, CreatedAt = now };
            db.Add(row);
        }
        else if (row.ShippedVersion is null)
        {
            return;
        }
        else if (row.ShippedVersion == template.Version && !await HasOtherImage(db, row, template, cancellationToken))
        {
            return;
        }
        row.LatestVersion++;
        row.ShippedVersion = template.Version;
        db.Add(new TemplateVersion { TemplateId = row.Id, Version = row.LatestVersion, Spec = template.Spec, CreatedAt = now });
        Log.Upgraded(logger, template.Slug, row.LatestVersion);
    }

    /// <summary>Whether the latest version is the shipped one but for its image.</summary>
    private static async Task<bool> HasOtherImage(DemiurgeDbContext db, Template row, ShippedTemplate template, CancellationToken cancellationToken)
    {
        var latest = await db.Set<TemplateVersion>().SingleAsync(version => version.TemplateId == row.Id && version.Version == row.LatestVersion, cancellationToken);
        return latest.Spec.Image != template.Spec.Image && JsonColumn.Write(latest.Spec with { Image = template.Spec.Image }) == JsonColumn.Write(template.Spec);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Template {Slug} is at version {Version}")]
        public static partial void Upgraded(ILogger logger, string slug, int version);
    }
}
