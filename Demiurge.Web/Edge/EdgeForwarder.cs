using System.Net;
using Demiurge.Core;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Web.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Demiurge.Web.Edge;

/// <summary>
/// The first stage of routing, by host name: the domain itself is served here; hosts of an organization and of its containers go to the
/// gateway that serves it now, by the pool's routes; everything else is told what it is. A name that isn't the installation's is refused, so that
/// no page on the Internet reaches it by a name of its own that it lets lead here (DNS rebinding). Of a gateway only rooms, terminals and
/// containers can be reached, never its control endpoints.
/// </summary>
public static class EdgeExtensions
{
    public static IServiceCollection AddEdge(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<EdgeOptions>().Bind(configuration.GetSection(EdgeOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        return services.AddHttpForwarder().AddSingleton<EdgeForwarder>();
    }

    /// <summary>Goes before everything that serves the site.</summary>
    public static void UseEdge(this WebApplication app, SiteEnvironment environment)
    {
        var site = app.Services.GetRequiredService<IOptions<SiteOptions>>().Value;
        var forwarder = app.Services.GetRequiredService<EdgeForwarder>();
        var publicHost = new Uri(site.PublicUrl).Host;
        app.Use((context, next) =>
        {
            if (ControlPort.IsForGateways(context, environment))
                return next(context);
            var host = EdgeHost.Parse(context.Request.Host.Host, site.Domain, publicHost);
            return host.Kind == EdgeHostKind.Site ? next(context) : forwarder.Forward(context, host);
        });
    }
}

/// <summary>Hands requests for organizations' hosts to their gateways. Safe for concurrent use.</summary>
internal sealed class EdgeForwarder(
    IHttpForwarder forwarder, GatewayRoutes routes, ContainerTickets tickets, IOptions<SiteOptions> site, IOptions<EdgeOptions> options) : IDisposable
{
    private const string TokenHeader = "Demiurge-Token";

    private static readonly ForwarderRequestConfig RoomConfig = new() { ActivityTimeout = TimeSpan.FromMinutes(2), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    /// <summary>Longer than the gateway's own, so that it is the gateway that ends what is silent.</summary>
    private static readonly ForwarderRequestConfig ContainerConfig = RoomConfig with { ActivityTimeout = TimeSpan.FromHours(2) };

    private readonly string scheme = new Uri(site.Value.PublicUrl).Scheme;

    private readonly HttpMessageInvoker client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        MaxResponseHeadersLength = 128,
    });

    public Task Forward(HttpContext context, EdgeHost host) => host.Kind switch
    {
        EdgeHostKind.Container => ToContainer(context, host),
        EdgeHostKind.Organization => ToOrganization(context, host),
        EdgeHostKind.Foreign => EdgePage.Write(context, StatusCodes.Status421MisdirectedRequest, "Not the address of this site",
            "Demiurge doesn't answer to this host name. Whoever runs it can set the name by Demiurge:Domain or Demiurge:PublicUrl.", site.Value.PublicUrl),
        _ => EdgePage.Write(context, StatusCodes.Status404NotFound, "Nothing here", "No workspace has this address. Check the link, or start from the home page.", site.Value.PublicUrl),
    };

    public void Dispose() => client.Dispose();

    private Task ToOrganization(HttpContext context, EdgeHost host)
    {
        var isTerminal = IsTerminal(context.Request.Path);
        if (!isTerminal && !IsRoom(context.Request.Path))
        {
            return EdgePage.Write(context, StatusCodes.Status404NotFound, "Nothing here",
                "This is the address of a workspace's live connections. Its projects are opened from the home page.", site.Value.PublicUrl);
        }

        return routes.Find(host.OrganizationId) is { } route ? Send(context, route, isTerminal ? ContainerConfig : RoomConfig) : Asleep(context);
    }

    private async Task ToContainer(HttpContext context, EdgeHost host)
    {
        var route = routes.Find(host.OrganizationId);
        if (route is null)
        {
            if (context.Request.Headers[TokenHeader] is [{ Length: > 0 } token])
                route = await tickets.Wake(host.OrganizationId, host.ContainerId, token, context.RequestAborted);
            if (route is null)
            {
                await WayIn(context, host);
                return;
            }
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = options.Value.MaxUploadBytes;
        // Transfers are as slow as somebody's network.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request)
            request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response)
            response.MinDataRate = null;
        await Send(context, route, ContainerConfig);
    }

    private async Task Send(HttpContext context, GatewayRoute route, ForwarderRequestConfig config)
    {
        var headers = context.Request.Headers;
        ForwardedClaims.RemoveFrom(headers);
        headers["X-Forwarded-For"] = context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } address ? address.MapToIPv4().ToString() : context.Connection.RemoteIpAddress?.ToString();
        headers["X-Forwarded-Host"] = headers.Host;
        headers["X-Forwarded-Proto"] = scheme;
        if (await forwarder.SendAsync(context, route.Origin, client, config, KeepHost.Transformer) is ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return;
        // Whoever sent it is at fault: it is too large, or broken off.
        if (context.Response.StatusCode is >= 400 and < 500 and var status)
        {
            context.Response.Clear();
            var isTooLarge = status == StatusCodes.Status413PayloadTooLarge;
            await EdgePage.Write(context, status, isTooLarge ? "Too large" : "Not a request",
                isTooLarge ? "This installation doesn't take uploads of that size (Demiurge:Edge:MaxUploadBytes)." : "The request's body could not be read to its end.", site.Value.PublicUrl);
            return;
        }

        context.Response.Clear();
        context.Response.Headers.RetryAfter = "1";
        if (HttpMethods.IsGet(context.Request.Method))
            context.Response.Headers["Refresh"] = "2";
        await EdgePage.Write(context, StatusCodes.Status503ServiceUnavailable, "The workspace is moving", "Its server is being replaced. Try again in a moment.", site.Value.PublicUrl);
    }

    /// <summary>Nobody works in the organization: a person is led in by way of the site, which wakes it for those who may; a program is told how.</summary>
    private Task WayIn(HttpContext context, EdgeHost host)
    {
        var request = context.Request;
        if ((HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.Headers.Upgrade.Count == 0
            && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.StatusCode = StatusCodes.Status302Found;
            context.Response.Headers.CacheControl = "no-store";
            var path = request.Path.StartsWithSegments("/.demiurge") ? "/" : request.Path + request.QueryString;
            context.Response.Headers.Location =
                $"{site.Value.PublicUrl.TrimEnd('/')}/containers/{host.ContainerId:D}/enter?service={host.Service}&return={Uri.EscapeDataString(path)}";
            return Task.CompletedTask;
        }

        return Asleep(context, $"Open the container in a browser, or send a token of it in the header {TokenHeader}, to wake the workspace.");
    }

    private Task Asleep(HttpContext context, string? how = null)
    {
        context.Response.Headers.RetryAfter = "2";
        return EdgePage.Write(context, StatusCodes.Status503ServiceUnavailable, "The workspace is asleep",
            "Nobody works in it at the moment. " + (how ?? "Open one of its projects to wake it."), site.Value.PublicUrl);
    }

    /// <summary>A room's own address, or the one of all rooms, for clients that name their documents in their messages.</summary>
    private static bool IsRoom(PathString path) =>
        path.StartsWithSegments("/collab", out var rest) && (!rest.HasValue || (rest.Value is { Length: 37 } id && Guid.TryParseExact(id.AsSpan(1), "D", out _)));

    private static bool IsTerminal(PathString path) =>
        path.StartsWithSegments("/svc", out var rest) && rest.Value is { Length: 46 } tail && tail.EndsWith("/terminal", StringComparison.Ordinal)
        && Guid.TryParseExact(tail.AsSpan(1, 36), "D", out _);
}

/// <summary>Passes requests on under the host name that they came for: the gateway routes by it.</summary>
internal sealed class KeepHost : HttpTransformer
{
    public static readonly KeepHost Transformer = new();

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.Headers.Host = httpContext.Request.Host.Value;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var goesOn = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse?.Content.Headers.ContentType?.MediaType == "text/event-stream")
            await httpContext.Response.Body.FlushAsync(cancellationToken);
        return goesOn;
    }
}
