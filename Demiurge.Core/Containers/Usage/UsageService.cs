using System.Globalization;
using System.Text;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Platform;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Containers.Usage;

/// <summary>How long a container ran on a tier within a period, at a price.</summary>
/// <param name="ContainerName">The name that it had last in the period.</param>
/// <param name="Hours">Of running, with fractions.</param>
/// <param name="Cost">Hours times price, to four decimals.</param>
/// <param name="Running">Whether it runs now.</param>
public sealed record UsageLine(
    Guid ContainerId, string ContainerName, Guid ProjectId, string ProjectName, Guid OwnerId, string OwnerName, string Tier, decimal PricePerHour, decimal Hours,
    decimal Cost, bool Running);

/// <summary>An organization's use of containers in a period.</summary>
public sealed record UsageReport(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<UsageLine> Lines, decimal Hours, decimal Cost);

/// <summary>What an organization used in a period.</summary>
/// <param name="Containers">How many ran in it.</param>
/// <param name="Running">How many run now.</param>
public sealed record OrganizationUsage(Guid OrganizationId, string OrganizationName, int Containers, int Running, decimal Hours, decimal Cost);

/// <summary>The installation's use of containers in a period.</summary>
/// <param name="Days">Hours by day (UTC), oldest first, all days of the period up to today.</param>
public sealed record PlatformUsage(
    DateTimeOffset From, DateTimeOffset To, IReadOnlyList<OrganizationUsage> Organizations, IReadOnlyList<(DateOnly Day, decimal Hours)> Days, decimal Hours, decimal Cost);

/// <summary>What organizations used, in hours times tiers. Safe for concurrent use.</summary>
public sealed class UsageService(IDbContextFactory<DemiurgeDbContext> contexts, TimeProvider time)
{
    public static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(366);

    private static readonly Error PeriodUnusable = new(
        "usage.period_unusable", "The period ends after it begins, and is no longer than a year.", ErrorKind.Invalid) { Field = "to" };

