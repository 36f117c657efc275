using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;

namespace Demiurge.Web.Api;

/// <summary>The REST API: <c>/api/v1</c>, its description at <c>/openapi/v1.json</c> and a page to read that at <c>/docs/api</c>.</summary>
public static class ApiExtensions
{
    public const string Root = "/api/v1";

    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, BearerAuthentication>(BearerAuthentication.SchemeName, null);
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
            options.SerializerOptions.AllowDuplicateProperties = false;
            options.SerializerOptions.RespectRequiredConstructorParameters = true;
            options.SerializerOptions.RespectNullableAnnotations = true;
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        services.AddSingleton<AllowedMethods>();
        services.AddApiDescription();
        return services;
    }

    /// <summary>Call it after everything that adds middleware for pages.</summary>
    public static WebApplication MapApi(this WebApplication app)
    {
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/api"), api => api.UseMiddleware<ApiRequests>());
        var bearer = new AuthorizationPolicyBuilder(BearerAuthentication.SchemeName).RequireAuthenticatedUser().Build();
        var api = app.MapGroup(Root).RequireAuthorization(bearer);
        api.MapAuth();
        api.MapMe();
        api.MapOrganizations();
        api.MapMembers();
        api.MapInvitations();
        api.MapProjects();
        api.MapProjectMembers();
        api.MapRemoteMachines();
        api.MapAudit();
        api.MapContainers();
        api.MapContainerTemplates();
        api.MapHosts();
        api.MapGatewayPool();
        api.MapQuotas();
        api.MapEnvSets();
        api.MapContainerReach();
        api.MapSnapshots();
        api.MapRepositories();
        app.MapOpenApi("/openapi/{documentName}.json");
        return app;
    }

    /// <summary>The refusals to expect, beside those that every endpoint shares.</summary>
    internal static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            endpoint.Produces<ApiProblem>(status, ApiProblem.ContentType);
        return endpoint;
    }
}
