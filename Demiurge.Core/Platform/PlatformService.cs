using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Platform;

/// <summary>The installation in numbers.</summary>
public sealed record PlatformOverview(int Users, int Organizations, int Projects);

/// <summary>An account as the installation's administrator sees it.</summary>
public sealed record PlatformUser(Guid Id, string DisplayName, string Email, string Color, bool IsPlatformAdministrator, DateTimeOffset CreatedAt, int Organizations);

/// <summary>A page of accounts.</summary>
/// <param name="Total">How many there are without the paging.</param>
public sealed record PlatformUsers(IReadOnlyList<PlatformUser> Users, int Total);

/// <summary>What a platform administrator sees of the installation as a whole: numbers and accounts, nobody's boards. Safe for concurrent use.</summary>
public sealed class PlatformService(IDbContextFactory<DemiurgeDbContext> contexts)
{
    public const int MaxPage = 200;

    private static readonly Error Forbidden = new(
        "platform.forbidden", "Only platform administrators can see the installation as a whole.", ErrorKind.Forbidden);

    public async Task<Result<PlatformOverview>> Overview(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await IsAdministrator(db, actor, cancellationToken))
            return Forbidden;
        return new PlatformOverview(
            await db.Users.CountAsync(cancellationToken), await db.Organizations.CountAsync(cancellationToken), await db.Projects.CountAsync(cancellationToken));
    }

    /// <summary>Accounts, newest first.</summary>
    /// <param name="search">Part of a name or an e-mail address; null for all.</param>
    /// <param name="count">At most <see cref="MaxPage"/>.</param>
    public async Task<Result<PlatformUsers>> Users(
        Actor actor, string? search = null, int skip = 0, int count = 50, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await IsAdministrator(db, actor, cancellationToken))
            return Forbidden;
        var found = db.Users.AsNoTracking();
        if (search?.Trim() is { Length: > 0 } text && !text.Contains('\0'))
        {
            var pattern = $"%{text.Replace(@"\", @"\\").Replace("%", @"\%").Replace("_", @"\_")}%";
            found = found.Where(user => EF.Functions.ILike(user.Email!, pattern, @"\") || EF.Functions.ILike(user.DisplayName, pattern, @"\"));
        }
        var page = await found.OrderByDescending(user => user.Id).Skip(Math.Max(skip, 0)).Take(Math.Clamp(count, 1, MaxPage))
            .Select(user => new PlatformUser(
                user.Id, user.DisplayName, user.Email!, user.Color, user.IsPlatformAdministrator, user.CreatedAt,
                db.OrganizationMembers.Count(member => member.UserId == user.Id && db.Organizations.Any(row => row.Id == member.OrganizationId))))
            .ToListAsync(cancellationToken);
        return new PlatformUsers(page, await found.CountAsync(cancellationToken));
    }

    internal static Task<bool> IsAdministrator(DemiurgeDbContext db, Actor actor, CancellationToken cancellationToken) =>
        db.Users.AnyAsync(user => user.Id == actor.UserId && user.IsPlatformAdministrator, cancellationToken);
}

public static class PlatformRegistration
{
    public static IServiceCollection AddPlatform(this IServiceCollection services) => services.AddSingleton<PlatformService>();
}
