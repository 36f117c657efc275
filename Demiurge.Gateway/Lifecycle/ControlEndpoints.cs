using System.Text.Json;
using Demiurge.Core.Gateways;
using Demiurge.Core.Tokens;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Demiurge.Gateway.Lifecycle;

/// <summary>What Web asks of a gateway. Every call carries the pool token; the edge in Web lets none of these paths through.</summary>
internal static class ControlEndpoints
{
    private const int BodyBytes = 64 << 10;

    public static void MapControl(this WebApplication app)
    {
        var control = app.MapGroup("").AddEndpointFilter(Authorize);
        control.MapPost("/collab/start", async (HttpContext context, GatewayLifecycle lifecycle) =>
            await Read<GatewayStart>(context) is not { } start ? Results.BadRequest()
            : await lifecycle.Start(start.HandshakeToken, context.RequestAborted) ? Results.Ok(lifecycle.Status)
            : Results.Conflict());
        control.MapPost("/collab/drain", async (GatewayLifecycle lifecycle) =>
        {
            await lifecycle.Drain(CancellationToken.None);
            return Results.NoContent();
        });
        control.MapPost("/access/revoke", async (HttpContext context, GatewayLifecycle lifecycle) =>
        {
            if (await Read<GatewayRevoke>(context) is not { } revoke)
                return Results.BadRequest();
            if (lifecycle.Serving is { } organization)
            {
                await organization.Access.Check(revoke.ProjectId, revoke.UserId, context.RequestAborted);
                await organization.Containers.Changed(null, context.RequestAborted);
                await organization.Vpn.Check(context.RequestAborted);
            }

            return Results.NoContent();
        });
        control.MapPost("/containers/changed", async (HttpContext context, GatewayLifecycle lifecycle) =>
        {
            if (await Read<GatewayContainersChanged>(context) is not { } changed)
                return Results.BadRequest();
            if (lifecycle.Serving is { } organization)
                await Task.WhenAll(organization.Containers.Changed(changed.ContainerIds, context.RequestAborted), organization.Vpn.Check(context.RequestAborted));
            return Results.NoContent();
        });
        control.MapGet("/status", (GatewayLifecycle lifecycle) => Results.Json(lifecycle.Status, GatewayContracts.Json));
    }

    private static async ValueTask<object?> Authorize(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var request = invocation.HttpContext.Request;
        var token = invocation.HttpContext.RequestServices.GetRequiredService<IOptions<GatewayOptions>>().Value.PoolToken;
        return request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var given] && SecretToken.Matches(given, SecretToken.Hash(token))
            ? await next(invocation)
            : Results.Unauthorized();
    }

    /// <summary>The body as JSON; null when it is something else.</summary>
    private static async Task<T?> Read<T>(HttpContext context)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = BodyBytes;
        try
        {
            return await context.Request.ReadFromJsonAsync<T>(GatewayContracts.Json, context.RequestAborted);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or BadHttpRequestException)
        {
            return null;
        }
    }
}
