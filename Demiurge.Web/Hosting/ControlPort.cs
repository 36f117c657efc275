namespace Demiurge.Web.Hosting;

/// <summary>
/// Separates the two doors: what gateways call (<c>/gateway/…</c>) is answered on the loopback control port alone, and that port
/// answers nothing else. Told apart by the port a connection came in at, which no header can forge.
/// </summary>
public static class ControlPort
{
    /// <summary>Must be the first middleware.</summary>
    public static IApplicationBuilder UseControlPort(this IApplicationBuilder app, SiteEnvironment environment) => app.Use((context, next) =>
    {
        var forGateways = context.Request.Path.StartsWithSegments("/gateway");
        if (forGateways == (context.Connection.LocalPort == environment.ControlPort))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });
}
