using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Accounts;

/// <summary>How often credentials may be tried. Bound to <c>Demiurge:Accounts</c>, checked at start.</summary>
public sealed record AccountOptions
{
    public const string Section = "Demiurge:Accounts";

    /// <summary>Sign-ins, registrations and password resets that one network address may ask for in a minute.</summary>
    [Range(1, 100_000, ErrorMessage = "Demiurge:Accounts:CredentialRequestsPerMinute must be between 1 and 100000.")]
    public int CredentialRequestsPerMinute { get; init; } = 30;

    /// <summary>Sign-ins that may be tried on one e-mail address in five minutes, whether or not it has an account.</summary>
    [Range(1, 100_000, ErrorMessage = "Demiurge:Accounts:SignInsPerEmail must be between 1 and 100000.")]
    public int SignInsPerEmail { get; init; } = 20;

    /// <summary>Password-reset mails that one e-mail address may be sent in an hour.</summary>
    [Range(1, 100_000, ErrorMessage = "Demiurge:Accounts:ResetsPerEmail must be between 1 and 100000.")]
    public int ResetsPerEmail { get; init; } = 5;

    /// <summary>Wrong passwords in a row after which an account refuses every password for <see cref="LockoutMinutes"/>.</summary>
    [Range(1, 1000, ErrorMessage = "Demiurge:Accounts:LockoutThreshold must be between 1 and 1000.")]
    public int LockoutThreshold { get; init; } = 8;

    [Range(1, 24 * 60, ErrorMessage = "Demiurge:Accounts:LockoutMinutes must be between 1 and 1440.")]
    public int LockoutMinutes { get; init; } = 5;
}
