using Demiurge.Core.Permissions;

namespace Demiurge.Core.Projects;

internal static class Errors
{
    public static readonly Error ProjectNotFound = new(
        "project.not_found", "There is no such project, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error ConfirmationDiffers = new(
        "project.confirmation_differs", "To delete the project, type its name exactly as it is shown.", ErrorKind.Invalid) { Field = "confirmName" };

    public static readonly Error RoleUnknown = new(
        "project.role_unknown", "The role is one of view, edit and manage.", ErrorKind.Invalid) { Field = "role" };

    public static readonly Error VisibilityUnknown = new(
        "project.visibility_unknown", "The visibility is private or public.", ErrorKind.Invalid) { Field = "visibility" };

    public static readonly Error NotInOrganization = new(
        "project.person_not_in_organization", "That person is not a member of the project's organization. Invite them there first.", ErrorKind.Conflict) { Field = "userId" };

    public static Error NeedsRole(ProjectRole role, string action) => new(
        "project.forbidden", $"You need the role {role.ToString().ToLowerInvariant()} in this project to {action}.", ErrorKind.Forbidden);
}
