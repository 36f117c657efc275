using Microsoft.AspNetCore.Identity;

namespace Demiurge.Core.Accounts;

internal static class Errors
{
    /// <summary>The same for a wrong address, a wrong password and a locked account, so that none of them can be told apart.</summary>
    public static readonly Error CredentialsRefused = new(
        "account.credentials_refused",
        "The e-mail address and the password don't belong together, or were wrong too often. After several wrong passwords an account refuses all for a few minutes.",
        ErrorKind.Unauthenticated);

    public static readonly Error TooManyAttempts = new(
        "account.too_many_attempts", "There were too many attempts for this e-mail address. Wait a few minutes, then try again.", ErrorKind.TooMany);

    public static readonly Error EmailTaken = new(
        "account.email_taken", "There is already an account with this e-mail address. Sign in, or reset its password.", ErrorKind.Conflict) { Field = "email" };

    public static readonly Error AccountNotFound = new("account.not_found", "This account no longer exists.", ErrorKind.NotFound);

    public static readonly Error ResetLinkInvalid = new(
        "account.reset_link_invalid", "This link has expired or was used before. Ask for a new one.", ErrorKind.Invalid) { Field = "token" };

    public static readonly Error CurrentPasswordWrong = new(
        "account.current_password_wrong", "The current password is not right.", ErrorKind.Invalid) { Field = "currentPassword" };

    public static readonly Error ColorMalformed = new(
        "account.color_malformed", "The colour is written #rrggbb, for example #2563eb.", ErrorKind.Invalid) { Field = "color" };

    public static readonly Error PasswordTooLong = new(
        "account.password_too_long", $"The password is too long: at most {AccountService.MaxPasswordLength} characters.", ErrorKind.Invalid) { Field = "password" };

    public static readonly Error PasswordIsEmail = new(
        "account.password_is_email", "The password must not be the e-mail address.", ErrorKind.Invalid) { Field = "password" };

    /// <summary>What Identity found wrong with a new password.</summary>
    public static Error PasswordRefused(IdentityResult result) => new(
        "account.password_refused", string.Join(' ', result.Errors.Select(error => error.Description)), ErrorKind.Invalid) { Field = "password" };
}
