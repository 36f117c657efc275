using System.Text.RegularExpressions;
using Demiurge.Core.Accounts;
using Demiurge.Core.Containers.Sharing;
using Demiurge.Core.Gateways;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Containers.Reaching;

/// <summary>Where somebody finds a terminal of a container.</summary>
/// <param name="Url"><c>ws(s)://org-{organization}.DOMAIN[:port]/svc/{container}/terminal?ticket=…</c>, good for one connection until <paramref name="ExpiresAt"/>.</param>
/// <param name="ReadOnly">Whether they may only watch.</param>
public sealed record TerminalInvitation(string Url, string Name, bool ReadOnly, DateTimeOffset ExpiresAt);

/// <summary>
/// Lets people in: checks what they may do with a container, sees to it that its organization has a gateway, and signs the ticket that the
/// gateway takes. Safe for concurrent use.
/// </summary>
public sealed partial class ContainerTickets(
    IDbContextFactory<DemiurgeDbContext> contexts, GatewayAllocator allocator, ContainerUrls urls, SigningKeys keys, IOptions<SiteOptions> site, TimeProvider time)
{
    /// <summary>The terminal that people get who name none.</summary>
    public const string MainTerminal = "main";

    private static readonly Error TerminalNameMalformed = new(
        "container.terminal_name_malformed", "A terminal's name is made of up to 32 small letters, digits and hyphens.", ErrorKind.Invalid) { Field = "name" };

    private static readonly Error ServiceUnknown = new("container.no_such_service", "This container has no service of that name.", ErrorKind.NotFound);

    /// <summary>
    /// The address on the container's own host at which the browser is let in and led on to <paramref name="path"/>. For those who may open
    /// it. Waits for a gateway when none is free.
    /// </summary>
    /// <param name="sessionId">The browser's session; logging out of it ends the visit.</param>
    /// <param name="path">Anything that isn't a path on that host leads to its root.</param>
    public async Task<Result<string>> Enter(
        Actor actor, Guid sessionId, Guid containerId, string? service, string? path, CancellationToken cancellationToken = default)
    {
        string? stamp;
        Container container;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
        {
            if (await ContainerAccess.Find(db, actor, containerId, cancellationToken) is not { } grant)
                return Errors.ContainerNotFound;
            if (grant.Container.DeletedAt is not null)
                return Errors.Deleted;
            if (!grant.Rights.CanOpen)
                return Errors.NotShared;
            container = grant.Container;
            stamp = await Stamp(db, actor, cancellationToken);
        }
        return await LetIn(ContainerVisitor.User(actor.UserId, stamp, sessionId), container.OrganizationId, container.Id, service, path, until: null, cancellationToken);
    }

    /// <summary>As <see cref="Enter"/>, for whoever has a public link.</summary>
    /// <param name="actor">Who has it, when they are logged in: those who may open the container anyway come as themselves.</param>
    public async Task<Result<string>> EnterByLink(Actor? actor, Guid sessionId, string? token, CancellationToken cancellationToken = default)
    {
        ShareLink? link;
        Guid organizationId;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
        {
            link = await ShareLinks.Find(db, token, time.GetUtcNow(), cancellationToken);
            if (link is null)
                return SharingErrors.LinkOver;
            organizationId = await db.Set<Container>().Where(container => container.Id == link.ContainerId).Select(container => container.OrganizationId).SingleAsync(cancellationToken);
        }
        if (actor is { } person && await Enter(person, sessionId, link.ContainerId, null, null, cancellationToken) is { Succeeded: true } entered)
            return entered;
        return await LetIn(ContainerVisitor.Link(link.Id), organizationId, link.ContainerId, null, null, link.ExpiresAt, cancellationToken);
    }

    /// <summary>A ticket for a terminal, for those who may open the container; those who may not control it only watch.</summary>
    /// <param name="name">Null: the one that everybody gets who names none.</param>
    public async Task<Result<TerminalInvitation>> Terminal(
        Actor actor, Guid containerId, string? name = null, Guid sessionId = default, CancellationToken cancellationToken = default)
    {
        name = string.IsNullOrEmpty(name) ? MainTerminal : name;
        if (!TerminalName.IsMatch(name))
            return TerminalNameMalformed;
        ContainerAccess.Grant? grant;
        string? stamp;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
        {
            grant = await ContainerAccess.Find(db, actor, containerId, cancellationToken);
            stamp = await Stamp(db, actor, cancellationToken);
        }
        if (grant is null)
            return Errors.ContainerNotFound;
        if (!grant.Rights.CanOpen)
            return Errors.NotShared;
        var organizationId = grant.Container.OrganizationId;
        var route = await allocator.Ensure(organizationId, cancellationToken);
        if (!route.Succeeded)
            return route.Error;
        var (ticket, expiresAt) = await Sign(
            ContainerTicket.TerminalAudience, ContainerVisitor.User(actor.UserId, stamp, sessionId), organizationId, containerId, null, name, cancellationToken);
        var publicUrl = new Uri(site.Value.PublicUrl);
        var scheme = publicUrl.Scheme == Uri.UriSchemeHttps ? "wss" : "ws";
        var port = publicUrl.IsDefaultPort ? "" : $":{publicUrl.Port}";
        return new TerminalInvitation(
            $"{scheme}://org-{organizationId:D}.{site.Value.Domain}{port}/svc/{containerId:D}/terminal?ticket={ticket}", name, !grant.Rights.CanControl, expiresAt);
    }

    /// <summary>Sees to it that the organization of a script's container has a gateway, when the script's token is good for that container. Otherwise null.</summary>
    public async Task<GatewayRoute?> Wake(Guid organizationId, Guid containerId, string token, CancellationToken cancellationToken = default)
    {
        if (token.Length is 0 or > 100)
            return null;
        var hash = SecretToken.Hash(token);
        var now = time.GetUtcNow();
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken))
        {
            var maker = await (
                from row in db.Set<ContainerToken>()
                join container in db.Set<Container>() on row.ContainerId equals container.Id
                where row.TokenHash == hash && row.ContainerId == containerId && row.RevokedAt == null && (row.ExpiresAt == null || row.ExpiresAt > now)
                    && container.OrganizationId == organizationId
                select (Guid?)row.CreatedBy).SingleOrDefaultAsync(cancellationToken);
            if (maker is not { } userId || await ContainerAccess.Find(db, new Actor(userId), containerId, cancellationToken) is not { Rights.CanOpen: true })
                return null;
        }
        return (await allocator.Ensure(organizationId, cancellationToken)).Value;
    }

    /// <summary>A path of the container's host, and nothing that a browser could take for another address.</summary>
    public static string LocalPath(string? path) =>
        path is ['/', ..] && path.Length <= 2000 && !path.AsSpan(1).StartsWith('/') && !path.AsSpan(1).StartsWith('\\') && !path.AsSpan().ContainsAny('\\', '\r', '\n') && !path.Any(char.IsControl)
            ? path
            : "/";

    private async Task<Result<string>> LetIn(
        ContainerVisitor visitor, Guid organizationId, Guid containerId, string? service, string? path, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        service = string.IsNullOrEmpty(service) ? ContainerUrls.MainService : service;
        if (!ContainerHostName.IsServiceName(service))
            return ServiceUnknown;
        var route = await allocator.Ensure(organizationId, cancellationToken);
        if (!route.Succeeded)
            return route.Error;
        var (ticket, _) = await Sign(ContainerTicket.EntryAudience, visitor, organizationId, containerId, until, null, cancellationToken);
        return urls.Of(organizationId, containerId, service, $"/.demiurge/enter?ticket={ticket}&return={Uri.EscapeDataString(LocalPath(path))}");
    }

    private async Task<(string Ticket, DateTimeOffset ExpiresAt)> Sign(
        string audience, ContainerVisitor visitor, Guid organizationId, Guid containerId, DateTimeOffset? until, string? terminal, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var expires = now + (long)ContainerTicket.Lifetime.TotalSeconds;
        var ticket = new ContainerTicket
        {
            Issuer = site.Value.PublicUrl,
            Audience = audience,
            Subject = visitor.ToString(),
            IssuedAt = now,
            NotBefore = now,
            ExpiresAt = expires,
            Id = Guid.NewGuid().ToString("N"),
            OrganizationId = organizationId,
            ContainerId = containerId,
            Until = until?.ToUnixTimeSeconds(),
            Terminal = terminal,
        };
        return (Jws.Sign(ticket, await keys.Current(cancellationToken)), DateTimeOffset.FromUnixTimeSeconds(expires));
    }

    private static Task<string?> Stamp(DemiurgeDbContext db, Actor actor, CancellationToken cancellationToken) =>
        db.Users.Where(user => user.Id == actor.UserId).Select(user => user.SecurityStamp).SingleOrDefaultAsync(cancellationToken);

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,31}$")]
    private static partial Regex TerminalName { get; }
}
