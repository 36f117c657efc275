using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Permissions;

namespace Demiurge.Web.Api;

internal static class ContainerEndpoints
{
    public static void MapContainers(this RouteGroupBuilder api)
    {
        var inProject = api.MapGroup("/projects/{projectId:guid}/containers").WithTags("Containers");
        inProject.MapGet("", List)
            .WithName("ListContainers").WithSummary("List a project's containers")
            .WithDescription("For everybody who may view the project. With deleted=true those that were deleted and can be had back.")
            .Produces<IReadOnlyList<ContainerInfo>>().Refuses(400, 401, 404);
        inProject.MapPost("", Create)
            .WithName("CreateContainer").WithSummary("Make a container and start it")
            .WithDescription(
                "For the role edit. Answers at once, while the container is queued; read it again to see how it goes. tierId, templateVersion and name may be "
                + "left out, and templateId when there is a repositoryId whose demiurge.yaml names a template. Options are the template's, by name; what is the matter with each is told in errors.")
            .Produces<ContainerInfo>(201).Refuses(400, 401, 403, 404, 409);

        var containers = api.MapGroup("/containers/{containerId:guid}").WithTags("Containers");
        containers.MapGet("", Get)
            .WithName("GetContainer").WithSummary("Read a container: state, services, owner, what you may do with it")
            .Produces<ContainerInfo>().Refuses(401, 404);
        containers.MapPatch("", Update)
            .WithName("UpdateContainer").WithSummary("Change a container's name, sharing or when it is stopped")
            .WithDescription(
                "For its owner and the role manage. What is left out stays as it is. keepMinutes keeps it from being stopped for being idle for so long (0 ends "
                + "that), pinned for good; idleMinutes is the time without use after which it is stopped (0: never).")
            .Produces<ContainerInfo>().Refuses(400, 401, 403, 404, 409);
        containers.MapDelete("", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Delete(user.Actor(), containerId, cancellationToken)))
            .WithName("DeleteContainer").WithSummary("Delete a container; can be undone for a day")
            .WithDescription("For its owner and the role manage. Its data is kept until undoUntil.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404);
        containers.MapPost("/undelete", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Undelete(user.Actor(), containerId, cancellationToken)))
            .WithName("UndeleteContainer").WithSummary("Take a container's deletion back")
            .WithDescription("It is there again, stopped, with its data.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404, 409);
        containers.MapPost("/start", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Start(user.Actor(), containerId, cancellationToken)))
            .WithName("StartContainer").WithSummary("Start a container")
            .WithDescription("For the role edit. Nothing happens when it is to run already.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404, 409);
        containers.MapPost("/stop", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Stop(user.Actor(), containerId, cancellationToken)))
            .WithName("StopContainer").WithSummary("Stop a container; its data stays")
            .WithDescription("For the role edit.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404, 409);
        containers.MapPost("/restart", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Restart(user.Actor(), containerId, cancellationToken)))
            .WithName("RestartContainer").WithSummary("Stop a container and start it anew")
            .WithDescription("For the role edit. New values of its variables are in use from then on.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404, 409);
        containers.MapPost("/retry", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Answer(service.Retry(user.Actor(), containerId, cancellationToken)))
            .WithName("RetryContainer").WithSummary("Try to start a failed container again, at once")
            .WithDescription("For the role edit.")
            .Produces<ContainerInfo>().Refuses(401, 403, 404, 409);
        containers.MapPost("/duplicate", Duplicate)
            .WithName("DuplicateContainer").WithSummary("Make a container like this one, without its data")
            .WithDescription("For the role edit, and those who may open it.")
            .Produces<ContainerInfo>(201).Refuses(401, 403, 404, 409);
        containers.MapGet("/settings", (Guid containerId, ClaimsPrincipal user, ContainerService service, CancellationToken cancellationToken) => Settings(service.Settings(user.Actor(), containerId, cancellationToken)))
            .WithName("GetContainerSettings").WithSummary("Read a container's tier and options")
            .WithDescription("For its owner and the role manage. Of secret options only the names are told.")
            .Produces<ContainerSettings>().Refuses(401, 403, 404);
        containers.MapPatch("/settings", Configure)
            .WithName("ConfigureContainer").WithSummary("Give a container another tier or other options")
            .WithDescription(
                "For its owner and the role manage. They hold from its next start on; its data stays. Options that are left out stay as they are, an empty one goes back to its "
                + "default. Refused when the tier would go over a quota.")
            .Produces<ContainerInfo>().Refuses(400, 401, 403, 404, 409);
        containers.MapGet("/events", Events)
            .WithName("ListContainerEvents").WithSummary("Read a container's story")
            .WithDescription("Newest first; for the next page pass the last entry's id as before. count is at most 200.")
            .Produces<IReadOnlyList<ContainerEventInfo>>().Refuses(400, 401, 404);
        containers.MapGet("/logs", Logs)
            .WithName("ReadContainerLogs").WithSummary("Read the last lines that a container wrote")
            .WithDescription("For those who may open it. Secrets that it was given are blackened. tail is at most 5000.")
            .Produces<IReadOnlyList<LogLine>>().Refuses(400, 401, 403, 404, 409);
    }

