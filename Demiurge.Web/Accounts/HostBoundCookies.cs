using Demiurge.Core;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Demiurge.Web.Accounts;

/// <summary>
/// Gives every cookie of this site a name that begins with <c>__Host-</c> wherever browsers take the site's address for secure, and takes
/// no other cookies there. Containers run under names below the site's domain, so their pages could set cookies for the whole domain and push
/// theirs in place of ours (cookie tossing); a browser lets nobody but this very host set one with that prefix. The rest of the program
/// uses the plain names.
/// </summary>
internal static class HostBoundCookies
{
    public const string Prefix = "__Host-";

    /// <summary>Set by a script, for looks only.</summary>
    private const string Theme = "theme";

    public static void UseHostBoundCookies(this WebApplication app)
    {
        var publicUrl = new Uri(app.Services.GetRequiredService<IOptions<SiteOptions>>().Value.PublicUrl);
        app.Use((context, next) =>
        {
            if (!IsSecure(context.Request, publicUrl))
                return next(context);
            if (context.Request.Headers.Cookie.Count > 0)
                context.Request.Headers.Cookie = Read(context.Request.Headers.Cookie);
            context.Response.OnStarting(static state =>
            {
                var response = ((HttpContext)state).Response;
                if (response.Headers.SetCookie.Count > 0)
                    response.Headers.SetCookie = Write(response.Headers.SetCookie);
                return Task.CompletedTask;
            }, context);
            return next(context);
        });
    }

    internal static bool IsSecure(HttpRequest request, Uri publicUrl)
    {
        var host = request.Host.Host;
        return request.IsHttps
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || host is "127.0.0.1" or "[::1]"
            || (publicUrl.Scheme == Uri.UriSchemeHttps && host.Equals(publicUrl.Host, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The cookies that are surely ours, by their plain names.</summary>
    internal static StringValues Read(StringValues header)
    {
        var kept = new List<string>();
        foreach (var line in header)
        {
            foreach (var part in (line ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (part.StartsWith(Prefix, StringComparison.Ordinal))
                    kept.Add(part[Prefix.Length..]);
                else if (part.StartsWith(Theme + "=", StringComparison.Ordinal))
                    kept.Add(part);
            }
        }

        return kept.Count == 0 ? StringValues.Empty : string.Join("; ", kept);
    }

    internal static StringValues Write(StringValues cookies) =>
        new([.. cookies.Select(cookie => cookie is null || cookie.StartsWith(Prefix, StringComparison.Ordinal) ? cookie : Prefix + Bind(cookie))]);

    /// <summary>What the prefix demands: secure, the whole host, and no other host.</summary>
    private static string Bind(string cookie)
    {
        var parts = cookie.Split(';', StringSplitOptions.TrimEntries);
        var kept = parts.Where((part, index) => index == 0 || !(Is(part, "secure") || Is(part, "path") || Is(part, "domain")));
        return string.Join("; ", kept) + "; path=/; secure";

        static bool Is(string attribute, string name) =>
            attribute.Equals(name, StringComparison.OrdinalIgnoreCase) || attribute.StartsWith(name + "=", StringComparison.OrdinalIgnoreCase);
    }
}
