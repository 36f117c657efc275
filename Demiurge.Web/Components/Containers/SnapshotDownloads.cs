using System.Security.Claims;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Permissions;
using Demiurge.Web.Api;
using Microsoft.AspNetCore.Identity;

namespace Demiurge.Web.Components.Containers;

internal static class SnapshotDownloads
{
    /// <summary><c>GET /snapshots/{id}/download</c> for a signed-in browser.</summary>
    public static void MapSnapshotDownloads(this WebApplication app) =>
        app.MapGet("/snapshots/{snapshotId:guid}/download", async (Guid snapshotId, HttpContext context, SnapshotService snapshots) =>
        {
            if (!Guid.TryParse(context.User.FindFirstValue(ClaimTypes.NameIdentifier), out var userId))
                return Results.Unauthorized();
            var download = await snapshots.Download(new Actor(userId), snapshotId, context.RequestAborted);
            return download.Succeeded ? SnapshotFile.Answer(context, download.Value) : Results.Text(download.Error.Message, statusCode: StatusCodes.Status404NotFound);
        }).RequireAuthorization(policy => policy.AddAuthenticationSchemes(IdentityConstants.ApplicationScheme).RequireAuthenticatedUser()).ExcludeFromDescription();
}
