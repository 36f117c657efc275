using Demiurge.Core;

namespace Demiurge.Web.Relay;

public static class BoardRelayErrors
{
    public static Error Unreachable { get; } = new(
        "board.unreachable", "The board's room doesn't answer at the moment. Nothing is lost; try again in a few seconds.", ErrorKind.Unavailable);
}
