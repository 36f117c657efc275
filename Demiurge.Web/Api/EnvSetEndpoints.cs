using System.Security.Claims;
using System.Text;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Usage;

namespace Demiurge.Web.Api;

internal static class EnvSetEndpoints
{
    public static void MapEnvSets(this RouteGroupBuilder api)
    {
        var inOrganization = api.MapGroup("/organizations/{organizationId:guid}").WithTags("Container variables");
        inOrganization.MapGet("/env-sets", List)
            .WithName("ListEnvSets").WithSummary("List the sets of variables that you can give to containers")
            .WithDescription("The organization's, your projects' and your own. Names only: a value is never shown again. projectId leaves other projects' sets out.")
            .Produces<IReadOnlyList<EnvSetInfo>>().Refuses(400, 401, 404);
        inOrganization.MapPost("/env-sets", Create)
            .WithName("CreateEnvSet").WithSummary("Make a set of variables")
            .WithDescription("scope organization is for admins, project (with its id as scopeId) for the role manage there, person for everybody.")
            .Produces<EnvSetInfo>(201).Refuses(400, 401, 403, 404, 409);

        var sets = api.MapGroup("/env-sets/{setId:guid}").WithTags("Container variables");
        sets.MapPatch("", Change)
            .WithName("ChangeEnvSet").WithSummary("Set and remove variables of a set, or rename it")
            .WithDescription("variables sets those with a value and removes those that are null; the others stay. Containers have them from their next start on.")
            .Produces<EnvSetInfo>().Refuses(400, 401, 403, 404, 409);
        sets.MapDelete("", Delete)
            .WithName("DeleteEnvSet").WithSummary("Delete a set of variables")
            .WithDescription("Containers that had it start without it from then on.")
            .Produces(204).Refuses(401, 403, 404);

        api.MapGet("/organizations/{organizationId:guid}/usage", Usage).WithTags("Container usage")
            .WithName("ReadUsage").WithSummary("Read how long an organization's containers ran, and what that costs")
            .WithDescription("For owners and admins. from and to are instants; without them this month so far. With format=csv as comma-separated values.")
            .Produces<UsageReport>().Refuses(400, 401, 403, 404);
    }

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, EnvSetService sets, CancellationToken cancellationToken, Guid? projectId = null) =>
        (await sets.List(user.Actor(), organizationId, projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Create(
        Guid organizationId, CreateEnvSetRequest request, ClaimsPrincipal user, EnvSetService sets, CancellationToken cancellationToken) =>
        (await sets.Create(user.Actor(), organizationId, request.Scope, request.ScopeId, request.Name, request.Variables, cancellationToken))
            .ToCreated(set => $"{ApiExtensions.Root}/env-sets/{set.Id}");

    private static async Task<IResult> Change(
        Guid setId, ChangeEnvSetRequest request, ClaimsPrincipal user, EnvSetService sets, CancellationToken cancellationToken) =>
        (await sets.Change(user.Actor(), setId, request.Name, request.Variables, cancellationToken)).ToHttp();

    private static async Task<IResult> Delete(Guid setId, ClaimsPrincipal user, EnvSetService sets, CancellationToken cancellationToken) =>
        (await sets.Delete(user.Actor(), setId, cancellationToken)).ToHttp();

    private static async Task<IResult> Usage(
        Guid organizationId, ClaimsPrincipal user, UsageService usage, CancellationToken cancellationToken, DateTimeOffset? from = null, DateTimeOffset? to = null,
        string? format = null)
    {
        var report = await usage.Report(user.Actor(), organizationId, from, to, cancellationToken);
        return report.Succeeded && string.Equals(format, "csv", StringComparison.OrdinalIgnoreCase)
            ? Results.File(Encoding.UTF8.GetBytes(UsageService.ToCsv(report.Value)), "text/csv; charset=utf-8", "usage.csv")
            : report.ToHttp();
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateEnvSetRequest(
        EnvSetScope Scope, string Name, Guid? ScopeId = null, IReadOnlyDictionary<string, string>? Variables = null);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ChangeEnvSetRequest(string? Name = null, IReadOnlyDictionary<string, string?>? Variables = null);
}
