using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Accounts;
using Demiurge.Web.Accounts;

namespace Demiurge.Web.Api;

/// <summary>The account of the access token.</summary>
internal static class MeEndpoints
{
    public static void MapMe(this RouteGroupBuilder api)
    {
        var me = api.MapGroup("/me").WithTags("Profile");
        me.MapGet("", Get)
            .WithName("GetMe").WithSummary("Read your profile")
            .Produces<Profile>().Refuses(401, 404);
        me.MapPatch("", Update)
            .WithName("UpdateMe").WithSummary("Change your display name or colour")
            .WithDescription("What is left out stays as it is.")
            .Produces<Profile>().Refuses(400, 401, 404);
        me.MapPost("/password", ChangePassword)
            .WithName("ChangePassword").WithSummary("Change your password")
            .WithDescription("Ends every session of the account, this one included: log in again with the new password.")
            .Produces(204).Refuses(400, 401, 429).RequireRateLimiting(CredentialRateLimit.Policy);
    }

    private static async Task<IResult> Get(ClaimsPrincipal user, AccountService accounts, CancellationToken cancellationToken) =>
        (await accounts.GetProfile(user.Actor(), cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        UpdateProfileRequest request, ClaimsPrincipal user, AccountService accounts, CancellationToken cancellationToken) =>
        (await accounts.UpdateProfile(user.Actor(), request.DisplayName, request.Color, cancellationToken)).ToHttp();

    private static async Task<IResult> ChangePassword(
        ChangePasswordRequest request, ClaimsPrincipal user, AccountService accounts, CancellationToken cancellationToken) =>
        (await accounts.ChangePassword(user.Actor(), request.CurrentPassword, request.NewPassword, cancellationToken)).ToHttp();

    /// <param name="Color">#rrggbb</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateProfileRequest(string? DisplayName = null, string? Color = null);

    /// <param name="NewPassword">At least 8 characters.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ChangePasswordRequest(string CurrentPassword, string NewPassword);
}
