using System.Globalization;
using System.Net;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Gateway.Lifecycle;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// The second stage of routing: requests for a container's host, from whoever Web has let in, go to the container; everybody else is
/// shown the way in, and whoever comes to a container that doesn't answer is told why. Safe for concurrent use.
/// </summary>
internal sealed class ContainerProxy(IHttpForwarder forwarder, GatewayLifecycle lifecycle, ControlPlane control, TimeProvider time) : IDisposable
{
    private const string TokenHeader = "Demiurge-Token";

    /// <summary>Nothing at all may go over a connection for so long, either way, before it is given up: long polls and silent sockets are normal.</summary>
    private static readonly ForwarderRequestConfig Config = new() { ActivityTimeout = TimeSpan.FromHours(1), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private readonly HttpMessageInvoker client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(4),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 96,
    });

    public async Task Serve(HttpContext context, ContainerHostName name)
    {
        if (lifecycle.Serving is not { } organization)
        {
            await StatusPage.Moving(context);
            return;
        }

        if (name.OrganizationId != organization.Config.OrganizationId)
        {
            await StatusPage.Refuse(context, StatusCodes.Status421MisdirectedRequest, "container.misdirected", "This gateway serves another organization.");
            return;
        }

        try
        {
            if (context.Request.Path.StartsWithSegments("/.demiurge", out var rest))
                await ServeOwn(context, organization, name, rest);
            else
                await Forward(context, organization, name);
        }
        catch (FencedException) when (!context.Response.HasStarted)
        {
            await StatusPage.Moving(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked is gone.
        }
    }

    public void Dispose() => client.Dispose();

    private async Task Forward(HttpContext context, ServedOrganization organization, ContainerHostName name)
    {
        var directory = organization.Containers;
        for (var attempt = 0; ; attempt++)
        {
            if (Admitted(context.Request, directory, name) is not var (visit, pass))
            {
                await NotEntered(context, organization, name);
                return;
            }

            if (!await directory.Refresh(visit, context.RequestAborted))
            {
                await StatusPage.Unchecked(context);
                return;
            }

            if (visit.Grant is null)
            {
                await NotAllowed(context, organization, name, pass);
                return;
            }

            if (pass is not null && !RequestOrigin.IsOwn(context.Request, name, organization.Config.Site))
            {
                await StatusPage.Refuse(context, StatusCodes.Status403Forbidden, "container.foreign_origin",
                    "A page of another address asked for this with your cookie. Only this container's own pages may.");
                return;
            }

            if (!visit.Container.Targets.TryGetValue(name.Service, out var target) || target.Address is not { } address)
            {
                await Explain(context, organization, visit, pass, name, StatusPage.StatusOf(visit.Container.View, name.Service));
                return;
            }

            var request = new OpenRequest(context);
            if (visit.Add(request))
            {
                try
                {
                    await Forward(context, organization, visit, pass, name, target, address);
                }
                finally
                {
                    visit.Remove(request);
                }

                return;
            }

            if (attempt > 0)
            {
                await NotAllowed(context, organization, name, pass);
                return;
            }
        }
    }

    private async Task Forward(
        HttpContext context, ServedOrganization organization, Visit visit, VisitorPass? pass, ContainerHostName name, ServiceTarget target, string address)
    {
        var directory = organization.Containers;
        if (!ContainerTransformer.Prepare(context.Request, directory.Cookie.Name))
        {
            await StatusPage.Refuse(context, StatusCodes.Status508LoopDetected, "container.loop", "The request came through here several times: the container sends it back to itself.");
            return;
        }

        organization.Touch();
        directory.Touch(visit.Container);
        Unbound(context);
        if (pass is not null && pass.ExpiresAt - time.GetUtcNow() < VisitorCookie.Lifetime / 2 && pass.Until != pass.ExpiresAt)
            context.Response.OnStarting(() => Renew(context, directory, pass));
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            var container = visit.Container;
            context.Features.Set<IHttpUpgradeFeature>(new CountedUpgrade(
                upgrade, organization.Touch, () => directory.Touch(container), context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase)));
        }

        var error = await forwarder.SendAsync(context, address, client, Config, target.Transformer);
        if (error is not ForwarderError.None && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            context.Response.Clear();
            await Explain(context, organization, visit, pass, name, StatusPage.DeadPort);
        }
    }

    private static Task Renew(HttpContext context, VisitDirectory directory, VisitorPass pass)
    {
        context.Response.Headers.Append("Set-Cookie", directory.Cookie.Issue(pass.ContainerId, pass.Visitor, pass.Until));
        return Task.CompletedTask;
    }

    /// <summary>Uploads and downloads may be of any size and as slow as their network; the edge has bounded what it wants to.</summary>
    private static void Unbound(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request)
            request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response)
            response.MinDataRate = null;
    }

    /// <summary>Whom the request's token or cookie stands for; null when it has none that is genuine and for this container.</summary>
    private static (Visit Visit, VisitorPass? Pass)? Admitted(HttpRequest request, VisitDirectory directory, in ContainerHostName name)
    {
        if (request.Headers.TryGetValue(TokenHeader, out var token))
            return token is [{ Length: > 0 and <= 100 } text] ? (directory.Visit(name.ContainerId, text), null) : null;
        var cookie = RequestCookies.Find(request.Headers.Cookie, directory.Cookie.Name);
        return !cookie.IsEmpty && directory.Read(cookie) is var (pass, visit) && pass.ContainerId == name.ContainerId ? (visit, pass) : null;
    }

    private static Task NotEntered(HttpContext context, ServedOrganization organization, in ContainerHostName name)
    {
        if (RequestOrigin.IsNavigation(context.Request))
        {
            SendToEntrance(context, organization, name);
            return Task.CompletedTask;
        }

        context.Response.Headers.WWWAuthenticate = TokenHeader;
        return StatusPage.Refuse(context, StatusCodes.Status401Unauthorized, "container.not_entered",
            $"Open {EntranceOf(organization, name, "/")} in a browser, or send a token of this container in the header {TokenHeader}.");
    }

    private static Task NotAllowed(HttpContext context, ServedOrganization organization, in ContainerHostName name, VisitorPass? pass)
    {
        // A pass may have ended for another reason than rights, by a new password say: Web knows, and tells.
        if (pass?.Visitor.Kind == ContainerVisitorKind.User && RequestOrigin.IsNavigation(context.Request))
        {
            SendToEntrance(context, organization, name);
            return Task.CompletedTask;
        }

        return pass?.Visitor.Kind == ContainerVisitorKind.Link
            ? StatusPage.Refuse(context, StatusCodes.Status403Forbidden, "container.link_over", "The link that you came by has expired or was taken back. Ask whoever gave it to you for another one.")
            : StatusPage.Refuse(context, StatusCodes.Status401Unauthorized, "container.not_allowed", "This token or visit is not good for the container any more.");
    }

    private static void SendToEntrance(HttpContext context, ServedOrganization organization, in ContainerHostName name)
    {
        context.Response.StatusCode = StatusCodes.Status302Found;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Location = EntranceOf(organization, name, context.Request.Path + context.Request.QueryString);
    }

    private static string EntranceOf(ServedOrganization organization, in ContainerHostName name, string path) =>
        $"{organization.Config.Site.PublicUrl.TrimEnd('/')}/containers/{name.ContainerId:D}/enter?service={name.Service}&return={Uri.EscapeDataString(path)}";

    private async Task ServeOwn(HttpContext context, ServedOrganization organization, ContainerHostName name, PathString path)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (path == "/enter" && HttpMethods.IsGet(context.Request.Method))
        {
            await Enter(context, organization, name);
            return;
        }

        var directory = organization.Containers;
        if (Admitted(context.Request, directory, name) is not (var visit, { } pass))
        {
            await NotEntered(context, organization, name);
            return;
        }

        if (!await directory.Refresh(visit, context.RequestAborted))
            await StatusPage.Unchecked(context);
        else if (visit.Grant is null)
            await NotAllowed(context, organization, name, pass);
        else if (!RequestOrigin.IsOwn(context.Request, name, organization.Config.Site))
            await StatusPage.Refuse(context, StatusCodes.Status403Forbidden, "container.foreign_origin", "Only this container's own pages may ask for that.");
        else if (path == "/status" && HttpMethods.IsGet(context.Request.Method))
            await Status(context, visit, name);
        else if (path == "/start" && HttpMethods.IsPost(context.Request.Method))
            await Start(context, organization, visit, pass, name);
        else
            await StatusPage.Refuse(context, StatusCodes.Status404NotFound, "container.no_such_address", "There is nothing at this address.");
    }

    /// <summary>Takes a ticket, once, and leads on under a cookie of this host.</summary>
    private static async Task Enter(HttpContext context, ServedOrganization organization, ContainerHostName name)
    {
        var ticket = organization.Tickets.VerifyOnce(context.Request.Query["ticket"], ContainerTicket.EntryAudience, name.ContainerId);
        var path = LocalPath(context.Request.Query["return"]);
        if (ticket is null || !ContainerVisitor.TryParse(ticket.Subject, out var visitor))
        {
            // Reloaded, or opened from the history: whoever is in already just goes on.
            var cookie = RequestCookies.Find(context.Request.Headers.Cookie, organization.Containers.Cookie.Name);
            if (!cookie.IsEmpty && organization.Containers.Read(cookie)?.Pass.ContainerId == name.ContainerId)
                context.Response.Redirect(path);
            else
                await StatusPage.Refuse(context, StatusCodes.Status401Unauthorized, "container.ticket_invalid", "This way in was used before, or has expired. Open the container again.",
                    organization.Config.Site.PublicUrl);
            return;
        }

        DateTimeOffset? until = ticket.Until is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        context.Response.Headers.Append("Set-Cookie", organization.Containers.Cookie.Issue(name.ContainerId, visitor, until));
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Redirect(path);
    }

    /// <summary>What the page of a container that doesn't answer looks at again and again. Not use of the container.</summary>
    private static async Task Status(HttpContext context, Visit visit, ContainerHostName name)
    {
        var view = visit.Container.View;
        var up = visit.Container.Targets.TryGetValue(name.Service, out var target) && target.Address is not null && await Listens(target.Service, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(new StatusAnswer(StatusPage.KeyOf(view), view?.Reason, view?.Progress, up), context.RequestAborted);
    }

    private static async Task<bool> Listens(GatewayContainerService service, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(1));
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(service.Address!, service.Port, timeout.Token);
            return true;
        }
        catch (Exception exception) when (exception is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task Start(HttpContext context, ServedOrganization organization, Visit visit, VisitorPass pass, ContainerHostName name)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = 8192;
        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : FormCollection.Empty;
        // The browser says whose page this form was on, and the token that it was a page of this visit.
        if (context.Request.Headers.Origin != OriginOf(organization, name) || form["token"] != organization.Containers.Cookie.FormToken(pass))
        {
            await StatusPage.Refuse(context, StatusCodes.Status403Forbidden, "container.foreign_origin", "Only this container's own page can ask for that. Go back and try again.");
            return;
        }

        var started = await control.StartContainer(organization.Config.GatewayToken, new GatewayVisit(name.ContainerId, visit.Visitor), context.RequestAborted);
        if (started.Refusal is { } refusal)
        {
            await Explain(context, organization, visit, pass, name, StatusPage.StatusOf(visit.Container.View, name.Service), refusal);
            return;
        }

        await organization.Containers.Changed([name.ContainerId], context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = LocalPath(form["return"]);
    }

    /// <summary>Says why there is no answer: a page that waits for one to people, problem details to programs.</summary>
    private async Task Explain(
        HttpContext context, ServedOrganization organization, Visit visit, VisitorPass? pass, ContainerHostName name, StatusPage.Kind kind, string? notice = null)
    {
        if (!RequestOrigin.IsNavigation(context.Request) && !HttpMethods.IsPost(context.Request.Method) || pass is null || kind.IsFinal)
        {
            await StatusPage.Problem(context, kind, visit.Container.View, organization.Config.Site.PublicUrl);
            return;
        }

        var diagnosis = new GatewayDiagnosis(null, []);
        try
        {
            if (kind.NeedsDiagnosis)
                diagnosis = await control.DiagnoseContainer(organization.Config.GatewayToken, new GatewayVisit(name.ContainerId, visit.Visitor), context.RequestAborted);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !context.RequestAborted.IsCancellationRequested)
        {
            // The page says less.
        }

        var path = context.Request.Path.StartsWithSegments("/.demiurge") ? "/" : context.Request.Path + context.Request.QueryString;
        await StatusPage.Write(context, new StatusPage.Model(
            kind, visit.Container.View!, name.Service, visit.Grant?.MayControl == true, organization.Containers.Cookie.FormToken(pass), path, diagnosis, notice,
            organization.Config.Site.PublicUrl.TrimEnd('/')));
    }

    private static string OriginOf(ServedOrganization organization, in ContainerHostName name)
    {
        var publicUrl = new Uri(organization.Config.Site.PublicUrl);
        var service = name.Service == Core.Containers.ContainerUrls.MainService ? "" : $"--{name.Service}";
        var port = publicUrl.IsDefaultPort ? "" : string.Create(CultureInfo.InvariantCulture, $":{publicUrl.Port}");
        return $"{publicUrl.Scheme}://uc-{name.ContainerId:D}{service}.org-{name.OrganizationId:D}.{organization.Config.Site.Domain}{port}";
    }

    private static string LocalPath(string? path) => ContainerTickets.LocalPath(path);

    private sealed record StatusAnswer(string Key, string? Reason, double? Progress, bool Up);

    /// <summary>A request under way: when its visitor loses access it ends where it is.</summary>
    private sealed class OpenRequest(HttpContext context) : OpenStream
    {
        /// <summary>A transfer is use of the container as long as it lasts; an upgraded connection tells itself, a stream of events may wait for ever.</summary>
        public override bool IsWork =>
            context.Request.Headers.Upgrade.Count == 0 && !context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

        public override void Changed(GatewayGrant? grant)
        {
            if (grant is null)
                context.Abort();
        }
    }
}
