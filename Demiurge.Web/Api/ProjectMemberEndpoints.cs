using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Permissions;
using Demiurge.Core.Projects;

namespace Demiurge.Web.Api;

internal static class ProjectMemberEndpoints
{
    public static void MapProjectMembers(this RouteGroupBuilder api)
    {
        var members = api.MapGroup("/projects/{projectId:guid}/members").WithTags("Project members");
        members.MapGet("", List)
            .WithName("ListProjectMembers").WithSummary("List who has a role in a project")
            .WithDescription("The organization's owners and admins manage every project; their role is inherited.")
            .Produces<IReadOnlyList<ProjectMemberInfo>>().Refuses(401, 404);
        members.MapPut("/{userId:guid}", Set)
            .WithName("SetProjectMember").WithSummary("Give a member of the organization a role in a project, or change it")
            .WithDescription("For the role manage.")
            .Produces(204).Refuses(400, 401, 403, 404, 409);
        members.MapDelete("/{userId:guid}", Remove)
            .WithName("RemoveProjectMember").WithSummary("Take a person's role in a project away")
            .WithDescription("For the role manage, and for everybody their own.")
            .Produces(204).Refuses(401, 403, 404);
    }

    private static async Task<IResult> List(Guid projectId, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.Members(user.Actor(), projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Set(
        Guid projectId, Guid userId, SetProjectMemberRequest request, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.SetMember(user.Actor(), projectId, userId, request.Role, cancellationToken)).ToHttp();

    private static async Task<IResult> Remove(
        Guid projectId, Guid userId, ClaimsPrincipal user, ProjectService projects, CancellationToken cancellationToken) =>
        (await projects.RemoveMember(user.Actor(), projectId, userId, cancellationToken)).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record SetProjectMemberRequest(ProjectRole Role);
}
