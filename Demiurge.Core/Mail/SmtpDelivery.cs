using System.Net;
using System.Net.Mail;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Mail;

/// <summary>
/// Carries mails from the outbox to the mail server, several instances side by side: each takes a mail with
/// <c>FOR UPDATE SKIP LOCKED</c> and keeps the row until the server took it. A mail that fails is tried again after 1, 2, 4, …
/// minutes, <see cref="MaxAttempts"/> times. The text of a delivered mail is erased: it may hold a secret link.
/// </summary>
public sealed partial class SmtpDelivery(
    IDbContextFactory<DemiurgeDbContext> contexts, IOptions<MailOptions> options, TimeProvider time, ILogger<SmtpDelivery> logger) : BackgroundService
{
    public const int MaxAttempts = 8;

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Smtp.IsConfigured)
            return;
        using var timer = new PeriodicTimer(PollInterval, time);
        do
        {
            try
            {
                while (await DeliverNext(stoppingToken))
                {
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.RoundFailed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Tries one mail that is due; false when there is none.</summary>
    internal async Task<bool> DeliverNext(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        var mail = await db.OutboxMails.FromSql(
            $"""
            SELECT * FROM outbox_mails
            WHERE sent_at IS NULL AND next_attempt_at <= {now} AND attempts < {MaxAttempts}
            ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
            """).SingleOrDefaultAsync(cancellationToken);
        if (mail is null)
            return false;
        mail.Attempts++;
        try
        {
            await Deliver(mail, cancellationToken);
            mail.SentAt = time.GetUtcNow();
            mail.Text = "";
            mail.LastError = null;
        }
        catch (Exception exception) when (exception is SmtpException or IOException or FormatException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.DeliveryFailed(logger, exception, mail.Id, mail.Attempts);
            mail.LastError = exception.Message.Length > 500 ? exception.Message[..500] : exception.Message;
            mail.NextAttemptAt = now + TimeSpan.FromMinutes(1 << (mail.Attempts - 1));
        }
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private async Task Deliver(OutboxMail mail, CancellationToken cancellationToken)
    {
        var smtp = options.Value.Smtp;
        using var client = new SmtpClient(smtp.Host, smtp.Port) { EnableSsl = smtp.Tls };
        if (smtp.UserName is not null)
            client.Credentials = new NetworkCredential(smtp.UserName, smtp.Password);
        using var message = new MailMessage(smtp.From!, mail.To, mail.Subject, mail.Text);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(SendTimeout);
        await client.SendMailAsync(message, timeout.Token);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Mail {MailId} could not be delivered, attempt {Attempt}")]
        public static partial void DeliveryFailed(ILogger logger, Exception exception, Guid mailId, int attempt);

        [LoggerMessage(2, LogLevel.Error, "The outbox could not be worked off; trying again")]
        public static partial void RoundFailed(ILogger logger, Exception exception);
    }
}
