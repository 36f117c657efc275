using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Containers;

/// <summary>The installation's random id, the same as long as its database lives; the only row of its table.</summary>
internal sealed class InstallationId
{
    public const int OnlyKey = 1;

    public int Key { get; init; } = OnlyKey;

    public Guid Value { get; init; } = Guid.NewGuid();
}

/// <summary>
/// What marks an engine's containers, volumes and networks as this installation's, so that several can share an engine. Safe for
/// concurrent use, from several processes on one database too.
/// </summary>
public sealed class Installation(IDbContextFactory<DemiurgeDbContext> contexts)
{
    private volatile InstallationId? known;

    public async Task<Guid> Id(CancellationToken cancellationToken = default)
    {
        if (known is { } row)
            return row.Value;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"INSERT INTO installation (key, value) VALUES ({InstallationId.OnlyKey}, {Guid.NewGuid()}) ON CONFLICT DO NOTHING", cancellationToken);
        known = row = await db.Set<InstallationId>().AsNoTracking().SingleAsync(cancellationToken);
        return row.Value;
    }

    /// <summary>Eight hexadecimal digits of it: what names on an engine carry.</summary>
    public async Task<string> Mark(CancellationToken cancellationToken = default) => (await Id(cancellationToken)).ToString("N")[..8];

    public async Task<RuntimeNames> Names(CancellationToken cancellationToken = default) => new(await Mark(cancellationToken));
}

internal sealed class InstallationConfiguration : IEntityTypeConfiguration<InstallationId>
{
    public void Configure(EntityTypeBuilder<InstallationId> builder)
    {
        builder.ToTable("installation");
        builder.HasKey(row => row.Key);
        builder.Property(row => row.Key).ValueGeneratedNever();
    }
}
