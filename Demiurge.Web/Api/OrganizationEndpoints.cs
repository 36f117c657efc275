using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Organizations;

namespace Demiurge.Web.Api;

internal static class OrganizationEndpoints
{
    public static void MapOrganizations(this RouteGroupBuilder api)
    {
        var organizations = api.MapGroup("/organizations").WithTags("Organizations");
        organizations.MapGet("", List)
            .WithName("ListOrganizations").WithSummary("List your organizations")
            .Produces<IReadOnlyList<OrganizationInfo>>().Refuses(401);
        organizations.MapPost("", Create)
            .WithName("CreateOrganization").WithSummary("Create an organization, with you as its owner")
            .Produces<OrganizationInfo>(201).Refuses(400, 401, 409);
        organizations.MapGet("/{organizationId:guid}", Get)
            .WithName("GetOrganization").WithSummary("Read an organization")
            .Produces<OrganizationInfo>().Refuses(401, 404);
        organizations.MapPatch("/{organizationId:guid}", Update)
            .WithName("UpdateOrganization").WithSummary("Rename an organization")
            .WithDescription("For owners and admins.")
            .Produces<OrganizationInfo>().Refuses(400, 401, 403, 404);
        organizations.MapDelete("/{organizationId:guid}", Delete)
            .WithName("DeleteOrganization").WithSummary("Delete an organization and all of its projects")
            .WithDescription("For owners. The query parameter confirmName must be the organization's name.")
            .Produces(204).Refuses(400, 401, 403, 404);
        organizations.MapPost("/{organizationId:guid}/transfer", Transfer)
            .WithName("TransferOrganization").WithSummary("Make another member the owner in your place")
            .WithDescription("For owners. You become an admin.")
            .Produces(204).Refuses(400, 401, 403, 404);
        organizations.MapPost("/{organizationId:guid}/leave", Leave)
            .WithName("LeaveOrganization").WithSummary("End your membership")
            .WithDescription("The last owner can't leave.")
            .Produces(204).Refuses(401, 404, 409);
    }

    private static async Task<IResult> List(ClaimsPrincipal user, OrganizationService organizations, CancellationToken cancellationToken) =>
        Results.Ok(await organizations.List(user.Actor(), cancellationToken));

    private static async Task<IResult> Create(
        CreateOrganizationRequest request, ClaimsPrincipal user, OrganizationService organizations, CancellationToken cancellationToken) =>
        (await organizations.Create(user.Actor(), request.Name, cancellationToken))
            .ToCreated(organization => $"{ApiExtensions.Root}/organizations/{organization.Id}");

    private static async Task<IResult> Get(
        Guid organizationId, ClaimsPrincipal user, OrganizationService organizations, CancellationToken cancellationToken) =>
        (await organizations.Get(user.Actor(), organizationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid organizationId, UpdateOrganizationRequest request, ClaimsPrincipal user, OrganizationService organizations, CancellationToken cancellationToken)
    {
        var renamed = await organizations.Rename(user.Actor(), organizationId, request.Name, cancellationToken);
        return renamed.Succeeded
            ? (await organizations.Get(user.Actor(), organizationId, cancellationToken)).ToHttp()
            : ApiResults.Refused(renamed.Error);
    }

    private static async Task<IResult> Delete(
        Guid organizationId, string? confirmName, ClaimsPrincipal user, OrganizationService organizations, CancellationToken cancellationToken) =>
        (await organizations.Delete(user.Actor(), organizationId, confirmName, cancellationToken)).ToHttp();

    private static async Task<IResult> Transfer(
        Guid organizationId, TransferRequest request, ClaimsPrincipal user, MembershipService members, CancellationToken cancellationToken) =>
        (await members.TransferOwnership(user.Actor(), organizationId, request.UserId, cancellationToken)).ToHttp();

    private static async Task<IResult> Leave(
        Guid organizationId, ClaimsPrincipal user, MembershipService members, CancellationToken cancellationToken) =>
        (await members.Leave(user.Actor(), organizationId, cancellationToken)).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateOrganizationRequest(string Name);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateOrganizationRequest(string Name);

    /// <param name="UserId">The member who becomes an owner.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record TransferRequest(Guid UserId);
}
