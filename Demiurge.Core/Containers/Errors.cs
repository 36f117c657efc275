using Demiurge.Core.Permissions;

namespace Demiurge.Core.Containers;

internal static class Errors
{
    public static readonly Error ContainerNotFound = new(
        "container.not_found", "There is no such container, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error NotAvailable = new(
        "container.not_available", "This can't be done with containers yet.", ErrorKind.Unavailable);

    public static readonly Error NotOpen = new(
        "container.not_shared_with_you", "This container isn't shared with you. Ask its owner to share it.", ErrorKind.Forbidden);

    public static readonly Error NotYours = new(
        "container.forbidden", "Only its owner and those who manage the project can do that with this container.", ErrorKind.Forbidden);

    public static readonly Error Deleted = new(
        "container.deleted", "This container was deleted. Take the deletion back first.", ErrorKind.Conflict);

    public static Error NeedsRole(ProjectRole role, string action) => new(
        "container.forbidden", $"You need the role {role.ToString().ToLowerInvariant()} in this project to {action}.", ErrorKind.Forbidden);
}