    private static async Task<IResult> List(
        Guid projectId, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken, bool deleted = false) =>
        (await containers.List(user.Actor(), projectId, deleted, cancellationToken)).ToHttp();

    private static async Task<IResult> Create(
        Guid projectId, CreateContainerRequest request, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken) =>
        (await containers.Create(
            user.Actor(),
            new NewContainer(
                projectId, request.TemplateId, request.TemplateVersion, request.TierId, request.Name, request.Options, request.EnvSetIds, request.Share,
                request.RepositoryId, request.Place),
            cancellationToken)).ToCreated(container => $"{ApiExtensions.Root}/containers/{container.Id}");

    private static async Task<IResult> Get(Guid containerId, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken) =>
        (await containers.Get(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid containerId, UpdateContainerRequest request, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken)
    {
        var actor = user.Actor();
        var changes = new List<Func<Actor, Task<Result<ContainerInfo>>>>();
        if (request.Name is { } name)
            changes.Add(who => containers.Rename(who, containerId, name, cancellationToken));
        if (request.Share is { } share)
            changes.Add(who => containers.SetShare(who, containerId, share, cancellationToken));
        if (request.Pinned is { } pinned)
            changes.Add(who => containers.Pin(who, containerId, pinned, cancellationToken));
        if (request.IdleMinutes is { } idle)
            changes.Add(who => containers.SetIdleMinutes(who, containerId, idle, cancellationToken));
        if (request.KeepMinutes is { } keep)
            changes.Add(who => containers.Keep(who, containerId, TimeSpan.FromMinutes(Math.Clamp(keep, -1, 60 * 24 * 400)), cancellationToken));
        var result = await containers.Get(actor, containerId, cancellationToken);
        foreach (var change in changes)
        {
            if (result.Succeeded)
                result = await change(actor);
        }
        return result.ToHttp();
    }

    private static async Task<IResult> Duplicate(Guid containerId, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken) =>
        (await containers.Duplicate(user.Actor(), containerId, cancellationToken)).ToCreated(container => $"{ApiExtensions.Root}/containers/{container.Id}");

    private static async Task<IResult> Events(
        Guid containerId, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken, long? before = null, int count = 100) =>
        (await containers.Events(user.Actor(), containerId, before, count, cancellationToken)).ToHttp();

    private static async Task<IResult> Logs(
        Guid containerId, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken, int tail = 200)
    {
        var found = await containers.Logs(user.Actor(), containerId, tail, follow: false, cancellationToken);
        if (!found.Succeeded)
            return ApiResults.Refused(found.Error);
        var lines = new List<LogLine>();
        await foreach (var line in found.Value)
            lines.Add(line);
        return Results.Ok(lines);
    }

    private static async Task<IResult> Settings(Task<Result<ContainerSettings>> question) => (await question).ToHttp();

    private static async Task<IResult> Configure(
        Guid containerId, ConfigureContainerRequest request, ClaimsPrincipal user, ContainerService containers, CancellationToken cancellationToken) =>
        (await containers.Configure(user.Actor(), containerId, request.TierId, request.Options, cancellationToken)).ToHttp();

    private static async Task<IResult> Answer(Task<Result<ContainerInfo>> command) => (await command).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateContainerRequest(
        Guid? TemplateId = null, int? TemplateVersion = null, Guid? TierId = null, string? Name = null, IReadOnlyDictionary<string, string>? Options = null,
        IReadOnlyList<Guid>? EnvSetIds = null, ShareLevel Share = ShareLevel.Project, Guid? RepositoryId = null, ContainerPlace Place = ContainerPlace.Engine);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record UpdateContainerRequest(
        string? Name = null, ShareLevel? Share = null, bool? Pinned = null, int? IdleMinutes = null, int? KeepMinutes = null);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ConfigureContainerRequest(Guid? TierId = null, IReadOnlyDictionary<string, string>? Options = null);
}
