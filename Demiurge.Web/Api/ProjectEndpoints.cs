using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Gateways;
using Demiurge.Core.Projects;

namespace Demiurge.Web.Api;

internal static class ProjectEndpoints
{
    public static void MapProjects(this RouteGroupBuilder api)
    {
        var inOrganization = api.MapGroup("/organizations/{organizationId:guid}/projects").WithTags("Projects");
        inOrganization.MapGet("", List)
            .WithName("ListProjects").WithSummary("List an organization's projects that you may view")
            .Produces<IReadOnlyList<ProjectInfo>>().Refuses(401, 404);
        inOrganization.MapPost("", Create)
            .WithName("CreateProject").WithSummary("Create a project")
            .WithDescription("For every member of the organization. You get the role manage.")
            .Produces<ProjectInfo>(201).Refuses(400, 401, 404, 409);

        var projects = api.MapGroup("/projects").WithTags("Projects");
        projects.MapGet("/recent", Recent)
            .WithName("ListRecentProjects").WithSummary("List the projects you opened last")
            .WithDescription("Across organizations, latest first; count is at most 100.")
            .Produces<IReadOnlyList<ProjectInfo>>().Refuses(400, 401);
        projects.MapGet("/{projectId:guid}", Get)
            .WithName("GetProject").WithSummary("Read a project")
            .Produces<ProjectInfo>().Refuses(401, 404);
        projects.MapPatch("/{projectId:guid}", Update)
            .WithName("UpdateProject").WithSummary("Change a project's name, description or visibility")
            .WithDescription("For the role manage. What is left out stays as it is.")
            .Produces<ProjectInfo>().Refuses(400, 401, 403, 404);
        projects.MapDelete("/{projectId:guid}", Delete)
            .WithName("DeleteProject").WithSummary("Delete a project")
            .WithDescription("For the role manage. The query parameter confirmName must be the project's name.")
            .Produces(204).Refuses(400, 401, 403, 404);
        projects.MapPost("/{projectId:guid}/open", Open)
            .WithName("OpenProject").WithSummary("Get what a Yjs client needs to join the project's room")
            .WithDescription("Connect y-websocket to collabUrl with the query parameter token before expiresAt; open sockets live on after it. Starts the organization's gateway when it rests.")
            .Produces<OpenedProject>().Refuses(401, 404, 503);
    }

    private static async Task<IResult> List(
        Guid organizationId, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.List(user.Actor(), organizationId, cancellationToken)).ToHttp();

    private static async Task<IResult> Create(
        Guid organizationId, CreateProjectRequest request, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.Create(user.Actor(), organizationId, request.Name, request.Description, request.Visibility, cancellationToken))
            .ToCreated(project => $"{ApiExtensions.Root}/projects/{project.Id}");

    private static async Task<IResult> Recent(
        ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken, int count = 12) =>
        Results.Ok(await projects.Recent(user.Actor(), count, cancellationToken));

    private static async Task<IResult> Get(Guid projectId, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.Get(user.Actor(), projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid projectId, UpdateProjectRequest request, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken)
    {
        var updated = await projects.Update(user.Actor(), projectId, request.Name, request.Description, request.Visibility, cancellationToken);
        return updated.Succeeded
            ? (await projects.Get(user.Actor(), projectId, cancellationToken)).ToHttp()
            : ApiResults.Refused(updated.Error);
    }

    private static async Task<IResult> Delete(
        Guid projectId, string? confirmName, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.Delete(user.Actor(), projectId, confirmName, cancellationToken)).ToHttp();

    private static async Task<IResult> Open(
        Guid projectId, ClaimsPrincipal user, ProjectOpener opener, ProjectService projects, CancellationToken cancellationToken)
    {
        var opened = await opener.Open(user.Actor(), projectId, cancellationToken);
        if (opened.Succeeded)
            await projects.MarkOpened(user.Actor(), projectId, cancellationToken);
        return opened.ToHttp();
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateProjectRequest(string Name, string? Description = null, ProjectVisibility Visibility = ProjectVisibility.Private);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateProjectRequest(string? Name = null, string? Description = null, ProjectVisibility? Visibility = null);
}
