using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Api;

internal static class InvitationEndpoints
{
    public static void MapInvitations(this RouteGroupBuilder api)
    {
        var own = api.MapGroup("/organizations/{organizationId:guid}/invitations").WithTags("Invitations");
        own.MapGet("", List)
            .WithName("ListInvitations").WithSummary("List open invitations")
            .WithDescription("For owners and admins. Expired ones are listed until they are revoked or replaced.")
            .Produces<IReadOnlyList<InvitationInfo>>().Refuses(401, 403, 404);
        own.MapPost("", Create)
            .WithName("CreateInvitation").WithSummary("Invite somebody by e-mail")
            .WithDescription("For owners and admins; only owners invite owners. The link is answered this one time, works once, for seven days, and only for the account with that address. An earlier invitation to the address is withdrawn.")
            .Produces<CreatedInvitation>(201).Refuses(400, 401, 403, 404, 409);
        own.MapDelete("/{invitationId:guid}", Revoke)
            .WithName("RevokeInvitation").WithSummary("Withdraw an invitation")
            .WithDescription("For owners and admins.")
            .Produces(204).Refuses(401, 403, 404, 409);

        var received = api.MapGroup("/invitations").WithTags("Invitations");
        received.MapPost("/preview", Preview)
            .WithName("PreviewInvitation").WithSummary("See what an invitation offers")
            .WithDescription("Needs no access token: the invitation's token is the key.")
            .Produces<InvitationPreview>().Refuses(400, 404, 409).AllowAnonymous();
        received.MapPost("/accept", Accept)
            .WithName("AcceptInvitation").WithSummary("Join the organization that invites you")
            .Produces<AcceptedInvitation>().Refuses(400, 401, 403, 404, 409);
    }

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, InvitationService invitations, CancellationToken cancellationToken) =>
        (await invitations.List(user.Actor(), organizationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Create(
        Guid organizationId, CreateInvitationRequest request, ClaimsPrincipal user, InvitationService invitations, CancellationToken cancellationToken) =>
        (await invitations.Create(user.Actor(), organizationId, request.Email, request.Role, cancellationToken))
            .ToCreated(created => $"{ApiExtensions.Root}/organizations/{organizationId}/invitations/{created.Id}");

    private static async Task<IResult> Revoke(
        Guid organizationId, Guid invitationId, ClaimsPrincipal user, InvitationService invitations, CancellationToken cancellationToken) =>
        (await invitations.Revoke(user.Actor(), organizationId, invitationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Preview(InvitationTokenRequest request, InvitationService invitations, CancellationToken cancellationToken) =>
        (await invitations.Preview(request.Token, cancellationToken)).ToHttp();

    private static async Task<IResult> Accept(
        InvitationTokenRequest request, ClaimsPrincipal user, InvitationService invitations, CancellationToken cancellationToken)
    {
        var accepted = await invitations.Accept(user.Actor(), request.Token, cancellationToken);
        return accepted.Succeeded ? Results.Ok(new AcceptedInvitation(accepted.Value)) : ApiResults.Refused(accepted.Error);
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateInvitationRequest(string Email, OrganizationRole Role = OrganizationRole.Member);

    /// <param name="Token">The last part of the invitation's link.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record InvitationTokenRequest(string Token);

    internal sealed record AcceptedInvitation(Guid OrganizationId);
}
