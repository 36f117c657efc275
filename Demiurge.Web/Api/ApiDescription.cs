using Microsoft.AspNetCore.Authorization;
using Microsoft.OpenApi;

namespace Demiurge.Web.Api;

/// <summary>The OpenAPI document: what the endpoints say of themselves, and what they share.</summary>
internal static class ApiDescription
{
    public const string DocumentName = "v1";

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddOpenApi(DocumentName, options =>
    {
        options.ShouldInclude = endpoint => endpoint.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Demiurge",
                Version = DocumentName,
                Description = "Organizations, projects and their live boards. Every refusal is a problem document (RFC 9457) with a stable code. "
                    + "Times are UTC (RFC 3339), ids are UUIDs.",
            };
            // The address that the reader came by is the right one.
            document.Servers = [];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[BearerAuthentication.SchemeName] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The access token of POST /api/v1/auth/login.",
            };
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, _, _) =>
        {
            if (schema is { Enum.Count: > 0, Type: null })
                schema.Type = JsonSchemaType.String;
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var metadata = context.Description.ActionDescriptor.EndpointMetadata;
            if (!metadata.OfType<IAllowAnonymous>().Any())
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerAuthentication.SchemeName, context.Document)] = [] }];
            return Task.CompletedTask;
        });
    });
}
