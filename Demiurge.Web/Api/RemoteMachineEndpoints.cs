using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.Remote;

namespace Demiurge.Web.Api;

internal static class RemoteMachineEndpoints
{
    public static void MapRemoteMachines(this RouteGroupBuilder api)
    {
        var machine = api.MapGroup("/containers/{containerId:guid}/machine").WithTags("Own machines");
        machine.MapPost("", Create)
            .WithName("CreateMachineCommand").WithSummary("Get the command by which a machine of your own joins as this container")
            .WithDescription("For those who manage a container whose place is remote. The token in the command is good once and for a quarter of an hour; a command that was made "
                + "before is taken back. Run the command on any machine with Docker. A machine that has joined already stays until the new one has.")
            .Produces<RemoteCommand>().Refuses(401, 403, 404, 409);
        machine.MapGet("", Get)
            .WithName("GetMachine").WithSummary("Read how a container's machine does")
            .Produces<RemoteMachineInfo>().Refuses(401, 404, 409);
        machine.MapDelete("", Revoke)
            .WithName("RevokeMachine").WithSummary("Cut a container's machine off")
            .WithDescription("For those who manage the container. Ends its tunnel within seconds, and takes back a command that wasn't used.")
            .Produces(204).Refuses(401, 403, 404, 409);
        api.MapGet("/projects/{projectId:guid}/machines", List).WithTags("Own machines")
            .WithName("ListMachines").WithSummary("List the machines of a project's containers")
            .Produces<IReadOnlyList<RemoteMachineInfo>>().Refuses(401, 404);

        var remote = api.MapGroup("/remote").WithTags("Own machines").AllowAnonymous();
        remote.MapPost("/join", Join)
            .WithName("JoinMachine").WithSummary("Join, as a machine, by the token of a command")
            .WithDescription("For the agent in the image that the command runs. The request is a PKCS#10 request in PEM for a P-256 key, which stays on the machine.")
            .Produces<RemoteJoined>().Refuses(400, 401);
        remote.MapPost("/services", Report)
            .WithName("ReportServices").WithSummary("Tell, as a machine, what listens on it")
            .WithDescription("With the report token of the answer to joining as bearer token, every intervalSeconds of the last answer. A machine that is silent for 30 seconds is "
                + "dropped until it reports again. 401 means that it was cut off for good. connectedTo is the name of the VPN server that its tunnel leads to, or null.")
            .Produces<RemoteOrders>().Refuses(400, 401);
        remote.MapPost("/renew", Renew)
            .WithName("RenewMachineCertificate").WithSummary("Get, as a machine, the next certificate")
            .WithDescription("When an answer to a report asks for it. The certificate before is of no use from then on: reconnect.")
            .Produces<RemoteRenewed>().Refuses(400, 401);
        remote.MapPost("/leave", Leave)
            .WithName("LeaveAsMachine").WithSummary("Tell, as a machine, that it ends")
            .Produces(204).Refuses(401);
    }

    private static async Task<IResult> Create(Guid containerId, ClaimsPrincipal user, RemoteMachines machines, CancellationToken cancellationToken) =>
        (await machines.CreateCommand(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> Get(Guid containerId, ClaimsPrincipal user, RemoteMachines machines, CancellationToken cancellationToken) =>
        (await machines.Get(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> Revoke(Guid containerId, ClaimsPrincipal user, RemoteMachines machines, CancellationToken cancellationToken) =>
        (await machines.Revoke(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> List(Guid projectId, ClaimsPrincipal user, RemoteMachines machines, CancellationToken cancellationToken) =>
        (await machines.List(user.Actor(), projectId, cancellationToken)).ToHttp();

    private static async Task<IResult> Join(JoinRequest body, RemoteReports reports, CancellationToken cancellationToken) =>
        (await reports.Join(body.Token, body.Request, cancellationToken)).ToHttp();

    private static async Task<IResult> Report(ServicesRequest body, HttpContext context, RemoteReports reports, CancellationToken cancellationToken) =>
        (await reports.Report(Bearer(context), body.ConnectedTo, body.Services, cancellationToken)).ToHttp();

    private static async Task<IResult> Renew(RenewRequest body, HttpContext context, RemoteReports reports, CancellationToken cancellationToken) =>
        (await reports.Renew(Bearer(context), body.Request, cancellationToken)).ToHttp();

    private static async Task<IResult> Leave(HttpContext context, RemoteReports reports, CancellationToken cancellationToken) =>
        (await reports.Leave(Bearer(context), cancellationToken)).ToHttp();

    private static string Bearer(HttpContext context) =>
        context.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. { Length: > 0 and < 200 } token] ? token : "";

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record JoinRequest(string Token, string Request);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record ServicesRequest(string? ConnectedTo, IReadOnlyList<RemoteService> Services);

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record RenewRequest(string Request);
}
