using Demiurge.Core;
using Demiurge.Web.Components.Account;
using Demiurge.Web.Components.Containers;
using Demiurge.Web.Components.Layout;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Options;
using Radzen;

namespace Demiurge.Web.Components;

/// <summary>The Blazor Server side of Web: components, circuits, static assets, and what a browser is shown when something fails.</summary>
public static class PagesExtensions
{
    public static WebApplicationBuilder AddPages(this WebApplicationBuilder builder)
    {
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        builder.Services.AddRadzenComponents();
        builder.Services.AddCascadingAuthenticationState();
        builder.Services.AddScoped<AuthenticationStateProvider, CircuitAuthentication>();
        builder.Services.AddScoped<CurrentUser>();
        builder.Services.AddScoped<NavigationState>();
        builder.Services.AddScoped<ContainerCommands>();
        builder.Services.AddSingleton<ContainerStatsFeed>();
        return builder;
    }

    /// <summary>Headers on every response, and pages in the product's look for errors. Before authentication, so that it covers it.</summary>
    public static WebApplication UsePages(this WebApplication app)
    {
        var site = app.Services.GetRequiredService<IOptions<SiteOptions>>().Value;
        app.Use(new BrowserProtection(site).AddHeaders);
        if (site.PublicUrl.StartsWith("https:", StringComparison.Ordinal))
            app.UseHsts();
        app.UseExceptionHandler("/error/500", createScopeForErrors: true);
        app.UseStatusCodePagesWithReExecute("/error/{0}", createScopeForStatusCodePages: true);
        app.Use((context, next) =>
        {
            if (!WantsPage(context) && context.Features.Get<IStatusCodePagesFeature>() is { } pages)
                pages.Enabled = false;
            // The error's page is read, also where a form was posted: as a post it would be refused for lack of a token of its own.
            if (context.Features.Get<IStatusCodeReExecuteFeature>() is not null || context.Features.Get<IExceptionHandlerFeature>() is not null)
                context.Request.Method = HttpMethods.Get;
            return next(context);
        });
        return app;
    }

    public static WebApplication MapPages(this WebApplication app)
    {
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapLogout();
        app.MapSnapshotDownloads();
        // The policy that Blazor would add as a header of its own is part of ours.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }

    private static bool WantsPage(HttpContext context) =>
        !context.Request.Path.StartsWithSegments("/api") && context.Request.Headers.Accept.Any(accept => accept?.Contains("text/html") == true);
}
