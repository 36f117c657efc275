using Demiurge.Core.Permissions;

namespace Demiurge.Core.Containers;

internal static class Errors
{
    public static readonly Error ContainerNotFound = new(
        "container.not_found", "There is no such container, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error NotShared = new(
        "container.not_shared_with_you", "This container isn't shared with you. Ask its owner to share it.", ErrorKind.Forbidden);

    public static readonly Error NotYours = new(
        "container.forbidden", "Only its owner and those who manage the project can do that with this container.", ErrorKind.Forbidden);

    public static readonly Error Deleted = new(
        "container.deleted", "This container was deleted. Take the deletion back first.", ErrorKind.Conflict);

    public static readonly Error NotDeleted = new(
        "container.not_deleted", "This container wasn't deleted.", ErrorKind.Conflict);

    public static readonly Error NotRunning = new(
        "container.not_running", "This container isn't running. Start it first.", ErrorKind.Conflict);

    public static readonly Error NotFailed = new(
        "container.not_failed", "This container hasn't failed; there is nothing to try again.", ErrorKind.Conflict);

    public static readonly Error RemotePlace = new(
        "container.on_own_machine", "This container runs on a person's own machine. Start and stop it there.", ErrorKind.Conflict);

    public static readonly Error ShareUnknown = new(
        "container.share_unknown", "A container is shared with owner, project, organization or link.", ErrorKind.Invalid) { Field = "share" };

    public static readonly Error PlaceUnknown = new(
        "container.place_unknown", "A container's place is engine or remote.", ErrorKind.Invalid) { Field = "place" };

    public static readonly Error IdleMinutesUnusable = new(
        "container.idle_minutes_unusable", "The time until it is stopped lies between 0 (never) and 43200 minutes.", ErrorKind.Invalid) { Field = "idleMinutes" };

    public static readonly Error EngineUnreachable = new(
        "container.engine_unreachable", "The container's host doesn't answer. Try again in a moment.", ErrorKind.Unavailable);

    public static readonly Error TemplateNotFound = new(
        "template.not_found", "There is no such template, or it can't be used here.", ErrorKind.NotFound) { Field = "templateId" };

    public static readonly Error TemplateVersionNotFound = new(
        "template.version_not_found", "The template has no such version.", ErrorKind.NotFound) { Field = "templateVersion" };

    public static readonly Error SlugTaken = new(
        "template.slug_taken", "Another template has that short name.", ErrorKind.Conflict) { Field = "slug" };

    public static readonly Error SlugUnusable = new(
        "template.slug_unusable", "A short name is made of small letters, digits and hyphens, at most 40.", ErrorKind.Invalid) { Field = "slug" };

    public static readonly Error TierNotFound = new(
        "tier.not_found", "There is no such tier, or it isn't offered any more.", ErrorKind.NotFound) { Field = "tierId" };

    public static readonly Error TierNameTaken = new(
        "tier.name_taken", "Another tier has that name.", ErrorKind.Conflict) { Field = "name" };

    public static readonly Error RepositoryNotFound = new(
        "repository.not_found", "There is no such repository in this project.", ErrorKind.NotFound) { Field = "repositoryId" };

    public static readonly Error EnvSetNotFound = new(
        "env_set.not_found", "There is no such set of variables, or you can't use it here.", ErrorKind.NotFound) { Field = "envSetIds" };

    public static readonly Error EnvSetNotYours = new(
        "env_set.forbidden", "You can use this set of variables, but not change it.", ErrorKind.Forbidden);

    public static readonly Error EnvNameTaken = new(
        "env_set.name_taken", "Another set of variables has that name.", ErrorKind.Conflict) { Field = "name" };

    public static readonly Error EnvScopeUnknown = new(
        "env_set.scope_unknown", "A set belongs to an organization, a project or a person.", ErrorKind.Invalid) { Field = "scope" };

    public static readonly Error PlatformForbidden = new(
        "platform.forbidden", "Only platform administrators can do that.", ErrorKind.Forbidden);

    public static Error NeedsRole(ProjectRole role, string action) => new(
        "container.forbidden", $"You need the role {role.ToString().ToLowerInvariant()} in this project to {action}.", ErrorKind.Forbidden);

    public static Error KeepTooLong(TimeSpan longest) => new(
        "container.keep_too_long", $"A container can be kept for at most {longest.TotalHours:0.#} hours ahead. Pin it to keep it for good.", ErrorKind.Invalid) { Field = "minutes" };

    public static Error Options(IReadOnlyDictionary<string, string> faults) => Fields("container.options_refused", "options", faults);

    public static Error Variables(IReadOnlyDictionary<string, string> faults) => Fields("env_set.variables_refused", "variables", faults);

    public static Error Spec(IReadOnlyDictionary<string, string> faults) => Fields("template.spec_refused", "spec", faults);

    public static Error QuotaReached(string what, string limit, bool person) => new(
        "container.quota_reached",
        person
            ? $"You may have at most {limit} {what} in this organization. Stop or delete one of yours first."
            : $"This organization may have at most {limit} {what}. Stop or delete one first.",
        ErrorKind.Conflict);

    public static Error LimitNegative(string field) => new("quota.limit_negative", "A limit is zero or more, or left out.", ErrorKind.Invalid) { Field = field };

    private static Error Fields(string code, string parent, IReadOnlyDictionary<string, string> faults) => new(
        code, faults.Count == 1 ? faults.Values.First() : $"{faults.Count} fields need another look: {string.Join(", ", faults.Keys)}.", ErrorKind.Invalid)
    {
        Field = $"{parent}.{faults.Keys.First()}",
        Fields = faults.ToDictionary(fault => $"{parent}.{fault.Key}", fault => fault.Value),
    };
}
