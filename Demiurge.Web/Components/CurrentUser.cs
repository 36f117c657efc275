using System.Security.Claims;
using Demiurge.Core.Accounts;
using Demiurge.Core.Permissions;
using Microsoft.AspNetCore.Components.Authorization;

namespace Demiurge.Web.Components;

/// <summary>The person behind this circuit or request.</summary>
public sealed class CurrentUser(AuthenticationStateProvider authentication)
{
    /// <summary>The signed-in person, or null.</summary>
    public async Task<Actor?> Find() =>
        Guid.TryParse((await authentication.GetAuthenticationStateAsync()).User.FindFirstValue(ClaimTypes.NameIdentifier), out var id)
            ? new Actor(id)
            : null;

    /// <summary>The browser's session: what is handed out under it ends with its log-out. Empty for one from before there were such ids.</summary>
    public async Task<Guid> Session() =>
        Guid.TryParse((await authentication.GetAuthenticationStateAsync()).User.FindFirstValue(BrowserSessions.Claim), out var id) ? id : Guid.Empty;

    /// <summary>The signed-in person, on a page that requires one.</summary>
    public async Task<Actor> Get() =>
        await Find() ?? throw new InvalidOperationException("Nobody is signed in: the page lacks [Authorize].");
}
