using System.Security.Claims;
using Demiurge.Core.Gateways;

namespace Demiurge.Web.Api;

internal static class GatewayPoolEndpoints
{
    public static void MapGatewayPool(this RouteGroupBuilder api)
    {
        var gateways = api.MapGroup("/gateways").WithTags("Gateways");
        gateways.MapGet("", List)
            .WithName("ListGateways").WithSummary("List the gateways of the pool: state, organization, rooms, connections, memory, and when each is released")
            .WithDescription("For platform administrators. load is null for a gateway that doesn't answer at the moment.")
            .Produces<IReadOnlyList<GatewayInfo>>().Refuses(401, 403);
        gateways.MapPost("/reload", Reload)
            .WithName("ReloadGateways").WithSummary("Replace every gateway by a new process, one after another")
            .WithDescription("For platform administrators. Answers when all are done, with their names. Rooms move to other gateways meanwhile; clients reconnect by themselves.")
            .Produces<IReadOnlyList<string>>().Refuses(401, 403, 409, 503);
        gateways.MapPost("/{name}/drain", Drain)
            .WithName("DrainGateway").WithSummary("Have a gateway give its organization back")
            .WithDescription("For platform administrators. Everything is saved then, and the organization is served by the next gateway that is free.")
            .Produces(204).Refuses(401, 403, 404, 503);
        gateways.MapPost("/{name}/restart", Restart)
            .WithName("RestartGateway").WithSummary("Replace a gateway by a new process")
            .WithDescription("For platform administrators. Its organization is given to another one first.")
            .Produces(204).Refuses(401, 403, 404, 503);
    }

    private static async Task<IResult> List(ClaimsPrincipal user, GatewayPoolService gateways, CancellationToken cancellationToken) =>
        (await gateways.List(user.Actor(), cancellationToken)).ToHttp();

    private static async Task<IResult> Reload(ClaimsPrincipal user, GatewayPoolService gateways, CancellationToken cancellationToken) =>
        (await gateways.Reload(user.Actor(), cancellationToken)).ToHttp();

    private static async Task<IResult> Drain(string name, ClaimsPrincipal user, GatewayPoolService gateways, CancellationToken cancellationToken) =>
        (await gateways.Drain(user.Actor(), name, cancellationToken)).ToHttp();

    private static async Task<IResult> Restart(string name, ClaimsPrincipal user, GatewayPoolService gateways, CancellationToken cancellationToken) =>
        (await gateways.Restart(user.Actor(), name, cancellationToken)).ToHttp();
}
