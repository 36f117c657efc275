using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Api;

internal static class MemberEndpoints
{
    public static void MapMembers(this RouteGroupBuilder api)
    {
        var members = api.MapGroup("/organizations/{organizationId:guid}/members").WithTags("Members");
        members.MapGet("", List)
            .WithName("ListMembers").WithSummary("List an organization's members")
            .Produces<IReadOnlyList<MemberInfo>>().Refuses(401, 404);
        members.MapPatch("/{userId:guid}", Update)
            .WithName("UpdateMember").WithSummary("Change a member's role")
            .WithDescription("For owners and admins; only owners make and unmake owners. There is always an owner.")
            .Produces(204).Refuses(400, 401, 403, 404, 409);
        members.MapDelete("/{userId:guid}", Remove)
            .WithName("RemoveMember").WithSummary("Remove a member")
            .WithDescription("For owners and admins; only owners remove owners. The person's live sessions end within seconds.")
            .Produces(204).Refuses(401, 403, 404, 409);
    }

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, MembershipService members, CancellationToken cancellationToken) =>
        (await members.List(user.Actor(), organizationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid organizationId, Guid userId, UpdateMemberRequest request, ClaimsPrincipal user, MembershipService members, CancellationToken cancellationToken) =>
        (await members.ChangeRole(user.Actor(), organizationId, userId, request.Role, cancellationToken)).ToHttp();

    private static async Task<IResult> Remove(
        Guid organizationId, Guid userId, ClaimsPrincipal user, MembershipService members, CancellationToken cancellationToken) =>
        (await members.Remove(user.Actor(), organizationId, userId, cancellationToken)).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateMemberRequest(OrganizationRole Role);
}
