using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Mail;

/// <summary>How mails leave the house. Bound to <c>Demiurge:Mail</c>, checked at start.</summary>
public sealed record MailOptions
{
    public const string Section = "Demiurge:Mail";

    public SmtpOptions Smtp { get; init; } = new();
}

/// <summary>The mail server. Without a <see cref="Host"/> there is none.</summary>
public sealed record SmtpOptions
{
    public string? Host { get; init; }

    public int Port { get; init; } = 587;

    /// <summary>Whether to demand TLS by STARTTLS.</summary>
    public bool Tls { get; init; } = true;

    public string? UserName { get; init; }

    public string? Password { get; init; }

    /// <summary>The sender's address.</summary>
    public string? From { get; init; }

    public bool IsConfigured => !string.IsNullOrWhiteSpace(Host);
}

internal sealed class MailOptionsValidation : IValidateOptions<MailOptions>
{
    public ValidateOptionsResult Validate(string? name, MailOptions options)
    {
        var smtp = options.Smtp;
        if (!smtp.IsConfigured)
            return ValidateOptionsResult.Success;
        var failures = new List<string>();
        if (smtp.Port is < 1 or > 65535)
            failures.Add("Demiurge:Mail:Smtp:Port must be between 1 and 65535.");
        if (!new EmailAddressAttribute().IsValid(smtp.From ?? ""))
            failures.Add("Demiurge:Mail:Smtp:From must be the e-mail address that mails are sent from.");
        if (smtp.Password is not null && smtp.UserName is null)
            failures.Add("Demiurge:Mail:Smtp:UserName is missing beside Demiurge:Mail:Smtp:Password.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
