using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Demiurge.Tests.Infrastructure;
using Demiurge.Web.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Tests.Api;

public sealed partial class DescriptionTests(WebFixture web) : IClassFixture<WebFixture>
{
    [Fact]
    public async Task EveryRoute_OfTheApi_IsDescribed()
    {
        var document = await Document();
        var described = document["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}"))
            .Order().ToList();
        var mapped = Routes().Select(route => $"{route.Method} {route.Path}").Order().ToList();

        Assert.NotEmpty(mapped);
        Assert.Equal(mapped, described);
    }

    [Fact]
    public async Task EveryOperation_HasASummaryTagsAnIdSuccessAndRefusals()
    {
        foreach (var (name, operation) in await Operations())
        {
            Assert.True(operation["summary"] is not null, $"{name} has no summary");
            Assert.True(operation["operationId"] is not null, $"{name} has no id");
            Assert.True(operation["tags"]?.AsArray().Count == 1, $"{name} has no tag");
            var responses = operation["responses"]!.AsObject();
            var success = Assert.Single(responses, response => response.Key[0] == '2');
            Assert.True(success.Key is "202" or "204" || Schema(success.Value!) is not null, $"{name} doesn't say what it answers");
            foreach (var (status, refusal) in responses.Where(response => response.Key[0] is '4' or '5'))
            {
                Assert.True(
                    (string?)refusal!["content"]?[ApiProblem.ContentType]?["schema"]?["$ref"] == "#/components/schemas/ApiProblem",
                    $"{name} doesn't answer {status} with a problem");
            }
        }
    }

    [Fact]
    public async Task EveryOperation_SaysWhetherItNeedsAToken()
    {
        var operations = await Operations();
        foreach (var route in Routes())
        {
            var operation = operations[$"{route.Method} {route.Path}"];
            Assert.Equal(!route.IsAnonymous, operation["security"]?[0]?["Bearer"] is not null);
            Assert.Equal(!route.IsAnonymous, operation["responses"]!["401"] is not null && operation["security"] is not null);
        }
    }

    [Fact]
    public async Task Document_NamesNoServerAndTheBearerScheme()
    {
        var document = await Document();
        Assert.StartsWith("3.", (string?)document["openapi"]);
        Assert.Equal("bearer", (string?)document["components"]!["securitySchemes"]!["Bearer"]!["scheme"]);
        Assert.True(document["servers"] is null or JsonArray { Count: 0 });
    }

    [Fact]
    public async Task EverySchema_Reference_Resolves()
    {
        var document = await Document();
        var schemas = document["components"]!["schemas"]!.AsObject();
        foreach (Match reference in Reference().Matches(document.ToJsonString()))
            Assert.True(schemas.ContainsKey(reference.Groups[1].Value), $"{reference.Groups[1].Value} is not there");
    }

    [Fact]
    public async Task Page_ShowsEveryOperationAndTakesNothingFromElsewhere()
    {
        var response = await web.CreateClient().GetAsync("/docs/api");
        var html = await response.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        foreach (var (name, operation) in await Operations())
            Assert.True(html.Contains($"id=\"{operation["operationId"]}\""), $"{name} is not on the page");
        Assert.DoesNotMatch("(?:src|href)=\"(?:https?:)?//", html);
    }

    private async Task<JsonNode> Document() => (await ApiClient.Anonymous(web).Get("/openapi/v1.json")).Expect(200).Body!;

    private async Task<Dictionary<string, JsonNode>> Operations() => (await Document())["paths"]!.AsObject()
        .SelectMany(path => path.Value!.AsObject().Select(operation => (Name: $"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value)))
        .ToDictionary(operation => operation.Name, operation => operation.Value!);

    private IEnumerable<(string Method, string Path, bool IsAnonymous)> Routes() =>
        from endpoint in web.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let path = Constraint().Replace($"/{endpoint.RoutePattern.RawText!.TrimStart('/').TrimEnd('/')}", "{$1}")
        where path.StartsWith("/api/", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        select (method, path, endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null);

    private static JsonNode? Schema(JsonNode response) => (response["content"]?["application/json"] ?? response["content"]?["application/gzip"])?["schema"];

    [GeneratedRegex(@"\{(\w+):[^}]+\}")]
    private static partial Regex Constraint();

    [GeneratedRegex("\"#/components/schemas/([^\"]+)\"")]
    private static partial Regex Reference();
}
