using System.Security.Claims;
using Demiurge.Core.Audit;

namespace Demiurge.Web.Api;

internal static class AuditEndpoints
{
    public static void MapAudit(this RouteGroupBuilder api) =>
        api.MapGet("/organizations/{organizationId:guid}/audit", List).WithTags("Audit")
            .WithName("ListAuditEntries").WithSummary("Read what was changed in an organization, by whom and when")
            .WithDescription("For owners and admins. Newest first; for the next page pass the last entry's id as before. count is at most 200.")
            .Produces<IReadOnlyList<AuditEntryInfo>>().Refuses(400, 401, 403, 404);

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, AuditLog log, CancellationToken cancellationToken, Guid? before = null, int count = 50) =>
        (await log.List(user.Actor(), organizationId, before, count, cancellationToken)).ToHttp();
}
