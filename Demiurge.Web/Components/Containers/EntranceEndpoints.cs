using System.Security.Claims;
using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Permissions;
using Demiurge.Web.Accounts;
using Demiurge.Web.Edge;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Demiurge.Web.Components.Containers;

/// <summary>
/// The ways to containers: <c>/containers/{id}/enter</c> for people with an account, <c>/share/{token}</c> for whoever has a public link. Both
/// lead to the container's own host with a ticket; who may not come in reads why.
/// </summary>
internal static class EntranceEndpoints
{
    public static void MapEntrance(this WebApplication app)
    {
        app.MapGet("/containers/{containerId:guid}/enter", Enter).ExcludeFromDescription();
        app.MapGet("/share/{token}", EnterByLink).ExcludeFromDescription();
    }

    private static async Task Enter(
        HttpContext context, Guid containerId, string? service, ContainerTickets tickets, SignInManager<User> signIn, IOptions<SiteOptions> site)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Who(context.User) is not var (actor, session) || await signIn.ValidateSecurityStampAsync(context.User) is null)
        {
            context.Response.Redirect(ReturnUrl.With("/account/login", context.Request.Path + context.Request.QueryString));
            return;
        }

        await Lead(context, await tickets.Enter(actor, session, containerId, service, context.Request.Query["return"], context.RequestAborted), site.Value.PublicUrl);
    }

    private static async Task EnterByLink(HttpContext context, string token, ContainerTickets tickets, IOptions<SiteOptions> site)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        var (actor, session) = Who(context.User) is var (known, id) ? ((Actor?)known, id) : (null, default);
        await Lead(context, await tickets.EnterByLink(actor, session, token, context.RequestAborted), site.Value.PublicUrl);
    }

    private static Task Lead(HttpContext context, Result<string> address, string home)
    {
        if (address.Succeeded)
        {
            context.Response.Redirect(address.Value);
            return Task.CompletedTask;
        }

        var (status, title) = address.Error.Kind switch
        {
            ErrorKind.Forbidden => (StatusCodes.Status403Forbidden, "Not shared with you"),
            ErrorKind.NotFound => (StatusCodes.Status404NotFound, "Nothing here"),
            ErrorKind.Conflict => (StatusCodes.Status410Gone, "Not there any more"),
            _ => (StatusCodes.Status503ServiceUnavailable, "Not just now"),
        };
        return EdgePage.Write(context, status, title, address.Error.Message, home);
    }

    private static (Actor Actor, Guid Session)? Who(ClaimsPrincipal user) =>
        user.Identity?.IsAuthenticated == true && Guid.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), out var id)
            ? (new Actor(id), BrowserSession.IdOf(user))
            : null;
}