    /// <summary>Of a period, the costliest first; for the organization's owners and admins.</summary>
    /// <param name="from">Null: the beginning of this month (UTC).</param>
    /// <param name="to">Null: now. What lies in the future counts until now.</param>
    public async Task<Result<UsageReport>> Report(
        Actor actor, Guid organizationId, DateTimeOffset? from = null, DateTimeOffset? to = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "see its usage", cancellationToken)).Error is { } refused)
            return refused;
        var now = time.GetUtcNow();
        var begin = (from ?? new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero)).ToUniversalTime();
        var end = (to ?? now).ToUniversalTime();
        if (end <= begin || end - begin > LongestPeriod)
            return PeriodUnusable;
        var rows = await (
            from record in db.Set<UsageRecord>().AsNoTracking()
            join project in db.Projects.IgnoreQueryFilters() on record.ProjectId equals project.Id
            join owner in db.Users on record.OwnerId equals owner.Id
            where record.OrganizationId == organizationId && record.From < end && (record.To == null || record.To > begin)
            orderby record.From
            select new { Record = record, ProjectName = project.Name, OwnerName = owner.DisplayName }).ToListAsync(cancellationToken);
        var until = end < now ? end : now;
        var lines = rows.GroupBy(row => (row.Record.ContainerId, row.Record.Tier, row.Record.PricePerHour, row.Record.OwnerId)).Select(group =>
        {
            var last = group.Last();
            var ticks = group.Sum(row => Math.Max(0, (Earlier(row.Record.To ?? until, until) - Later(row.Record.From, begin)).Ticks));
            var hours = (decimal)ticks / TimeSpan.TicksPerHour;
            return new UsageLine(
                last.Record.ContainerId, last.Record.ContainerName, last.Record.ProjectId, last.ProjectName, last.Record.OwnerId, last.OwnerName, last.Record.Tier,
                last.Record.PricePerHour, Math.Round(hours, 4), Math.Round(hours * last.Record.PricePerHour, 4), group.Any(row => row.Record.To == null));
        }).OrderByDescending(line => line.Cost).ThenByDescending(line => line.Hours).ToList();
        return new UsageReport(begin, end, lines, lines.Sum(line => line.Hours), lines.Sum(line => line.Cost));
    }

    /// <summary>Of a period by organization, the costliest first; for the installation's administrators.</summary>
    /// <param name="from">Null: the beginning of this month (UTC).</param>
    /// <param name="to">Null: now. What lies in the future counts until now.</param>
    public async Task<Result<PlatformUsage>> Platform(Actor actor, DateTimeOffset? from = null, DateTimeOffset? to = null, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await PlatformService.IsAdministrator(db, actor, cancellationToken))
            return Errors.PlatformForbidden;
        var now = time.GetUtcNow();
        var begin = (from ?? new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero)).ToUniversalTime();
        var end = (to ?? now).ToUniversalTime();
        if (end <= begin || end - begin > LongestPeriod)
            return PeriodUnusable;
        var rows = await (
            from record in db.Set<UsageRecord>().AsNoTracking()
            join organization in db.Organizations.IgnoreQueryFilters() on record.OrganizationId equals organization.Id
            where record.From < end && (record.To == null || record.To > begin)
            select new { record.OrganizationId, OrganizationName = organization.Name, record.ContainerId, record.PricePerHour, record.From, record.To }).ToListAsync(cancellationToken);
        var until = end < now ? end : now;
        var days = new SortedDictionary<DateOnly, long>();
        for (var day = DateOnly.FromDateTime(begin.UtcDateTime); day.ToDateTime(TimeOnly.MinValue) < until.UtcDateTime; day = day.AddDays(1))
            days[day] = 0;
        foreach (var row in rows)
        {
            var (start, last) = (Later(row.From, begin).UtcDateTime, Earlier(row.To ?? until, until).UtcDateTime);
            while (start < last)
            {
                var midnight = start.Date.AddDays(1);
                days[DateOnly.FromDateTime(start)] += ((midnight < last ? midnight : last) - start).Ticks;
                start = midnight;
            }
        }
        var organizations = rows.GroupBy(row => row.OrganizationId).Select(group =>
        {
            var stretches = group.Select(row => (row.PricePerHour, Hours: Hours(Math.Max(0, (Earlier(row.To ?? until, until) - Later(row.From, begin)).Ticks)))).ToList();
            return new OrganizationUsage(
                group.Key, group.First().OrganizationName, group.Select(row => row.ContainerId).Distinct().Count(), group.Count(row => row.To == null),
                Math.Round(stretches.Sum(stretch => stretch.Hours), 4), Math.Round(stretches.Sum(stretch => stretch.Hours * stretch.PricePerHour), 4));
        }).OrderByDescending(organization => organization.Cost).ThenByDescending(organization => organization.Hours).ThenBy(organization => organization.OrganizationName).ToList();
        return new PlatformUsage(
            begin, end, organizations, [.. days.Select(day => (day.Key, Math.Round(Hours(day.Value), 4)))], organizations.Sum(organization => organization.Hours), organizations.Sum(organization => organization.Cost));
    }

    /// <summary>The report as comma-separated values (RFC 4180), with a line of names first.</summary>
    public static string ToCsv(PlatformUsage report)
    {
        var csv = new StringBuilder("from,to,organization,organization id,containers,hours,cost\r\n");
        foreach (var line in report.Organizations)
        {
            string[] cells =
            [
                report.From.ToString("O", CultureInfo.InvariantCulture), report.To.ToString("O", CultureInfo.InvariantCulture), line.OrganizationName, line.OrganizationId.ToString(),
                line.Containers.ToString(CultureInfo.InvariantCulture), line.Hours.ToString(CultureInfo.InvariantCulture), line.Cost.ToString(CultureInfo.InvariantCulture),
            ];
            csv.AppendJoin(',', cells.Select(Cell)).Append("\r\n");
        }
        return csv.ToString();
    }

    private static decimal Hours(long ticks) => (decimal)ticks / TimeSpan.TicksPerHour;

    /// <summary>The report as comma-separated values (RFC 4180), with a line of names first.</summary>
    public static string ToCsv(UsageReport report)
    {
        var csv = new StringBuilder("from,to,project,container,container id,owner,tier,price per hour,hours,cost\r\n");
        foreach (var line in report.Lines)
        {
            string[] cells =
            [
                report.From.ToString("O", CultureInfo.InvariantCulture), report.To.ToString("O", CultureInfo.InvariantCulture), line.ProjectName, line.ContainerName,
                line.ContainerId.ToString(), line.OwnerName, line.Tier, line.PricePerHour.ToString(CultureInfo.InvariantCulture),
                line.Hours.ToString(CultureInfo.InvariantCulture), line.Cost.ToString(CultureInfo.InvariantCulture),
            ];
            csv.AppendJoin(',', cells.Select(Cell)).Append("\r\n");
        }
        return csv.ToString();
    }

    /// <summary>Quoted where it has to be; what a spreadsheet would take for a formula gets an apostrophe.</summary>
    private static string Cell(string text)
    {
        if (text.Length > 0 && text[0] is ('=' or '+' or '-' or '@' or '\t'))
            text = $"'{text}";
        return text.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
