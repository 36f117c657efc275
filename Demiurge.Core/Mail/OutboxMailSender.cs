using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Core.Mail;

/// <summary>
/// Puts mails into the outbox table. With a mail server <see cref="SmtpDelivery"/> takes them from there; without one, outside of
/// production, that is where they stay and are read (<see cref="Outbox"/>).
/// </summary>
public sealed class OutboxMailSender(IDbContextFactory<DemiurgeDbContext> contexts, TimeProvider time) : IMailSender
{
    public async Task<Result> Send(OutgoingMail mail, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        db.Add(new OutboxMail { To = mail.To, Subject = mail.Subject, Text = mail.Text, CreatedAt = now, NextAttemptAt = now });
        await db.SaveChangesAsync(cancellationToken);
        return Result.Ok;
    }
}
