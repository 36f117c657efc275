using Demiurge.Core.Accounts;
using Demiurge.Web.Accounts;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Account;

internal static class LogoutEndpoint
{
    /// <summary><c>POST /account/logout?returnUrl=</c> with an antiforgery token.</summary>
    public static void MapLogout(this WebApplication app) =>
        app.MapPost("/account/logout", async (HttpContext context, IAntiforgery antiforgery, SignInManager<User> signIn, BrowserSessions sessions, string? returnUrl) =>
        {
            if (!await antiforgery.IsRequestValidAsync(context))
                return Results.StatusCode(StatusCodes.Status400BadRequest);
            // What was handed out under the session, to containers' hosts, ends with it.
            if (BrowserSession.IdOf(context.User) is var session && session != default)
                await sessions.End(session, context.RequestAborted);
            await signIn.SignOutAsync();
            return Results.LocalRedirect(ReturnUrl.With("/account/login", returnUrl));
        }).ExcludeFromDescription().DisableAntiforgery();
}
