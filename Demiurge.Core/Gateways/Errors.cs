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

    public static Error Forbidden { get; } = new("gateway.forbidden", "Only platform administrators see the pool of gateways.", ErrorKind.Forbidden);

    public static Error NotFound { get; } = new("gateway.not_found", "There is no gateway of that name, or it is being replaced at the moment.", ErrorKind.NotFound);

    public static Error NotDrained { get; } = new("gateway.not_drained", "The gateway didn't give its organization back in time. Restart it if it hangs.", ErrorKind.Unavailable);

    public static Error Reloading { get; } = new("gateway.reloading", "The gateways are being replaced already.", ErrorKind.Conflict);

    public static Error NotBack(string name) => new("gateway.not_back", $"{name} was replaced, but the new one doesn't report. The others were left alone; its log says why.", ErrorKind.Unavailable);

    public static Error TooMany { get; } = new("gateway.too-many", "That is more at once than Web answers for.", ErrorKind.Invalid);
}
