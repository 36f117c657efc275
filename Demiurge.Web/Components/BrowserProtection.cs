using Demiurge.Core;

namespace Demiurge.Web.Components;

/// <summary>What browsers are told to refuse, whatever a page contains.</summary>
internal sealed class BrowserProtection(SiteOptions site)
{
    private readonly string contentSecurityPolicy = Policy(new Uri(site.PublicUrl), site.Domain);

    public Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = contentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "SAMEORIGIN";
        headers["Referrer-Policy"] = "same-origin";
        // Containers' pages are of the same site: neither may they read this one's answers, nor hold on to a window of it.
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        return next(context);
    }

    /// <summary>
    /// Scripts from this site only, and none inline; styles may be inline because components position things by <c>style</c>. Blazor's
    /// circuit needs nothing beyond <c>connect-src 'self'</c>, which includes WebSockets; terminals and containers' pages are on hosts below the domain. Browsers look at
    /// where a form's answer leads, too: logging in may lead on to a container.
    /// </summary>
    private static string Policy(Uri publicUrl, string domain)
    {
        var port = publicUrl.IsDefaultPort ? "" : $":{publicUrl.Port}";
        var webSocket = publicUrl.Scheme == Uri.UriSchemeHttps ? "wss" : "ws";
        return "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
            + $"connect-src 'self' {webSocket}://*.{domain}{port}; frame-src 'self' {publicUrl.Scheme}://*.{domain}{port}; "
            + $"object-src 'none'; base-uri 'self'; form-action 'self' {publicUrl.Scheme}://*.{domain}{port}; frame-ancestors 'self'";
    }
}
