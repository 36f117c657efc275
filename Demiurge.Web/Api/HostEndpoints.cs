using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.Hosts;

namespace Demiurge.Web.Api;

internal static class HostEndpoints
{
    public static void MapHosts(this RouteGroupBuilder api)
    {
        var hosts = api.MapGroup("/hosts").WithTags("Container hosts");
        hosts.MapGet("", List)
            .WithName("ListHosts").WithSummary("List the engines that containers run on, with what is reserved of each")
            .WithDescription("For platform administrators.")
            .Produces<IReadOnlyList<HostInfo>>().Refuses(401, 403);
        hosts.MapPost("", Create)
            .WithName("CreateHost").WithSummary("Register a host")
            .WithDescription(
                "For platform administrators. It is connected to with these values first, and saved only if that works. endpoint is unix:///… or tcp://host:2376 with certificates; "
                + "clientKey is never shown again. organizationIds are those whose containers it takes, none meaning all.")
            .Produces<HostInfo>(201).Refuses(400, 401, 403, 409);
        hosts.MapPost("/test", Test)
            .WithName("TestHost").WithSummary("Look at a host as it would be registered, without registering it")
            .WithDescription("For platform administrators. hostId is that of the host which is to be changed.")
            .Produces<HostProbe>().Refuses(400, 401, 403, 404, 409);
        var host = hosts.MapGroup("/{hostId:guid}");
        host.MapPut("", Update)
            .WithName("UpdateHost").WithSummary("Change a host")
            .WithDescription("For platform administrators. Tried before it is saved. Without clientKey the one that is there is kept.")
            .Produces<HostInfo>().Refuses(400, 401, 403, 404, 409);
        host.MapPatch("", Switch)
            .WithName("SwitchHost").WithSummary("Switch a host on or off")
            .WithDescription("For platform administrators. One that is off takes no containers and starts none; those that run go on. It need not answer.")
            .Produces(204).Refuses(400, 401, 403, 404);
        host.MapDelete("", Delete)
            .WithName("DeleteHost").WithSummary("Remove a host")
            .WithDescription("For platform administrators. Refused while containers have their data on it.")
            .Produces(204).Refuses(401, 403, 404, 409);
    }

    private static async Task<IResult> List(ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken) =>
        (await hosts.List(user.Actor(), cancellationToken)).ToHttp();

    private static async Task<IResult> Create(HostRequest request, ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken) =>
        (await hosts.Create(user.Actor(), request.Values, cancellationToken)).ToCreated(host => $"{ApiExtensions.Root}/hosts/{host.Id}");

    private static async Task<IResult> Test(
        HostRequest request, ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken, Guid? hostId = null) =>
        (await hosts.Test(user.Actor(), request.Values, hostId, cancellationToken)).ToHttp();

    private static async Task<IResult> Update(
        Guid hostId, HostRequest request, ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken) =>
        (await hosts.Update(user.Actor(), hostId, request.Values, cancellationToken)).ToHttp();

    private static async Task<IResult> Switch(
        Guid hostId, SwitchRequest request, ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken) =>
        (await hosts.SetEnabled(user.Actor(), hostId, request.Enabled, cancellationToken)).ToHttp();

    private static async Task<IResult> Delete(Guid hostId, ClaimsPrincipal user, ContainerHostService hosts, CancellationToken cancellationToken) =>
        (await hosts.Delete(user.Actor(), hostId, cancellationToken)).ToHttp();

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record HostRequest(
        string Name, string Endpoint, double Cpus, long MemoryBytes, long DiskBytes, string? CaPem = null, string? ClientCertPem = null, string? ClientKey = null,
        IReadOnlyList<Guid>? OrganizationIds = null, string? Runtime = null, HostReach Reach = HostReach.Direct, string? PublishedAddress = null, bool Enabled = true)
    {
        [JsonIgnore]
        public HostValues Values => new(
            Name, Endpoint, CaPem, ClientCertPem, ClientKey, Cpus, MemoryBytes, DiskBytes, OrganizationIds ?? [], Runtime, Reach, PublishedAddress, Enabled);

        /// <summary>Without the key.</summary>
        public override string ToString() => $"{Name} at {Endpoint}";
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record SwitchRequest(bool Enabled);
}
