using Demiurge.Core.Accounts;
using Demiurge.Core.Audit;
using Demiurge.Core.Mail;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Organizations;

/// <summary>An invitation that can still be accepted, or has expired without being accepted.</summary>
public sealed record InvitationInfo(Guid Id, string Email, OrganizationRole Role, string InvitedBy, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, bool Expired);

/// <summary>A fresh invitation. This is the only time its link can be had.</summary>
/// <param name="Link">The page on which it is accepted.</param>
/// <param name="Token">The secret at the end of the link.</param>
/// <param name="MailQueued">Whether a mail with the link is on its way; if not, hand the link over by other means.</param>
public sealed record CreatedInvitation(Guid Id, string Email, OrganizationRole Role, DateTimeOffset ExpiresAt, string Link, string Token, bool MailQueued);

/// <summary>What a person who holds the link is told before accepting.</summary>
public sealed record InvitationPreview(Guid OrganizationId, string OrganizationName, string Email, OrganizationRole Role, string InvitedBy, DateTimeOffset ExpiresAt);

/// <summary>
/// Invitations to an organization by link: bound to an e-mail address, valid for <see cref="Lifetime"/>, used once, revocable.
/// Safe for concurrent use.
/// </summary>
public sealed class InvitationService(
    IDbContextFactory<DemiurgeDbContext> contexts, IMailSender mails, IOptions<SiteOptions> site, AccessChanges changes, TimeProvider time)
{
    public const int MaxPending = 500;
    public const int MaxMembers = 2000;

    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>Invites an address; an earlier invitation to it is withdrawn. For owners and admins; inviting an owner is for owners.</summary>
    public async Task<Result<CreatedInvitation>> Create(
        Actor actor, Guid organizationId, string? email, OrganizationRole role, CancellationToken cancellationToken = default)
    {
        if (!Enum.IsDefined(role))
            return Errors.RoleUnknown;
        var address = EmailAddress.Check(email);
        if (!address.Succeeded)
            return address.Error;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        var least = role == OrganizationRole.Owner ? OrganizationRole.Owner : OrganizationRole.Admin;
        var action = role == OrganizationRole.Owner ? "invite an owner" : "invite people";
        if ((await Membership.Require(db, actor, organizationId, least, action, cancellationToken)).Error is { } refused)
            return refused;

        var normalized = EmailAddress.Normalize(address.Value);
        var isMember = await (
            from member in db.OrganizationMembers
            join user in db.Users on member.UserId equals user.Id
            where member.OrganizationId == organizationId && user.NormalizedEmail == normalized
            select user).AnyAsync(cancellationToken);
        if (isMember)
            return Errors.AlreadyMember;

        var now = time.GetUtcNow();
        var open = Open(db, organizationId);
        await open.Where(row => row.NormalizedEmail == normalized)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.RevokedAt, now), cancellationToken);
        if (await open.CountAsync(cancellationToken) >= MaxPending)
            return Errors.Full("open invitations", MaxPending);
        if (await db.OrganizationMembers.CountAsync(member => member.OrganizationId == organizationId, cancellationToken) >= MaxMembers)
            return Errors.Full("members", MaxMembers);

        var token = SecretToken.Create();
        var invitation = new Invitation
        {
            OrganizationId = organizationId,
            Email = address.Value,
            NormalizedEmail = normalized,
            Role = role,
            TokenHash = SecretToken.Hash(token),
            InvitedBy = actor.UserId,
            CreatedAt = now,
            ExpiresAt = now + Lifetime,
        };
        db.Add(invitation);
        AuditLog.Record(db, time, actor, "invitation.created", organizationId, details: [("email", address.Value), ("role", role)]);
        await db.SaveChangesAsync(cancellationToken);
        var organizationName = await db.Organizations.Where(row => row.Id == organizationId).Select(row => row.Name).SingleAsync(cancellationToken);
        var inviter = await db.Users.Where(user => user.Id == actor.UserId).Select(user => user.DisplayName).SingleAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        var link = site.Value.InvitationLink(token);
        var mail = new OutgoingMail(
            address.Value,
            $"{inviter} invites you to {organizationName} on Demiurge",
            $"""
            {inviter} invites you to join {organizationName} on Demiurge.

            Accept the invitation here:
            {link}

            The link is for {address.Value} and works once, until {invitation.ExpiresAt:d MMMM yyyy HH:mm} UTC.
            If you don't know what this is about, ignore this mail.
            """);
        var queued = await mails.Send(mail, cancellationToken);
        return new CreatedInvitation(invitation.Id, address.Value, role, invitation.ExpiresAt, link, token, queued.Succeeded);
    }

    /// <summary>The invitations that were neither accepted nor revoked, newest first; for owners and admins.</summary>
    public async Task<Result<IReadOnlyList<InvitationInfo>>> List(Actor actor, Guid organizationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "see invitations", cancellationToken)).Error is { } refused)
            return refused;
        var now = time.GetUtcNow();
        return await (
            from invitation in Open(db, organizationId)
            join inviter in db.Users on invitation.InvitedBy equals inviter.Id
            orderby invitation.Id descending
            select new InvitationInfo(
                invitation.Id, invitation.Email, invitation.Role, inviter.DisplayName, invitation.CreatedAt, invitation.ExpiresAt, invitation.ExpiresAt <= now))
            .ToListAsync(cancellationToken);
    }

    /// <summary>Withdraws an invitation: its link stops working. For owners and admins.</summary>
    public async Task<Result> Revoke(Actor actor, Guid organizationId, Guid invitationId, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await Membership.Lock(db, organizationId, cancellationToken);
        if ((await Membership.Require(db, actor, organizationId, OrganizationRole.Admin, "withdraw invitations", cancellationToken)).Error is { } refused)
            return refused;
        var invitation = await db.Invitations.SingleOrDefaultAsync(
            row => row.Id == invitationId && row.OrganizationId == organizationId, cancellationToken);
        if (invitation is null)
            return Errors.InvitationNotFound;
        if (invitation.AcceptedAt is not null)
            return Errors.InvitationAccepted;
        if (invitation.RevokedAt is not null)
            return Result.Ok;
        invitation.RevokedAt = time.GetUtcNow();
        AuditLog.Record(db, time, actor, "invitation.revoked", organizationId, details: ("email", invitation.Email));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Result.Ok;
    }

    /// <summary>What the link offers; open to whoever holds it. Refused like <see cref="Accept"/> when it no longer works.</summary>
    public async Task<Result<InvitationPreview>> Preview(string? token, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var invitation = await Find(db, token, cancellationToken);
        if (invitation is null)
            return Errors.InvitationNotFound;
        if (Unusable(invitation) is { } reason)
            return reason;
        var organizationName = await db.Organizations.Where(row => row.Id == invitation.OrganizationId).Select(row => row.Name)
            .SingleOrDefaultAsync(cancellationToken);
        if (organizationName is null)
            return Errors.InvitationNotFound;
        var inviter = await db.Users.Where(user => user.Id == invitation.InvitedBy).Select(user => user.DisplayName).SingleAsync(cancellationToken);
        return new InvitationPreview(invitation.OrganizationId, organizationName, invitation.Email, invitation.Role, inviter, invitation.ExpiresAt);
    }

    /// <summary>Joins the organization with the invitation's role; only for the account with the invited address. Returns the organization's id.</summary>
    public async Task<Result<Guid>> Accept(Actor actor, string? token, CancellationToken cancellationToken = default)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await Find(db, token, cancellationToken) is not { OrganizationId: var organizationId })
            return Errors.InvitationNotFound;
        await Membership.Lock(db, organizationId, cancellationToken);
        // Again, now that nobody else can use or revoke it.
        db.ChangeTracker.Clear();
        var invitation = (await Find(db, token, cancellationToken))!;
        var email = await db.Users.Where(user => user.Id == actor.UserId).Select(user => user.NormalizedEmail).SingleOrDefaultAsync(cancellationToken);
        if (email != invitation.NormalizedEmail)
            return Errors.InvitationForOther;
        if (Unusable(invitation) is { } reason)
            return reason;
        if (!await db.Organizations.AnyAsync(row => row.Id == organizationId, cancellationToken))
            return Errors.InvitationNotFound;
        invitation.AcceptedAt = time.GetUtcNow();
        if (await Membership.RoleOf(db, actor.UserId, organizationId, cancellationToken) is null)
        {
            if (await db.OrganizationMembers.CountAsync(member => member.OrganizationId == organizationId, cancellationToken) >= MaxMembers)
                return Errors.Full("members", MaxMembers);
            db.Add(new OrganizationMember
            {
                OrganizationId = organizationId,
                UserId = actor.UserId,
                Role = invitation.Role,
                JoinedAt = invitation.AcceptedAt.Value,
            });
        }
        AuditLog.Record(db, time, actor, "invitation.accepted", organizationId, subjectUserId: actor.UserId, details: ("role", invitation.Role));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        changes.Publish(new AccessChanged(organizationId, UserId: actor.UserId));
        return organizationId;
    }

    private static IQueryable<Invitation> Open(DemiurgeDbContext db, Guid organizationId) =>
        db.Invitations.Where(row => row.OrganizationId == organizationId && row.AcceptedAt == null && row.RevokedAt == null);

    private static async Task<Invitation?> Find(DemiurgeDbContext db, string? token, CancellationToken cancellationToken)
    {
        if (token is null or { Length: 0 or > 100 })
            return null;
        var hash = SecretToken.Hash(token);
        return await db.Invitations.SingleOrDefaultAsync(row => row.TokenHash == hash, cancellationToken);
    }

    private Error? Unusable(Invitation invitation) =>
        invitation.AcceptedAt is not null ? Errors.InvitationAccepted
        : invitation.RevokedAt is not null ? Errors.InvitationRevoked
        : invitation.ExpiresAt <= time.GetUtcNow() ? Errors.InvitationExpired
        : null;
}
