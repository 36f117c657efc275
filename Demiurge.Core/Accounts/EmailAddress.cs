using System.Net.Mail;

namespace Demiurge.Core.Accounts;

/// <summary>The form an e-mail address must have to name an account: a bare address, at most 254 characters.</summary>
public static class EmailAddress
{
    private static readonly TextRule Rule = new("email", "The e-mail address", 254);

    private static readonly Error Malformed = new("input.email_malformed", "That is not an e-mail address.", ErrorKind.Invalid) { Field = "email" };

    /// <summary>The trimmed address, or why it can't be one.</summary>
    public static Result<string> Check(string? input)
    {
        var text = Rule.Check(input);
        if (!text.Succeeded)
            return text;
        return MailAddress.TryCreate(text.Value, out var address) && address.Address == text.Value && address.Host.Contains('.') && !text.Value.Contains(' ')
            ? text
            : Malformed;
    }

    /// <summary>The form under which two spellings of an address are the same account.</summary>
    public static string Normalize(string email) => email.ToUpperInvariant();
}
