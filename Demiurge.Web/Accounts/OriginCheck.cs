using Demiurge.Core;
using Demiurge.Web.Api;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Accounts;

/// <summary>
/// Refuses what another page's script asks of this site in a person's name: everything that changes something, and every WebSocket. To a
/// browser containers' hosts are the same site as this one, so it sends the session's cookie along whatever SameSite says; and a
/// WebSocket to the circuit's endpoint knows no other protection. Programs that aren't browsers send neither header and pass.
/// </summary>
internal static class OriginCheck
{
    public static void UseOriginCheck(this WebApplication app)
    {
        var publicUrl = new Uri(app.Services.GetRequiredService<IOptions<SiteOptions>>().Value.PublicUrl);
        var publicOrigin = publicUrl.GetLeftPart(UriPartial.Authority);
        app.Use((context, next) => IsOwn(context.Request, publicOrigin) ? next(context)
            : context.Request.Path.StartsWithSegments("/api")
                ? ApiProblem.Write(context, StatusCodes.Status403Forbidden, "request.foreign_origin", "A page of another address asked for this. Only this site's own pages may.")
                : Results.Text("A page of another address asked for this. Only this site's own pages may.", statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(context));
    }

    internal static bool IsOwn(HttpRequest request, string publicOrigin)
    {
        var changes = !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));
        if (!changes && request.Headers.Upgrade.Count == 0 && !request.Path.StartsWithSegments("/_blazor"))
            return true;
        var origin = request.Headers.Origin;
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        // "null" is nobody's: a sandboxed frame, a page opened from a file, or one that hides where it is. Ours say where they are, to this site alone (Referrer-Policy: same-origin).
        if (origin.Count > 0)
            return origin == publicOrigin || origin == $"{request.Scheme}://{request.Host}";
        return site is "" or "same-origin" or "none";
    }
}
