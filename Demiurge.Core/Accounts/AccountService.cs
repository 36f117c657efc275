using System.Text.RegularExpressions;
using Demiurge.Core.Audit;
using Demiurge.Core.Mail;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Accounts;

/// <summary>A person's own account.</summary>
/// <param name="Color"><c>#rrggbb</c>.</param>
public sealed record Profile(Guid Id, string Email, string DisplayName, string Color, bool IsPlatformAdministrator, DateTimeOffset CreatedAt)
{
    public static Profile Of(User user) =>
        new(user.Id, user.Email!, user.DisplayName, user.Color, user.IsPlatformAdministrator, user.CreatedAt);
}

/// <summary>
/// Accounts over ASP.NET Core Identity: registration, credentials, passwords, profile. Nothing here tells a stranger whether an
/// address has an account, but registration, which has to. Safe for concurrent use.
/// </summary>
public sealed partial class AccountService(
    IServiceScopeFactory scopes, CredentialThrottle throttle, TokenService tokens, IMailSender mails, IOptions<SiteOptions> site, TimeProvider time)
{
    public const int MinPasswordLength = 8;
    public const int MaxPasswordLength = 128;

    /// <summary>The key of the PostgreSQL advisory lock under which the first account is made.</summary>
    private const long FirstAccountLockKey = 0x66697273;

    /// <summary>How long a request for a password reset takes at least, whatever there was to do.</summary>
    private static readonly TimeSpan ResetRequestFloor = TimeSpan.FromMilliseconds(250);

    private static readonly TextRule DisplayNameRule = new("displayName", "The display name", 80);

    /// <summary>The colours that new people get; each stands out on a light and on a dark board.</summary>
    private static readonly string[] Palette =
        ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#ea580c", "#4f46e5"];

    /// <summary>Creates an account. The installation's first is its platform administrator, also when two register at once.</summary>
    public async Task<Result<Profile>> Register(
        string? email, string? displayName, string? password, CancellationToken cancellationToken = default)
    {
        var address = EmailAddress.Check(email);
        if (!address.Succeeded)
            return address.Error;
        var name = DisplayNameRule.Check(displayName);
        if (!name.Succeeded)
            return name.Error;
        if (CheckPassword(address.Value, password) is { } unusable)
            return unusable;

        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<DemiurgeDbContext>();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var isFirst = false;
        if (!await db.Users.AnyAsync(cancellationToken))
        {
            await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({FirstAccountLockKey})", cancellationToken);
            isFirst = !await db.Users.AnyAsync(cancellationToken);
        }
        var user = new User
        {
            UserName = address.Value,
            Email = address.Value,
            DisplayName = name.Value,
            Color = Palette[Random.Shared.Next(Palette.Length)],
            IsPlatformAdministrator = isFirst,
            CreatedAt = time.GetUtcNow(),
        };
        try
        {
            var created = await users.CreateAsync(user, password!);
            if (!created.Succeeded)
            {
                return created.Errors.Any(error => error.Code is nameof(IdentityErrorDescriber.DuplicateEmail) or nameof(IdentityErrorDescriber.DuplicateUserName))
                    ? Errors.EmailTaken
                    : Errors.PasswordRefused(created);
            }
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return Errors.EmailTaken;
        }
        AuditLog.Record(db, time, new Actor(user.Id), "account.registered", subjectUserId: user.Id);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Profile.Of(user);
    }

    /// <summary>
    /// The person whose e-mail address and password these are. Wrong ones count towards the account's lockout and the address's
    /// limit; the refusal doesn't tell which of the two was wrong, nor whether the account is locked.
    /// </summary>
    public async Task<Result<User>> CheckCredentials(string? email, string? password, CancellationToken cancellationToken = default)
    {
        var address = EmailAddress.Check(email);
        if (!address.Succeeded || password is null or { Length: 0 or > MaxPasswordLength })
            return Errors.CredentialsRefused;
        var normalized = EmailAddress.Normalize(address.Value);
        if (!throttle.MaySignIn(normalized))
            return Errors.TooManyAttempts;
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        var db = scope.ServiceProvider.GetRequiredService<DemiurgeDbContext>();
        var user = await db.Users.SingleOrDefaultAsync(row => row.NormalizedEmail == normalized, cancellationToken);
        if (user is null || await users.IsLockedOutAsync(user))
        {
            // As much work as for a password that is looked at, so that the time tells nothing either.
            users.PasswordHasher.VerifyHashedPassword(Stranger, StrangerHash(users.PasswordHasher), password);
            return Errors.CredentialsRefused;
        }
        if (!await users.CheckPasswordAsync(user, password))
        {
            await users.AccessFailedAsync(user);
            return Errors.CredentialsRefused;
        }
        await users.ResetAccessFailedCountAsync(user);
        return user;
    }

    /// <summary>
    /// Sends a link for a new password to the address, if it has an account; the answer is the same if it has none. Refused with
    /// <c>mail.not_configured</c>, for every address, where no mail can be sent.
    /// </summary>
    public async Task<Result> RequestPasswordReset(string? email, CancellationToken cancellationToken = default)
    {
        var address = EmailAddress.Check(email);
        if (!address.Succeeded)
            return address.Error;
        if (mails is UnconfiguredMailSender)
            return UnconfiguredMailSender.NotConfigured;
        if (!throttle.MayReset(EmailAddress.Normalize(address.Value)))
            return Errors.TooManyAttempts;
        var floor = Task.Delay(ResetRequestFloor, cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        if (await users.FindByEmailAsync(address.Value) is { } user)
        {
            var link = site.Value.PasswordResetLink(user.Email!, await users.GeneratePasswordResetTokenAsync(user));
            var mail = new OutgoingMail(
                user.Email!,
                "A new password for your Demiurge account",
                $"""
                Hello {user.DisplayName},

                somebody, we hope you, asked for a new password for your account. Choose it here:
                {link}

                The link works once, for two hours. If it wasn't you, ignore this mail: nothing has changed.
                """);
            await mails.Send(mail, cancellationToken);
        }
        await floor;
        return Result.Ok;
    }

    /// <summary>Sets a new password by the link's token and ends every session of the account.</summary>
    public async Task<Result> ResetPassword(string? email, string? token, string? newPassword, CancellationToken cancellationToken = default)
    {
        var address = EmailAddress.Check(email);
        if (!address.Succeeded || token is null or { Length: 0 or > 2000 })
            return Errors.ResetLinkInvalid;
        if (CheckPassword(address.Value, newPassword) is { } unusable)
            return unusable;
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        if (await users.FindByEmailAsync(address.Value) is not { } user)
            return Errors.ResetLinkInvalid;
        var reset = await users.ResetPasswordAsync(user, token, newPassword!);
        if (!reset.Succeeded)
        {
            return reset.Errors.Any(error => error.Code is nameof(IdentityErrorDescriber.InvalidToken) or nameof(IdentityErrorDescriber.ConcurrencyFailure))
                ? Errors.ResetLinkInvalid
                : Errors.PasswordRefused(reset);
        }
        await users.SetLockoutEndDateAsync(user, null);
        await users.ResetAccessFailedCountAsync(user);
        await PasswordWasSet(scope.ServiceProvider, user, "account.password_reset", cancellationToken);
        return Result.Ok;
    }

    /// <summary>Sets a new password for a person who knows the current one, and ends every other session of the account.</summary>
    public async Task<Result> ChangePassword(Actor actor, string? currentPassword, string? newPassword, CancellationToken cancellationToken = default)
    {
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        if (await users.FindByIdAsync(actor.UserId.ToString()) is not { } user)
            return Errors.AccountNotFound;
        if (!throttle.MaySignIn(user.NormalizedEmail!))
            return Errors.TooManyAttempts;
        if (CheckPassword(user.Email!, newPassword) is { } unusable)
            return unusable with { Field = "newPassword" };
        if (currentPassword is null or { Length: > MaxPasswordLength })
            return Errors.CurrentPasswordWrong;
        var changed = await users.ChangePasswordAsync(user, currentPassword, newPassword!);
        if (!changed.Succeeded)
        {
            return changed.Errors.Any(error => error.Code == nameof(IdentityErrorDescriber.PasswordMismatch))
                ? Errors.CurrentPasswordWrong
                : Errors.PasswordRefused(changed) with { Field = "newPassword" };
        }
        await PasswordWasSet(scope.ServiceProvider, user, "account.password_changed", cancellationToken);
        return Result.Ok;
    }

    public async Task<Result<Profile>> GetProfile(Actor actor, CancellationToken cancellationToken = default)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<DemiurgeDbContext>();
        return await db.Users.AsNoTracking().SingleOrDefaultAsync(user => user.Id == actor.UserId, cancellationToken) is { } user
            ? Profile.Of(user)
            : Errors.AccountNotFound;
    }

    /// <summary>Changes what is not null.</summary>
    /// <param name="color"><c>#rrggbb</c>.</param>
    public async Task<Result<Profile>> UpdateProfile(
        Actor actor, string? displayName = null, string? color = null, CancellationToken cancellationToken = default)
    {
        string? newName = null, newColor = null;
        if (displayName is not null)
        {
            var name = DisplayNameRule.Check(displayName);
            if (!name.Succeeded)
                return name.Error;
            newName = name.Value;
        }
        if (color is not null)
        {
            if (!ColorPattern.IsMatch(color))
                return Errors.ColorMalformed;
            newColor = color.ToLowerInvariant();
        }
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<DemiurgeDbContext>();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Column by column, beside Identity's own changes to the row and its concurrency stamp.
        var found = await db.Users.Where(user => user.Id == actor.UserId).ExecuteUpdateAsync(
            set => set.SetProperty(user => user.DisplayName, user => newName ?? user.DisplayName).SetProperty(user => user.Color, user => newColor ?? user.Color),
            cancellationToken);
        if (found == 0)
            return Errors.AccountNotFound;
        AuditLog.Record(db, time, actor, "account.profile_updated", subjectUserId: actor.UserId, details: [("displayName", newName), ("color", newColor)]);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return await GetProfile(actor, cancellationToken);
    }

    private static readonly User Stranger = new() { DisplayName = "", Color = "" };

    private static string? strangerHash;

    private static string StrangerHash(IPasswordHasher<User> hasher) =>
        strangerHash ??= hasher.HashPassword(Stranger, Guid.NewGuid().ToString());

    [GeneratedRegex(@"\A#[0-9a-fA-F]{6}\z")]
    private static partial Regex ColorPattern { get; }

    private static Error? CheckPassword(string email, string? password) =>
        password is { Length: > MaxPasswordLength } ? Errors.PasswordTooLong
        : string.Equals(password, email, StringComparison.OrdinalIgnoreCase) ? Errors.PasswordIsEmail
        : password is null ? Errors.PasswordRefused(IdentityResult.Failed(new IdentityErrorDescriber().PasswordTooShort(MinPasswordLength)))
        : null;

    private async Task PasswordWasSet(IServiceProvider provider, User user, string action, CancellationToken cancellationToken)
    {
        await tokens.EndAll(user.Id, cancellationToken);
        var db = provider.GetRequiredService<DemiurgeDbContext>();
        AuditLog.Record(db, time, new Actor(user.Id), action, subjectUserId: user.Id);
        await db.SaveChangesAsync(cancellationToken);
    }
}
