using Microsoft.AspNetCore.Routing.Template;

namespace Demiurge.Web.Api;

/// <summary>
/// The methods that an address of the API knows. Routing tells them apart by itself (405) only while no catch-all route for GET
/// exists, such as the one for static files in development. Safe for concurrent use.
/// </summary>
internal sealed class AllowedMethods(EndpointDataSource endpoints)
{
    private readonly Lazy<IReadOnlyList<(TemplateMatcher Matcher, string Method)>> routes = new(() => [..
        from endpoint in endpoints.Endpoints.OfType<RouteEndpoint>()
        let text = endpoint.RoutePattern.RawText!
        where text.StartsWith(ApiExtensions.Root, StringComparison.Ordinal)
        let matcher = new TemplateMatcher(TemplateParser.Parse(text.TrimStart('/')), [])
        from method in endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods
        select (matcher, method)]);

    /// <summary>Empty where there is no such address.</summary>
    public IReadOnlyList<string> Of(PathString path) =>
        [.. routes.Value.Where(route => route.Matcher.TryMatch(path, [])).Select(route => route.Method).Distinct()];
}
