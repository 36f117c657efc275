using System.Security.Claims;
using System.Text.Json.Serialization;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Containers.Sharing;

namespace Demiurge.Web.Api;

/// <summary>How others than people in a browser get to containers: public links, scripts' tokens, terminals.</summary>
internal static class ContainerReachEndpoints
{
    public static void MapContainerReach(this RouteGroupBuilder api)
    {
        var container = api.MapGroup("/containers/{containerId:guid}").WithTags("Reaching containers");
        container.MapGet("/links", ListLinks)
            .WithName("ListContainerLinks").WithSummary("List a container's public links")
            .WithDescription("For those who manage the container. What a link leads by is shown only when it is made.")
            .Produces<IReadOnlyList<ShareLinkInfo>>().Refuses(401, 403, 404);
        container.MapPost("/links", CreateLink)
            .WithName("CreateContainerLink").WithSummary("Make a public link to a container")
            .WithDescription("For those who manage the container, whose sharing must be link. Whoever has the link may open the container's services until it expires or is revoked. The url is shown once.")
            .Produces<NewShareLink>(201).Refuses(400, 401, 403, 404, 409);
        container.MapDelete("/links/{linkId:guid}", RevokeLink)
            .WithName("RevokeContainerLink").WithSummary("Revoke a public link")
            .WithDescription("Whoever came by it is out within seconds, open connections included.")
            .Produces(204).Refuses(401, 403, 404);
        container.MapGet("/tokens", ListTokens)
            .WithName("ListContainerTokens").WithSummary("List your tokens for a container")
            .WithDescription("Those who manage the container see everybody's.")
            .Produces<IReadOnlyList<ContainerTokenInfo>>().Refuses(401, 404);
        container.MapPost("/tokens", CreateToken)
            .WithName("CreateContainerToken").WithSummary("Make a token for a script")
            .WithDescription("For those who may open the container. Scripts send it in the header Demiurge-Token with requests to the container's address; it may do what you may, and ends with your access. Shown once.")
            .Produces<NewContainerToken>(201).Refuses(400, 401, 403, 404, 409);
        container.MapDelete("/tokens/{tokenId:guid}", RevokeToken)
            .WithName("RevokeContainerToken").WithSummary("Revoke a script's token")
            .WithDescription("Connections that were opened with it end within seconds.")
            .Produces(204).Refuses(401, 404);
        container.MapPost("/terminal", OpenTerminal)
            .WithName("OpenContainerTerminal").WithSummary("Get the address of a terminal")
            .WithDescription("Connect a WebSocket to url before expiresAt; it works once. Bytes are binary messages both ways. JSON text messages carry the rest: send {\"type\":\"resize\",\"columns\":80,\"rows\":24}; expect replay, size, title, watchers and exit. One shell for each name, shared by all who open it; those who may not control the container only watch.")
            .Produces<TerminalInvitation>().Refuses(400, 401, 403, 404, 503);
    }

    private static async Task<IResult> ListLinks(Guid containerId, ClaimsPrincipal user, ShareLinks links, CancellationToken cancellationToken) =>
        (await links.List(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> CreateLink(
        Guid containerId, CreateLinkRequest request, ClaimsPrincipal user, ShareLinks links, CancellationToken cancellationToken) =>
        (await links.Create(user.Actor(), containerId, TimeSpan.FromMinutes(Math.Clamp(request.ExpiresInMinutes, 0, 1_000_000)), cancellationToken))
            .ToCreated(_ => $"{ApiExtensions.Root}/containers/{containerId}/links");

    private static async Task<IResult> RevokeLink(Guid containerId, Guid linkId, ClaimsPrincipal user, ShareLinks links, CancellationToken cancellationToken) =>
        (await links.Revoke(user.Actor(), containerId, linkId, cancellationToken)).ToHttp();

    private static async Task<IResult> ListTokens(Guid containerId, ClaimsPrincipal user, ContainerTokens tokens, CancellationToken cancellationToken) =>
        (await tokens.List(user.Actor(), containerId, cancellationToken)).ToHttp();

    private static async Task<IResult> CreateToken(
        Guid containerId, CreateTokenRequest request, ClaimsPrincipal user, ContainerTokens tokens, CancellationToken cancellationToken) =>
        (await tokens.Create(user.Actor(), containerId, request.Name, request.ExpiresAt, cancellationToken)).ToCreated(_ => $"{ApiExtensions.Root}/containers/{containerId}/tokens");

    private static async Task<IResult> RevokeToken(Guid containerId, Guid tokenId, ClaimsPrincipal user, ContainerTokens tokens, CancellationToken cancellationToken) =>
        (await tokens.Revoke(user.Actor(), containerId, tokenId, cancellationToken)).ToHttp();

    private static async Task<IResult> OpenTerminal(
        Guid containerId, OpenTerminalRequest request, ClaimsPrincipal user, ContainerTickets tickets, CancellationToken cancellationToken) =>
        (await tickets.Terminal(user.Actor(), containerId, request.Name, cancellationToken: cancellationToken)).ToHttp();

    /// <param name="ExpiresInMinutes">From 1 to 129600 (90 days).</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateLinkRequest(int ExpiresInMinutes);

    /// <param name="Name">What the script is for.</param>
    /// <param name="ExpiresAt">Left out: until it is revoked.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record CreateTokenRequest(string Name, DateTimeOffset? ExpiresAt = null);

    /// <param name="Name">Which of the container's terminals; left out: the main one.</param>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    internal sealed record OpenTerminalRequest(string? Name = null);
}
