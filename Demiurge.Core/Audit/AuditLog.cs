using Demiurge.Core.Accounts;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Audit;

/// <summary>An audit entry with the names that its ids have today.</summary>
public sealed record AuditEntryInfo(
    Guid Id, DateTimeOffset At, string Action, Guid? ActorId, string? ActorName, Guid? SubjectUserId, string? SubjectName,
    Guid? ProjectId, IReadOnlyDictionary<string, string> Details);

/// <summary>Writes and reads what was changed, by whom and when.</summary>
public sealed class AuditLog(IDbContextFactory<DemiurgeDbContext> contexts)
{
    public const int MaxPage = 200;

    /// <summary>An organization's entries, newest first; for its owners and admins.</summary>
    /// <param name="before">The <see cref="AuditEntryInfo.Id"/> of the last entry of the page before, or null for the first page.</param>
    /// <param name="count">At most <see cref="MaxPage"/>.</param>
    public async Task<Result<IReadOnlyList<AuditEntryInfo>>> List(
        Actor actor, Guid organizationId, Guid? before = null, int count = 50, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "read the audit log", cancellationToken)).Error is { } refused)
            return refused;
        var entries = db.AuditEntries.AsNoTracking().Where(entry => entry.OrganizationId == organizationId);
        if (before is { } last)
            entries = entries.Where(entry => entry.Id.CompareTo(last) < 0);
        var page = await (
            from entry in entries
            join actorUser in db.Users on entry.ActorId equals actorUser.Id into actors
            from actorUser in actors.DefaultIfEmpty()
            join subjectUser in db.Users on entry.SubjectUserId equals subjectUser.Id into subjects
            from subjectUser in subjects.DefaultIfEmpty()
            orderby entry.Id descending
            select new { Entry = entry, ActorName = (string?)actorUser.DisplayName, SubjectName = (string?)subjectUser.DisplayName })
            .Take(Math.Clamp(count, 1, MaxPage))
            .ToListAsync(cancellationToken);
        return page.ConvertAll(row => new AuditEntryInfo(
            row.Entry.Id, row.Entry.At, row.Entry.Action, row.Entry.ActorId, row.ActorName, row.Entry.SubjectUserId, row.SubjectName,
            row.Entry.ProjectId, row.Entry.Details));
    }

    /// <summary>Adds an entry to the context's unit of work, so that it is committed with the change it tells of, or not at all.</summary>
    internal static void Record(
        DemiurgeDbContext db, TimeProvider time, Actor? actor, string action, Guid? organizationId = null, Guid? projectId = null,
        Guid? subjectUserId = null, params ReadOnlySpan<(string Key, object? Value)> details)
    {
        var texts = new Dictionary<string, string>(details.Length);
        foreach (var (key, value) in details)
            texts[key] = value?.ToString() ?? "";
        db.Add(new AuditEntry
        {
            At = time.GetUtcNow(),
            ActorId = actor?.UserId,
            OrganizationId = organizationId,
            ProjectId = projectId,
            SubjectUserId = subjectUserId,
            Action = action,
            Details = texts,
        });
    }
}
