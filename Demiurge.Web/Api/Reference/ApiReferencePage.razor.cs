using Demiurge.Core;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Api.Reference;

/// <summary>The page on which <c>/openapi/v1.json</c> is read. Static: it works without scripts.</summary>
public sealed partial class ApiReferencePage([FromKeyedServices(ApiDescription.DocumentName)] IOpenApiDocumentProvider provider, IOptions<SiteOptions> site)
{
    private ApiReference? Reference { get; set; }

    private string PublicUrl => site.Value.PublicUrl;

    private string Begin =>
        $$"""
        TOKEN=$(curl -s '{{PublicUrl}}/api/v1/auth/login' \
          -H 'Content-Type: application/json' \
          -d '{"email":"ann@example.org","password":"correct horse battery"}' | jq -r .accessToken)
        curl '{{PublicUrl}}/api/v1/organizations' -H "Authorization: Bearer $TOKEN"
        """;

    protected override async Task OnInitializedAsync() => Reference = await ApiReference.Read(provider, CancellationToken.None);

    private static string Short(string method) => method == "DELETE" ? "DEL" : method;
}
