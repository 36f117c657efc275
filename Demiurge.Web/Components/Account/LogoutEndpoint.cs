using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Account;

internal static class LogoutEndpoint
{
    /// <summary><c>POST /account/logout?returnUrl=</c> with an antiforgery token.</summary>
    public static void MapLogout(this WebApplication app) =>
        app.MapPost("/account/logout", async (HttpContext context, IAntiforgery antiforgery, SignInManager<User> signIn, string? returnUrl) =>
        {
            if (!await antiforgery.IsRequestValidAsync(context))
                return Results.StatusCode(StatusCodes.Status400BadRequest);
            await signIn.SignOutAsync();
            return Results.LocalRedirect(ReturnUrl.With("/account/login", returnUrl));
        }).ExcludeFromDescription().DisableAntiforgery();
}
