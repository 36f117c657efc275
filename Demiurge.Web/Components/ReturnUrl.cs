using Microsoft.AspNetCore.Components;

namespace Demiurge.Web.Components;

/// <summary>Where to go after signing in. Only addresses of this site are followed, so that a link can't send a person elsewhere.</summary>
public static class ReturnUrl
{
    /// <summary>The path and query when they stay on this site, else <c>/</c>.</summary>
    public static string Local(string? url) =>
        url is ['/', ..] && !url.AsSpan(1).StartsWith('/') && !url.AsSpan(1).StartsWith('\\') && !url.Any(char.IsControl)
            ? url
            : "/";

    /// <summary>The log-in page that comes back to the address now shown.</summary>
    public static string LoginFor(NavigationManager navigation) =>
        With("/account/login", "/" + navigation.ToBaseRelativePath(navigation.Uri));

    /// <summary><paramref name="page"/> with the way back, where there is one.</summary>
    public static string With(string page, string? returnUrl) =>
        Local(returnUrl) is not "/" and var local ? $"{page}?returnUrl={Uri.EscapeDataString(local)}" : page;
}
