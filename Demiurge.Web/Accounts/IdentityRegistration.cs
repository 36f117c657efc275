using Demiurge.Core.Accounts;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Accounts;

/// <summary>Signing in by a browser: Identity's cookie over the accounts of Core.</summary>
public static class IdentityRegistration
{
    /// <summary>How soon a browser notices that its password was changed elsewhere.</summary>
    private static readonly TimeSpan StampCheckInterval = TimeSpan.FromMinutes(1);

    public static IServiceCollection AddBrowserSignIn(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddAuthentication(IdentityConstants.ApplicationScheme).AddIdentityCookies();
        new IdentityBuilder(typeof(User), services).AddSignInManager();
        services.ConfigureApplicationCookie(cookie =>
        {
            cookie.Cookie.Name = "demiurge.session";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Lax;
            cookie.ExpireTimeSpan = TimeSpan.FromDays(14);
            cookie.SlidingExpiration = true;
            cookie.LoginPath = "/account/login";
            cookie.LogoutPath = "/account/logout";
            cookie.AccessDeniedPath = "/error/403";
            cookie.ReturnUrlParameter = "returnUrl";
            cookie.Events.OnSigningIn = BrowserSession.Begin;
        });
        services.Configure<SecurityStampValidatorOptions>(options =>
        {
            options.ValidationInterval = StampCheckInterval;
            options.OnRefreshingPrincipal = BrowserSession.Continue;
        });
        services.AddAuthorization();
        return services;
    }
}
