using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.Repositories;

namespace Demiurge.Web.Api;

internal static class RepositoryEndpoints
{
    public static void MapRepositories(this RouteGroupBuilder api)
    {
        var inProject = api.MapGroup("/projects/{projectId:guid}/repositories").WithTags("Repositories");
        inProject.MapGet("", List)
            .WithName("ListRepositories").WithSummary("List a project's Git repositories")
            .Produces<IReadOnlyList<RepositoryInfo>>().Refuses(401, 404);
        inProject.MapPost("", Add)
            .WithName("AddRepository").WithSummary("Add a Git repository to make containers from")
            .WithDescription("For the role edit. The answer has the public half of its own deploy key: give it read access at your forge. Then make a container with its id as repositoryId.")
            .Produces<RepositoryInfo>(201).Refuses(400, 401, 403, 404);
        var repositories = api.MapGroup("/repositories/{repositoryId:guid}").WithTags("Repositories");
        repositories.MapGet("", Get).WithName("GetRepository").WithSummary("Read a repository").Produces<RepositoryInfo>().Refuses(401, 404);
        repositories.MapDelete("", Delete)
            .WithName("DeleteRepository").WithSummary("Remove a repository and its deploy key")
            .Produces(204).Refuses(401, 403, 404, 409);
        repositories.MapPost("/test", Test)
            .WithName("TestRepository").WithSummary("See whether the deploy key reaches the repository")
            .WithDescription("From a container in the organization's network; takes up to a minute. Its demiurge.yaml is read and checked, too.")
            .Produces<AccessTest>().Refuses(401, 403, 404, 503);
        repositories.MapDelete("/host-keys", Forget)
            .WithName("ForgetHostKeys").WithSummary("Trust the server's keys anew at the next connection")
            .Produces(204).Refuses(401, 403, 404);
        api.MapPost("/workspace-files/check", Check).WithTags("Repositories")
            .WithName("CheckWorkspaceFile").WithSummary("Check a demiurge.yaml")
            .WithDescription(
                "Each problem has its line and column, from 1, and what is expected there. No problems: it can be used, and the answer says what it asks for. "
                + "With a projectId the names of templates, tiers and their services are looked up, too.")
            .Produces<WorkspaceFileInfo>().Refuses(400, 401, 404);
        var ofContainer = api.MapGroup("/containers/{containerId:guid}/repository").WithTags("Repositories");
        ofContainer.MapGet("/runs", Runs)
            .WithName("ListRepositoryRuns").WithSummary("List how a container's repository was set up, step by step, latest first")
            .Produces<IReadOnlyList<RepositoryRunInfo>>().Refuses(400, 401, 404);
        ofContainer.MapPost("/update", Update)
            .WithName("UpdateFromGit").WithSummary("Fetch what the branch has now, and set it up")
            .Produces<RepositoryRunInfo>(202).Refuses(401, 403, 404, 409);
        ofContainer.MapGet("/processes", Processes)
            .WithName("ListProcesses").WithSummary("List the processes of a container's demiurge.yaml")
            .Produces<IReadOnlyList<ProcessInfo>>().Refuses(401, 404, 409);
        api.MapPost("/repository-runs/{runId:guid}/retry", Retry).WithTags("Repositories")
            .WithName("RetryRepositoryRun").WithSummary("Go on with a failed run at the step that failed")
            .Produces<RepositoryRunInfo>(202).Refuses(401, 403, 404, 409);
    }

    private static async Task<IResult> List(Guid projectId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.List(user.Actor(), projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Add(Guid projectId, AddRepositoryRequest request, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.Add(user.Actor(), projectId, request.Url, request.Branch, cancellationToken)).ToCreated(repository => $"{ApiExtensions.Root}/repositories/{repository.Id}");

    private static async Task<IResult> Get(Guid repositoryId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.Get(user.Actor(), repositoryId, cancellationToken)).ToHttp();

    private static async Task<IResult> Delete(Guid repositoryId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.Delete(user.Actor(), repositoryId, cancellationToken)).ToHttp();

    private static async Task<IResult> Test(Guid repositoryId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.TestAccess(user.Actor(), repositoryId, cancellationToken)).ToHttp();

    private static async Task<IResult> Check(CheckRequest request, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.Check(user.Actor(), request.Text, request.ProjectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Forget(Guid repositoryId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.ForgetHostKeys(user.Actor(), repositoryId, cancellationToken)).ToHttp();

    private static async Task<IResult> Runs(Guid containerId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken, int count = 10) =>
        (await repositories.Runs(user.Actor(), containerId, count, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(Guid containerId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        Accepted(await repositories.Update(user.Actor(), containerId, cancellationToken));

    private static async Task<IResult> Retry(Guid runId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        Accepted(await repositories.Retry(user.Actor(), runId, cancellationToken));

    private static async Task<IResult> Processes(Guid containerId, ClaimsPrincipal user, RepositoryService repositories, CancellationToken cancellationToken) =>
        (await repositories.Processes(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static IResult Accepted(Core.Result<RepositoryRunInfo> run) =>
        run.Succeeded ? Results.Accepted($"{ApiExtensions.Root}/containers/{run.Value.ContainerId}/repository/runs", run.Value) : ApiResults.Refused(run.Error);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record AddRepositoryRequest(string Url, string? Branch = null);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CheckRequest(string Text, Guid? ProjectId = null);
}
