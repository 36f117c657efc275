using Demiurge.Core.Gateways;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// What changes on the way to a container and back. A container never sees what lets people in, and can't say anything to a browser that
/// reaches beyond its own host. Immutable.
/// </summary>
internal sealed class ContainerTransformer(string cookieName, GatewaySite site, bool isEmbeddable) : HttpTransformer
{
    private const string Hop = "demiurge";

    /// <summary>A request that came through here more often goes in circles.</summary>
    private const int MaxHops = 4;

    /// <summary>Only its own pages and Web's may show it in a frame.</summary>
    private readonly string ancestors = $"frame-ancestors 'self' {site.PublicUrl.TrimEnd('/')}";

    /// <summary>Cleans the request; false when it went in circles.</summary>
    public static bool Prepare(HttpRequest request, string cookieName)
    {
        var headers = request.Headers;
        var via = headers.Via;
        if (via.Count > 0 && Hops(via) >= MaxHops)
            return false;
        headers.Via = via.Count == 0 ? "1.1 " + Hop : $"{via}, 1.1 {Hop}";
        if (headers.Cookie.Count > 0)
            headers.Cookie = RequestCookies.Without(headers.Cookie, cookieName);
        List<string>? ours = null;
        foreach (var (name, _) in headers)
        {
            if (name.StartsWith("Demiurge-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Demiurge-", StringComparison.OrdinalIgnoreCase))
                (ours ??= []).Add(name);
        }

        foreach (var name in ours ?? [])
            headers.Remove(name);
        return true;
    }

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        // Servers compare it with the Origin that browsers send.
        proxyRequest.Headers.Host = httpContext.Request.Host.Value;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var goesOn = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse is null)
            return goesOn;
        Contain(httpContext.Response.Headers);
        // Whoever listens to events learns that they are connected before the first one.
        if (proxyResponse.Content.Headers.ContentType?.MediaType == "text/event-stream")
            await httpContext.Response.Body.FlushAsync(cancellationToken);
        return goesOn;
    }

    internal void Contain(IHeaderDictionary headers)
    {
        if (headers.SetCookie.Count > 0)
            headers.SetCookie = Contain(headers.SetCookie);
        // Both would reach further than this host: the first clears the whole site's cookies, the second leads browsers elsewhere.
        headers.Remove("Clear-Site-Data");
        headers.Remove("Alt-Svc");
        if (isEmbeddable)
        {
            headers.Remove("X-Frame-Options");
            if (headers.ContentSecurityPolicy.Count > 0)
                headers.ContentSecurityPolicy = WithoutAncestors(headers.ContentSecurityPolicy);
        }

        headers.Append("Content-Security-Policy", ancestors);
    }

    /// <summary>Cookies of the container for its own host alone; none may take the place of ours.</summary>
    internal StringValues Contain(StringValues cookies)
    {
        var kept = new List<string>(cookies.Count);
        foreach (var cookie in cookies)
        {
            if (string.IsNullOrEmpty(cookie))
                continue;
            var equals = cookie.AsSpan().IndexOfAny('=', ';');
            var name = (equals < 0 ? cookie : cookie.AsSpan(0, equals)).Trim();
            if (name.Equals(cookieName, StringComparison.OrdinalIgnoreCase) || (equals == 0 && cookie.Contains(cookieName, StringComparison.OrdinalIgnoreCase)))
                continue;
            kept.Add(cookie.Contains("domain", StringComparison.OrdinalIgnoreCase)
                ? string.Join(';', cookie.Split(';').Where((part, index) => index == 0 || !IsDomain(part)))
                : cookie);
        }

        return new StringValues([.. kept]);
    }

    private static bool IsDomain(ReadOnlySpan<char> attribute)
    {
        var equals = attribute.IndexOf('=');
        return (equals < 0 ? attribute : attribute[..equals]).Trim().Equals("domain", StringComparison.OrdinalIgnoreCase);
    }

    private static StringValues WithoutAncestors(StringValues policies) =>
        new([.. policies.Select(policy => string.Join(';', (policy ?? "").Split(';').Where(directive =>
            !directive.AsSpan().Trim().StartsWith("frame-ancestors", StringComparison.OrdinalIgnoreCase)))).Where(policy => !string.IsNullOrWhiteSpace(policy))]);

    private static int Hops(StringValues via)
    {
        var hops = 0;
        foreach (var line in via)
        {
            foreach (var hop in line.AsSpan().Split(','))
            {
                if (line.AsSpan(hop).Trim().EndsWith(" " + Hop, StringComparison.OrdinalIgnoreCase))
                    hops++;
            }
        }

        return hops;
    }
}
