using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Snapshots;

namespace Demiurge.Web.Api;

internal static class SnapshotEndpoints
{
    public static void MapSnapshots(this RouteGroupBuilder api)
    {
        var ofContainer = api.MapGroup("/containers/{containerId:guid}/snapshots").WithTags("Snapshots");
        ofContainer.MapGet("", Of)
            .WithName("ListContainerSnapshots").WithSummary("List a container's snapshots, its restore, its schedule and the organization's space")
            .WithDescription("Newest first. For everybody with a role in the project.")
            .Produces<ContainerSnapshots>().Refuses(401, 403, 404);
        ofContainer.MapPost("", Take)
            .WithName("TakeSnapshot").WithSummary("Take a snapshot of a container's data")
            .WithDescription("For those who may start and stop the container, which may run meanwhile. Answers at once; read the snapshot again to see how it goes.")
            .Produces<SnapshotInfo>(201).Refuses(400, 401, 403, 404, 409);
        ofContainer.MapPut("/schedule", SetSchedule)
            .WithName("SetSnapshotSchedule").WithSummary("Say when snapshots are taken by themselves")
            .WithDescription("For those who manage the container. cron is hourly, daily, or cron's five fields in UTC, at most every 10 minutes; null ends it. keep is how many automatic ones are kept, 1 to 100.")
            .Produces(204).Refuses(400, 401, 403, 404, 409);
        api.MapGet("/projects/{projectId:guid}/snapshots", List).WithTags("Snapshots")
            .WithName("ListProjectSnapshots").WithSummary("List a project's snapshots, also of containers that are gone")
            .Produces<IReadOnlyList<SnapshotInfo>>().Refuses(401, 404);
        var snapshots = api.MapGroup("/snapshots/{snapshotId:guid}").WithTags("Snapshots");
        snapshots.MapGet("", Get)
            .WithName("GetSnapshot").WithSummary("Read a snapshot: state, size, SHA-256")
            .Produces<SnapshotInfo>().Refuses(401, 404);
        snapshots.MapGet("/content", Download)
            .WithName("DownloadSnapshot").WithSummary("Download a snapshot as tar.gz")
            .WithDescription("For those who manage the container. demiurge.json tells what it is of; the volumes are the folders volumes/0, volumes/1 ….")
            .Produces<byte[]>(200, "application/gzip").Refuses(401, 403, 404, 409);
        snapshots.MapDelete("", Delete)
            .WithName("DeleteSnapshot").WithSummary("Delete a snapshot with its file")
            .WithDescription("For those who manage the container. One that is being taken is given up.")
            .Produces(204).Refuses(401, 403, 404, 409);
        snapshots.MapPost("/retry", Retry)
            .WithName("RetrySnapshot").WithSummary("Try a failed snapshot again")
            .Produces<SnapshotInfo>().Refuses(401, 403, 404, 409);
        snapshots.MapPost("/restore", Restore)
            .WithName("RestoreSnapshot").WithSummary("Put a snapshot's data back into its container")
            .WithDescription("For those who manage the container. It is stopped, gets the snapshot's data in place of what it has, and is started again if it ran.")
            .Produces<RestoreInfo>(202).Refuses(401, 403, 404, 409);
        snapshots.MapPost("/restore-as-new", RestoreAsNew)
            .WithName("RestoreSnapshotAsNew").WithSummary("Make a new container with a snapshot's data")
            .WithDescription("For those who manage the container that it is of, or, when that is gone, the project or the snapshot.")
            .Produces<ContainerInfo>(201).Refuses(400, 401, 403, 404, 409);
    }

    private static async Task<IResult> Of(Guid containerId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.Of(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> List(Guid projectId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.List(user.Actor(), projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Take(Guid containerId, TakeSnapshotRequest request, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.Take(user.Actor(), containerId, request.Name, cancellationToken)).ToCreated(snapshot => $"{ApiExtensions.Root}/snapshots/{snapshot.Id}");

    private static async Task<IResult> SetSchedule(Guid containerId, SnapshotScheduleRequest request, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.SetSchedule(user.Actor(), containerId, request.Cron, request.Keep, cancellationToken)).ToHttp();

    private static async Task<IResult> Get(Guid snapshotId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.Get(user.Actor(), snapshotId, cancellationToken)).ToHttp();

    private static async Task<IResult> Download(Guid snapshotId, HttpContext context, SnapshotService snapshots, CancellationToken cancellationToken)
    {
        var download = await snapshots.Download(context.User.Actor(), snapshotId, cancellationToken);
        return download.Succeeded ? SnapshotFile.Answer(context, download.Value) : ApiResults.Refused(download.Error);
    }

    private static async Task<IResult> Delete(Guid snapshotId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.Delete(user.Actor(), snapshotId, cancellationToken)).ToHttp();

    private static async Task<IResult> Retry(Guid snapshotId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.Retry(user.Actor(), snapshotId, cancellationToken)).ToHttp();

    private static async Task<IResult> Restore(Guid snapshotId, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken)
    {
        var begun = await snapshots.Restore(user.Actor(), snapshotId, cancellationToken);
        return begun.Succeeded ? Results.Accepted($"{ApiExtensions.Root}/containers/{begun.Value.ContainerId}/snapshots", begun.Value) : ApiResults.Refused(begun.Error);
    }

    private static async Task<IResult> RestoreAsNew(Guid snapshotId, RestoreAsNewRequest request, ClaimsPrincipal user, SnapshotService snapshots, CancellationToken cancellationToken) =>
        (await snapshots.RestoreAsNew(user.Actor(), snapshotId, request.Name, cancellationToken)).ToCreated(container => $"{ApiExtensions.Root}/containers/{container.Id}");

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record TakeSnapshotRequest(string? Name = null);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record SnapshotScheduleRequest(string? Cron = null, int Keep = 7);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record RestoreAsNewRequest(string? Name = null);
}

/// <summary>A snapshot's file as an answer, from the API and from the page.</summary>
internal static class SnapshotFile
{
    public static IResult Answer(HttpContext context, SnapshotDownload download)
    {
        context.Response.ContentLength = download.Length;
        context.Response.Headers["X-Content-Type-Options"] = "nosniff";
        return Results.Stream(download.Content, "application/gzip", download.FileName);
    }
}
