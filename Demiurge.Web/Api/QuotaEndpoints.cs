using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers;

namespace Demiurge.Web.Api;

internal static class QuotaEndpoints
{
    public static void MapQuotas(this RouteGroupBuilder api)
    {
        var quotas = api.MapGroup("/organizations/{organizationId:guid}/quotas").WithTags("Container quotas");
        quotas.MapGet("", Get)
            .WithName("GetQuotas").WithSummary("Read an organization's limits on containers, its people's, and what they have")
            .WithDescription("For owners, admins and platform administrators. What is null in limits is the installation's setting, in defaults and personDefaults.")
            .Produces<OrganizationQuotaInfo>().Refuses(401, 403, 404);
        quotas.MapPut("", Set)
            .WithName("SetQuota").WithSummary("Set an organization's limits")
            .WithDescription("For platform administrators. What is left out is the installation's setting. What runs goes on; limits hold for what is started or made from then on.")
            .Produces(204).Refuses(400, 401, 403, 404);
        quotas.MapPut("/people/{userId:guid}", SetPerson)
            .WithName("SetPersonQuota").WithSummary("Set a member's limits in an organization")
            .WithDescription("For owners, admins and platform administrators. What is left out is the installation's setting.")
            .Produces(204).Refuses(400, 401, 403, 404);
    }

    private static async Task<IResult> Get(Guid organizationId, ClaimsPrincipal user, ContainerQuotas quotas, CancellationToken cancellationToken) =>
        (await quotas.Get(user.Actor(), organizationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Set(
        Guid organizationId, QuotaRequest request, ClaimsPrincipal user, ContainerQuotas quotas, CancellationToken cancellationToken) =>
        (await quotas.Set(user.Actor(), organizationId, request.Values, cancellationToken)).ToHttp();

    private static async Task<IResult> SetPerson(
        Guid organizationId, Guid userId, QuotaRequest request, ClaimsPrincipal user, ContainerQuotas quotas, CancellationToken cancellationToken) =>
        (await quotas.SetPerson(user.Actor(), organizationId, userId, request.Values, cancellationToken)).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record QuotaRequest(
        int? Containers = null, int? Running = null, double? Cpus = null, long? MemoryBytes = null, long? DiskBytes = null, long? SnapshotBytes = null)
    {
        [JsonIgnore]
        public QuotaValues Values => new(Containers, Running, Cpus, MemoryBytes, DiskBytes, SnapshotBytes);
    }
}
