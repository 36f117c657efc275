namespace Demiurge.Core.Containers.Remote;

internal static class RemoteErrors
{
    public static readonly Error NotRemote = new(
        "remote.not_own_machine", "This container runs on one of the installation's hosts. Make one for your own machine instead.", ErrorKind.Conflict);

    public static readonly Error NoMachine = new(
        "remote.no_machine", "No machine was asked to join this container yet.", ErrorKind.NotFound);

    public static readonly Error NetworkFull = new(
        "remote.network_full", $"This organization's network has room for {RemoteNetwork.LastNumber - 1} machines, and all of it is taken. Delete containers that aren't needed.",
        ErrorKind.Conflict);

    public static readonly Error TokenInvalid = new(
        "remote.token_invalid", "This command was used before, has expired, or was taken back. Copy a new one from the board.", ErrorKind.Unauthenticated);

    public static readonly Error Ended = new(
        "remote.ended", "This machine was cut off: its container was deleted, its access taken back, or another machine joined in its place.", ErrorKind.Unauthenticated);

    public static readonly Error RequestMalformed = new(
        "remote.request_malformed", "The certificate request must be a signed PKCS#10 request for a P-256 key, in PEM.", ErrorKind.Invalid) { Field = "request" };

    public static readonly Error ServicesMalformed = new(
        "remote.services_malformed",
        $"At most {RemoteRules.MaxServices} services, each with a name of up to {RemoteRules.MaxName} small letters, digits and single hyphens, a port from 1 to 65535, and a path that begins with a slash; "
        + "no name twice.",
        ErrorKind.Invalid) { Field = "services" };
}
