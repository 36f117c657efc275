using System.Security.Claims;
using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Accounts;

/// <summary>Gives each session of a browser an id, which its cookie carries as a claim and keeps when the cookie is renewed.</summary>
internal static class BrowserSession
{
    /// <summary>Empty for a session from before there were ids.</summary>
    public static Guid IdOf(ClaimsPrincipal user) => Guid.TryParse(user.FindFirstValue(BrowserSessions.Claim), out var id) ? id : default;

    public static Task Begin(CookieSigningInContext context)
    {
        if (context.Principal?.Identity is ClaimsIdentity identity && !identity.HasClaim(claim => claim.Type == BrowserSessions.Claim))
            identity.AddClaim(new Claim(BrowserSessions.Claim, Guid.NewGuid().ToString("N")));
        return Task.CompletedTask;
    }

    public static Task Continue(SecurityStampRefreshingPrincipalContext context)
    {
        if (context.CurrentPrincipal?.FindFirst(BrowserSessions.Claim) is { } claim && context.NewPrincipal?.Identity is ClaimsIdentity identity
            && !identity.HasClaim(other => other.Type == BrowserSessions.Claim))
            identity.AddClaim(new Claim(claim.Type, claim.Value));
        return Task.CompletedTask;
    }
}
