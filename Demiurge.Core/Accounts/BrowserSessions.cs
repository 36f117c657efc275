using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Demiurge.Core.Accounts;

/// <summary>A browser's session that was logged out. Kept as long as anything that was derived from the session could still be shown.</summary>
public sealed class EndedSession
{
    public required Guid Id { get; init; }

    public required DateTimeOffset ForgetAt { get; init; }
}

/// <summary>
/// Which browsers' sessions were logged out. The session's own cookie is gone then; this is for what was handed out under it and lives
/// elsewhere, as on containers' hosts. Safe for concurrent use.
/// </summary>
public sealed class BrowserSessions(IDbContextFactory<DemiurgeDbContext> contexts, TimeProvider time)
{
    /// <summary>The claim that carries a session's id.</summary>
    public const string Claim = "demiurge.session";

    private static readonly TimeSpan Memory = TimeSpan.FromDays(30);

    public async Task End(Guid sessionId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        await db.Set<EndedSession>().Where(session => session.ForgetAt < now).ExecuteDeleteAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"INSERT INTO ended_sessions (id, forget_at) VALUES ({sessionId}, {now + Memory}) ON CONFLICT DO NOTHING", cancellationToken);
    }
}

internal sealed class EndedSessionConfiguration : IEntityTypeConfiguration<EndedSession>
{
    public void Configure(EntityTypeBuilder<EndedSession> builder)
    {
        builder.ToTable("ended_sessions");
        builder.Property(session => session.Id).ValueGeneratedNever();
    }
}
