using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Mail;

/// <summary>
/// The developer's letter box: the mails that a mail server would have got. Whoever reads it can reset any password, so it is
/// open only outside of production and without a mail server, and then only to whoever sits at the machine or administers the
/// platform. Safe for concurrent use.
/// </summary>
public sealed class Outbox(IDbContextFactory<DemiurgeDbContext> contexts, IHostEnvironment environment, IOptions<MailOptions> options)
{
    private const int MaxListed = 100;

    private static readonly Error Closed = new(
        "outbox.closed", "There is no outbox here: mails go to their people.", ErrorKind.NotFound);

    private static readonly Error Forbidden = new(
        "outbox.forbidden",
        "These mails open other people's accounts. They are shown in a browser on the machine that runs Demiurge, and to its platform administrators.",
        ErrorKind.Forbidden);

    public bool IsOpen => !environment.IsProduction() && !options.Value.Smtp.IsConfigured;

    /// <summary>The latest mails, newest first; <c>outbox.closed</c> or <c>outbox.forbidden</c>.</summary>
    /// <param name="reader">Who is signed in; null: nobody.</param>
    /// <param name="isLocal">Whether the request was made on this machine.</param>
    public async Task<Result<IReadOnlyList<OutboxMail>>> List(Actor? reader, bool isLocal, CancellationToken cancellationToken = default)
    {
        if (!IsOpen)
            return Closed;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!isLocal && !(reader is { UserId: var id } && await db.Users.AnyAsync(user => user.Id == id && user.IsPlatformAdministrator, cancellationToken)))
            return Forbidden;
        return await db.OutboxMails.AsNoTracking().OrderByDescending(mail => mail.Id).Take(MaxListed).ToListAsync(cancellationToken);
    }
}
