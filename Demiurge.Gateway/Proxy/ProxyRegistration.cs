using Demiurge.Core.Containers.Reaching;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Proxy;

internal static class ProxyRegistration
{
    public static IServiceCollection AddContainerProxy(this IServiceCollection services) =>
        services.AddHttpForwarder().AddSingleton<ContainerProxy>();

    /// <summary>Must be the first middleware: whatever a container's host is asked for is the container's, and no path of it is ours but those below <c>/.demiurge</c>.</summary>
    public static void UseContainerProxy(this WebApplication app)
    {
        var proxy = app.Services.GetRequiredService<ContainerProxy>();
        var lifecycle = app.Services.GetRequiredService<GatewayLifecycle>();
        app.Use((context, next) =>
        {
            var host = context.Request.Host.Host;
            if (!host.StartsWith("uc-", StringComparison.OrdinalIgnoreCase))
                return next(context);
            return lifecycle.Serving is { } organization && ContainerHostName.TryParse(host, organization.Config.Site.Domain, out var name)
                ? proxy.Serve(context, name)
                : StatusPage.Moving(context);
        });
        // Routing comes after: it must not look at containers' paths.
        app.UseRouting();
    }
}
