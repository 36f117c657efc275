using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// Which page's idea a request is. All of an installation's hosts are one site to a browser, so it sends a visitor's cookie along with what
/// another container's page asks for; such requests are refused, but for simply going there.
/// </summary>
internal static class RequestOrigin
{
    /// <summary>Whether the request comes from a page of the same container, from no page, or only leads somebody to it.</summary>
    public static bool IsOwn(HttpRequest request, in ContainerHostName name, GatewaySite site)
    {
        var headers = request.Headers;
        var fetchSite = headers["Sec-Fetch-Site"].ToString();
        if (fetchSite is "same-origin" or "none")
            return true;
        var origin = headers.Origin.ToString();
        if (origin.Length == 0 && fetchSite.Length == 0)
            return true; // no browser, or one from before these headers that reads only
        if (IsSafe(request.Method) && headers["Sec-Fetch-Mode"] == "navigate" && !IsUpgrade(request))
            return true;
        var source = origin.Length > 0 ? origin : headers.Referer.ToString();
        return Uri.TryCreate(source, UriKind.Absolute, out var page)
            && new Uri(site.PublicUrl) is var publicUrl && page.Scheme == publicUrl.Scheme && page.Port == publicUrl.Port
            && ContainerHostName.TryParse(page.Host, site.Domain, out var from) && from.ContainerId == name.ContainerId && from.OrganizationId == name.OrganizationId;
    }

    /// <summary>Whether a browser goes to the address to show what is there.</summary>
    public static bool IsNavigation(HttpRequest request) =>
        IsSafe(request.Method) && !IsUpgrade(request)
        && request.Headers["Sec-Fetch-Mode"] is var mode && (mode.Count == 0 || mode == "navigate")
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    private static bool IsUpgrade(HttpRequest request) => request.Headers.Upgrade.Count > 0;
}
