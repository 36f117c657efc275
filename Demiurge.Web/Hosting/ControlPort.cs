namespace Demiurge.Web.Hosting;

/// <summary>
/// Separates the two doors: what gateways call (<c>/gateway/…</c>) is answered on the loopback control port alone, and that port
/// answers nothing else. Told apart by the port a connection came in at, which no header can forge.
/// </summary>
public static class ControlPort
{
    private const string Root = "/gateway";

    /// <summary>Serves the control port past everything that serves people. Must be the first middleware.</summary>
    public static void UseControlPort(this WebApplication app, SiteEnvironment environment) => app.Use((context, next) =>
    {
        if (context.Connection.LocalPort != environment.ControlPort || context.Request.Path.StartsWithSegments(Root))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>Whether a request came in for gateways' calls, and so isn't for the edge to route, whatever host it names.</summary>
    public static bool IsForGateways(HttpContext context, SiteEnvironment environment) => context.Connection.LocalPort == environment.ControlPort;

    /// <summary>Keeps people from what gateways call. After the edge: on a container's host the path is the container's.</summary>
    public static void HideControlPort(this WebApplication app, SiteEnvironment environment) => app.Use((context, next) =>
    {
        if (context.Connection.LocalPort == environment.ControlPort || !context.Request.Path.StartsWithSegments(Root))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
