namespace Demiurge.Web.Components;

/// <summary>What browsers are told to refuse, whatever a page contains.</summary>
internal static class BrowserProtection
{
    /// <summary>
    /// Scripts from this site only, and none inline; styles may be inline because components position things by <c>style</c>.
    /// Blazor's circuit needs nothing beyond <c>connect-src 'self'</c>, which includes WebSockets.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

    public static Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        return next(context);
    }
}
