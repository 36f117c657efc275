namespace Demiurge.Core.Gateways;

public static class GatewayErrors
{
    public static Error PoolEmpty { get; } = new(
        "gateway.pool-empty",
        "No gateway is free at the moment: every one serves another organization. Try again in a minute, or raise Demiurge:Gateways:MaximumSize.",
        ErrorKind.Unavailable);

    public static Error Stopping { get; } = new("gateway.stopping", "Demiurge is being restarted. Try again in a moment.", ErrorKind.Unavailable);

    public static Error NotYours { get; } = new(
        "gateway.not-allocated", "This gateway does not hold that organization (any more).", ErrorKind.Conflict);

    public static Error UnknownGateway { get; } = new(
        "gateway.unknown", "No gateway of this pool has that name and token.", ErrorKind.Unauthenticated);

    public static Error TooMany { get; } = new("gateway.too-many", "That is more at once than Web answers for.", ErrorKind.Invalid);
}
