using Demiurge.Core.Permissions;

namespace Demiurge.Core.Organizations;

internal static class Errors
{
    public static readonly Error OrganizationNotFound = new(
        "organization.not_found", "There is no such organization, or you are not a member of it.", ErrorKind.NotFound);

    public static readonly Error MemberNotFound = new(
        "member.not_found", "That person is not a member of this organization.", ErrorKind.NotFound);

    public static readonly Error LastOwner = new(
        "organization.last_owner", "This is the organization's last owner. Make somebody else an owner first.", ErrorKind.Conflict);

    public static readonly Error ConfirmationDiffers = new(
        "organization.confirmation_differs", "To delete the organization, type its name exactly as it is shown.", ErrorKind.Invalid) { Field = "confirmName" };

    public static readonly Error RoleUnknown = new(
        "organization.role_unknown", "The role is one of member, admin and owner.", ErrorKind.Invalid) { Field = "role" };

    public static readonly Error AlreadyMember = new(
        "invitation.already_member", "That person is already a member of this organization.", ErrorKind.Conflict) { Field = "email" };

    public static readonly Error InvitationNotFound = new(
        "invitation.not_found", "There is no such invitation. Check that you have the whole link, or ask for a new one.", ErrorKind.NotFound);

    public static readonly Error InvitationExpired = new(
        "invitation.expired", "This invitation has expired. Ask for a new one.", ErrorKind.Conflict);

    public static readonly Error InvitationRevoked = new(
        "invitation.revoked", "This invitation was withdrawn. Ask for a new one.", ErrorKind.Conflict);

    public static readonly Error InvitationAccepted = new(
        "invitation.already_accepted", "This invitation has already been used.", ErrorKind.Conflict);

    public static readonly Error InvitationForOther = new(
        "invitation.for_another_address", "This invitation is for another e-mail address. Sign in with the account it was sent to.", ErrorKind.Forbidden);

    public static Error NeedsRole(OrganizationRole role, string action) => new(
        "organization.forbidden",
        role == OrganizationRole.Owner
            ? $"Only the organization's owners can {action}."
            : $"Only the organization's owners and admins can {action}.",
        ErrorKind.Forbidden);

    public static Error Full(string what, int limit) => new(
        "organization.limit_reached", $"There can be at most {limit} {what}.", ErrorKind.Conflict);
}
