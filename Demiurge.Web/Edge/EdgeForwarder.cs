using System.Net;
using Demiurge.Core;
using Demiurge.Core.Gateways;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Demiurge.Web.Edge;

/// <summary>
/// The first stage of routing, by host name: the domain itself is served here; an organization's host goes to the gateway that
/// serves it now, by the pool's routes; everything else is told what it is. A name that isn't the installation's is refused, so that
/// no page on the Internet reaches it by a name of its own that it lets lead here (DNS rebinding). Of a gateway only its rooms can be reached, never its
/// control endpoints.
/// </summary>
public static class EdgeExtensions
{
    public static IServiceCollection AddEdge(this IServiceCollection services) =>
        services.AddHttpForwarder().AddSingleton<EdgeForwarder>();

    /// <summary>Goes before everything that serves the site.</summary>
    public static void UseEdge(this WebApplication app)
    {
        var site = app.Services.GetRequiredService<IOptions<SiteOptions>>().Value;
        var publicHost = new Uri(site.PublicUrl).Host;
        app.Use((context, next) =>
        {
            var host = EdgeHost.Parse(context.Request.Host.Host, site.Domain, publicHost);
            return host.Kind == EdgeHostKind.Site
                ? next(context)
                : context.RequestServices.GetRequiredService<EdgeForwarder>().Forward(context, host);
        });
    }
}

/// <summary>Hands requests for organizations' hosts to their gateways. Safe for concurrent use.</summary>
internal sealed class EdgeForwarder(IHttpForwarder forwarder, GatewayRoutes routes, IOptions<SiteOptions> site) : IDisposable
{
    private static readonly ForwarderRequestConfig Config = new() { ActivityTimeout = TimeSpan.FromMinutes(2) };

    private readonly HttpMessageInvoker client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(2),
    });

    public async Task Forward(HttpContext context, EdgeHost host)
    {
        if (host.Kind == EdgeHostKind.Foreign)
        {
            await EdgePage.Write(context, StatusCodes.Status421MisdirectedRequest, "Not the address of this site",
                "Demiurge doesn't answer to this host name. Whoever runs it can set the name by Demiurge:Domain or Demiurge:PublicUrl.", site.Value.PublicUrl);
        }
        else if (host.Kind == EdgeHostKind.Container)
        {
            await EdgePage.Write(context, StatusCodes.Status404NotFound, "No such container", "Containers can't be reached by a name of their own yet.", site.Value.PublicUrl);
        }
        else if (host.Kind == EdgeHostKind.Unknown)
        {
            await EdgePage.Write(context, StatusCodes.Status404NotFound, "Nothing here", "No workspace has this address. Check the link, or start from the home page.", site.Value.PublicUrl);
        }
        else if (!IsRoom(context.Request.Path))
        {
            await EdgePage.Write(context, StatusCodes.Status404NotFound, "Nothing here", "This is the address of a workspace's live connections. Its projects are opened from the home page.", site.Value.PublicUrl);
        }
        else if (routes.Find(host.OrganizationId) is not { } route)
        {
            context.Response.Headers.RetryAfter = "2";
            await EdgePage.Write(context, StatusCodes.Status503ServiceUnavailable, "The workspace is asleep", "Nobody works in it at the moment. Open one of its projects to wake it.", site.Value.PublicUrl);
        }
        else if (await forwarder.SendAsync(context, route.Address.ToString(), client, Config) is not ForwarderError.None && !context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.Headers.RetryAfter = "1";
            await EdgePage.Write(context, StatusCodes.Status503ServiceUnavailable, "The workspace is moving", "Its server is being replaced. Try again in a moment.", site.Value.PublicUrl);
        }
    }

    public void Dispose() => client.Dispose();

    private static bool IsRoom(PathString path) =>
        path.StartsWithSegments("/collab", out var rest) && rest.Value is { Length: 37 } id && Guid.TryParseExact(id.AsSpan(1), "D", out _);
}
