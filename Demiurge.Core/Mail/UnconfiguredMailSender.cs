namespace Demiurge.Core.Mail;

/// <summary>Refuses every mail: what production does without a mail server, since an outbox that others can read would give accounts away.</summary>
public sealed class UnconfiguredMailSender : IMailSender
{
    public static readonly Error NotConfigured = new(
        "mail.not_configured",
        "This installation can't send mail. Its administrator has to set Demiurge:Mail:Smtp:Host and Demiurge:Mail:Smtp:From.",
        ErrorKind.Unavailable);

    public Task<Result> Send(OutgoingMail mail, CancellationToken cancellationToken = default) => Task.FromResult<Result>(NotConfigured);
}
