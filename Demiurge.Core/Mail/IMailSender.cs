namespace Demiurge.Core.Mail;

/// <summary>A plain-text mail to one person.</summary>
public sealed record OutgoingMail(string To, string Subject, string Text);

/// <summary>Takes mails for delivery.</summary>
public interface IMailSender
{
    /// <summary>Stores the mail for delivery and returns; refused with <c>mail.not_configured</c> where no mail can be sent.</summary>
    Task<Result> Send(OutgoingMail mail, CancellationToken cancellationToken = default);
}
