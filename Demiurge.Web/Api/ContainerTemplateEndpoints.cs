using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;

namespace Demiurge.Web.Api;

internal static class ContainerTemplateEndpoints
{
    public static void MapContainerTemplates(this RouteGroupBuilder api)
    {
        var inOrganization = api.MapGroup("/organizations/{organizationId:guid}/templates").WithTags("Container templates");
        inOrganization.MapGet("", List)
            .WithName("ListTemplates").WithSummary("List what can be started in an organization")
            .WithDescription("Its own templates and those for all, in their latest version. With disabled=true also those that are switched off.")
            .Produces<IReadOnlyList<TemplateInfo>>().Refuses(400, 401, 404);
        inOrganization.MapPost("", Create)
            .WithName("CreateTemplate").WithSummary("Make a template of an organization")
            .WithDescription("For owners and admins. What is the matter with each part is told in errors.")
            .Produces<TemplateInfo>(201).Refuses(400, 401, 403, 404, 409);

        var templates = api.MapGroup("/templates").WithTags("Container templates");
        templates.MapGet("", ListGlobal)
            .WithName("ListGlobalTemplates").WithSummary("List the templates that every organization has")
            .WithDescription("For platform administrators.")
            .Produces<IReadOnlyList<TemplateInfo>>().Refuses(401, 403);
        templates.MapPost("", CreateGlobal)
            .WithName("CreateGlobalTemplate").WithSummary("Make a template that every organization has")
            .WithDescription("For platform administrators.")
            .Produces<TemplateInfo>(201).Refuses(400, 401, 403, 409);
        templates.MapGet("/{templateId:guid}", Get)
            .WithName("GetTemplate").WithSummary("Read a template in its latest or another version")
            .Produces<TemplateInfo>().Refuses(400, 401, 404);
        templates.MapPatch("/{templateId:guid}", Update)
            .WithName("UpdateTemplate").WithSummary("Change a template's name, description or icon, or switch it off")
            .WithDescription("For the organization's owners and admins; for platform administrators where it is every organization's.")
            .Produces<TemplateInfo>().Refuses(400, 401, 403, 404);
        templates.MapPost("/{templateId:guid}/versions", Publish)
            .WithName("PublishTemplate").WithSummary("Make a new version of a template")
            .WithDescription("For those who may change it. Containers that exist stay with theirs.")
            .Produces<TemplateInfo>(201).Refuses(400, 401, 403, 404);

        var tiers = api.MapGroup("/tiers").WithTags("Container tiers");
        tiers.MapGet("", ListTiers)
            .WithName("ListTiers").WithSummary("List the sizes that containers can have, with their prices")
            .Produces<IReadOnlyList<TierInfo>>().Refuses(400, 401);
        tiers.MapPost("", CreateTier)
            .WithName("CreateTier").WithSummary("Make a tier")
            .WithDescription("For platform administrators.")
            .Produces<TierInfo>(201).Refuses(400, 401, 403, 409);
        tiers.MapPut("/{tierId:guid}", UpdateTier)
            .WithName("UpdateTier").WithSummary("Change a tier")
            .WithDescription("For platform administrators. Containers have the new size from their next start on.")
            .Produces<TierInfo>().Refuses(400, 401, 403, 404, 409);
    }

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken, bool disabled = false) =>
        (await templates.List(user.Actor(), organizationId, disabled, cancellationToken)).ToHttp();

    private static async Task<IResult> Create(
        Guid organizationId, CreateTemplateRequest request, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken) =>
        (await templates.Create(user.Actor(), request.For(organizationId), cancellationToken)).ToCreated(AddressOf);

    private static async Task<IResult> ListGlobal(ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken) =>
        (await templates.ListGlobal(user.Actor(), cancellationToken)).ToHttp();

    private static async Task<IResult> CreateGlobal(
        CreateTemplateRequest request, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken) =>
        (await templates.Create(user.Actor(), request.For(null), cancellationToken)).ToCreated(AddressOf);

    private static async Task<IResult> Get(
        Guid templateId, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken, int? version = null) =>
        (await templates.Get(user.Actor(), templateId, version, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid templateId, UpdateTemplateRequest request, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken) =>
        (await templates.Update(user.Actor(), templateId, request.Name, request.Description, request.Icon, request.Enabled, cancellationToken)).ToHttp();

    private static async Task<IResult> Publish(
        Guid templateId, TemplateSpec spec, ClaimsPrincipal user, TemplateCatalog templates, CancellationToken cancellationToken) =>
        (await templates.Publish(user.Actor(), templateId, spec, cancellationToken)).ToCreated(AddressOf);

    private static async Task<IResult> ListTiers(TierService tiers, CancellationToken cancellationToken, bool disabled = false) =>
        Results.Ok(await tiers.List(disabled, cancellationToken));

    private static async Task<IResult> CreateTier(TierValues values, ClaimsPrincipal user, TierService tiers, CancellationToken cancellationToken) =>
        (await tiers.Create(user.Actor(), values, cancellationToken)).ToCreated(_ => $"{ApiExtensions.Root}/tiers");

    private static async Task<IResult> UpdateTier(Guid tierId, TierValues values, ClaimsPrincipal user, TierService tiers, CancellationToken cancellationToken) =>
        (await tiers.Update(user.Actor(), tierId, values, cancellationToken)).ToHttp();

    private static string AddressOf(TemplateInfo template) => $"{ApiExtensions.Root}/templates/{template.Id}";

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateTemplateRequest(string Slug, string Name, TemplateSpec Spec, string? Description = null, string? Icon = null)
    {
        public NewTemplate For(Guid? organizationId) => new(organizationId, Slug, Name, Description, Icon, Spec);
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateTemplateRequest(string? Name = null, string? Description = null, string? Icon = null, bool? Enabled = null);
}
