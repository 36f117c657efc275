using System.Buffers;
using System.Text.Json;
using Demiurge.Core;
using Demiurge.Core.Gateways;
using Microsoft.AspNetCore.Http.Features;

namespace Demiurge.Web.Gateways;

/// <summary>
/// The handshake's endpoints for gateways (<see cref="GatewayContracts"/>), reachable on the loopback control port alone. Each takes
/// a bearer token and a body of bounded size.
/// </summary>
public static class GatewayEndpoints
{
    private const int JsonBytes = 2 << 20, BatchBytes = 300 << 20;

    public static void MapGateways(this WebApplication app)
    {
        var group = app.MapGroup("/gateway").ExcludeFromDescription();
        group.MapPost("/ready", (HttpContext context, GatewayHandshake handshake) =>
            Handle<GatewayReady>(context, async (token, body) => Answer(await handshake.Ready(token, body, context.RequestAborted))));
        group.MapPost("/config", (HttpContext context, GatewayHandshake handshake) =>
            Handle<GatewayConfigRequest>(context, async (token, body) => Answer(await handshake.Configure(token, body, context.RequestAborted))));
        group.MapPost("/heartbeat", (HttpContext context, GatewayHandshake handshake) =>
            Handle<GatewayHeartbeat>(context, async (token, body) => Answer(await handshake.Beat(token, body, context.RequestAborted))));
        group.MapPost("/data/pull", (HttpContext context, GatewayHandshake handshake) =>
            Handle<GatewayPull>(context, async (token, body) =>
            {
                var pulled = await handshake.Pull(token, body, context.RequestAborted);
                return pulled.Succeeded ? Results.Bytes(pulled.Value, "application/octet-stream") : Answer(pulled.Error);
            }));
        group.MapPost("/data/append", (HttpContext context, GatewayHandshake handshake) => Append(context, handshake));
        group.MapPost("/access/check", (HttpContext context, GatewayHandshake handshake) =>
            Handle<GatewayAccessCheck>(context, async (token, body) => Answer(await handshake.CheckAccess(token, body, context.RequestAborted))));
        group.MapContainers();
        group.MapVpn();
        group.MapPost("/stop", async (HttpContext context, GatewayHandshake handshake) =>
            Bearer(context) is { } token ? Answer(await handshake.Stop(token, context.RequestAborted)) : Results.Unauthorized());
    }

    internal static async Task<IResult> Handle<T>(HttpContext context, Func<string, T, Task<IResult>> handle)
        where T : class
    {
        if (Bearer(context) is not { } token)
            return Results.Unauthorized();
        Limit(context, JsonBytes);
        try
        {
            return await context.Request.ReadFromJsonAsync<T>(GatewayContracts.Json, context.RequestAborted) is { } body
                ? await handle(token, body)
                : Results.BadRequest();
        }
        catch (Exception exception) when (exception is JsonException or BadHttpRequestException || exception is InvalidOperationException && !context.Request.HasJsonContentType())
        {
            return Results.BadRequest();
        }
    }

    private static async Task<IResult> Append(HttpContext context, GatewayHandshake handshake)
    {
        if (Bearer(context) is not { } token)
            return Results.Unauthorized();
        if (context.Request.ContentLength is not { } length)
            return Results.StatusCode(StatusCodes.Status411LengthRequired);
        if (length > BatchBytes)
            return Results.StatusCode(StatusCodes.Status413PayloadTooLarge);
        Limit(context, BatchBytes);
        var buffer = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            var body = buffer.AsMemory(0, (int)length);
            await context.Request.Body.ReadExactlyAsync(body, context.RequestAborted);
            return Answer(await handshake.Append(token, body, context.RequestAborted));
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or BadHttpRequestException)
        {
            return Results.BadRequest();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Limit(HttpContext context, long bytes)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = bytes;
    }

    internal static string? Bearer(HttpContext context) =>
        context.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. { Length: > 0 and < 200 } token] ? token : null;

    internal static IResult Answer<T>(Result<T> result) =>
        result.Succeeded ? Results.Json(result.Value, GatewayContracts.Json) : Answer(result.Error);

    internal static IResult Answer(Result result) => result.Succeeded ? Results.NoContent() : Answer(result.Error);

    internal static IResult Answer(Error error) => Results.StatusCode(error.Kind switch
    {
        ErrorKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        ErrorKind.Conflict => StatusCodes.Status409Conflict,
        ErrorKind.NotFound => StatusCodes.Status404NotFound,
        _ => StatusCodes.Status422UnprocessableEntity,
    });
}
