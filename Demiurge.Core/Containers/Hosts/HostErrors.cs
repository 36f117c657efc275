namespace Demiurge.Core.Containers.Hosts;

internal static class HostErrors
{
    public static Error Forbidden { get; } = new(
        "platform.forbidden", "Only platform administrators can see and change hosts.", ErrorKind.Forbidden);

    public static Error NotFound { get; } = new("host.not_found", "There is no such host.", ErrorKind.NotFound);

    public static Error NameTaken { get; } = new("host.name_taken", "Another host has this name.", ErrorKind.Conflict) { Field = "name" };

    public static Error ReachUnknown { get; } = new("host.reach_unknown", "Containers are reached direct or published.", ErrorKind.Invalid) { Field = "reach" };

    public static Error PublishedAddressMissing { get; } = new(
        "host.published_address_missing",
        "Ports are published at one of the host's own IP addresses. Give it; 0.0.0.0 would open containers to everybody.",
        ErrorKind.Invalid)
    { Field = "publishedAddress" };

    public static Error KeyMissing { get; } = new(
        "host.client_key_missing", "The key of the client certificate is missing.", ErrorKind.Invalid)
    { Field = "clientKey" };

    public static Error OrganizationUnknown { get; } = new(
        "host.organization_unknown", "One of the organizations does not exist.", ErrorKind.Invalid)
    { Field = "organizationIds" };

    public static Error EngineChanged { get; } = new(
        "host.engine_changed",
        "At that address is another engine than before, and containers have their data on this host. Register the other engine as a host of its own.",
        ErrorKind.Conflict)
    { Field = "endpoint" };

    public static Error Unusable(string why) => new("host.unusable", why, ErrorKind.Invalid) { Field = "endpoint" };

    public static Error EngineTaken(string name) => new(
        "host.engine_taken", $"This engine is registered already, as {name}.", ErrorKind.Conflict)
    { Field = "endpoint" };

    public static Error RuntimeUnknown(string runtime, IEnumerable<string> known) => new(
        "host.runtime_unknown", $"The engine has no runtime {runtime}. It has: {string.Join(", ", known)}.", ErrorKind.Invalid)
    { Field = "runtime" };

    public static Error Capacity(string field, string message) => new("host.capacity_invalid", message, ErrorKind.Invalid) { Field = field };

    public static Error InUse(int containers) => new(
        "host.in_use",
        $"{containers} containers have their data on this host (deleted ones for a day). Switch the host off so that it takes no more, and delete them first.",
        ErrorKind.Conflict);
}
