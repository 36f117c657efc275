using System.Buffers;
using System.Globalization;
using System.Net.WebSockets;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Gateway.Lifecycle;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// <c>/svc/{container}/terminal?ticket=…[&amp;columns=…&amp;rows=…]</c>: a container's terminal by WebSocket. This gateway checks the ticket, passes
/// messages between the browser and Web, which holds the shell, and ends it with the person's access. Refusals are told by close code.
/// </summary>
internal static class TerminalSocket
{
    /// <summary>In bytes: nobody types or pastes more in one message.</summary>
    private const int MaxMessage = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Close codes of our own, in the range for applications (RFC 6455, 7.4.2).</summary>
    internal static class Close
    {
        /// <summary>The ticket isn't good (any more): ask for another one.</summary>
        public const int Unauthenticated = 4401;

        /// <summary>No access (any more): don't come back.</summary>
        public const int Revoked = 4403;

        /// <summary>Rights changed: come back with a new ticket.</summary>
        public const int Changed = 4409;

        /// <summary>It can't be had now: the container doesn't run, or the limits are reached. The reason says which.</summary>
        public const int Unavailable = 4404;

        /// <summary>Come back soon.</summary>
        public const int TryAgainLater = 4503;
    }

    public static void MapTerminals(this WebApplication app) => app.Map("/svc/{containerId:guid}/terminal", Serve);

    private static async Task Serve(HttpContext context, Guid containerId, GatewayLifecycle lifecycle, ControlPlane control)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Results.Problem("A terminal is opened by WebSocket.", statusCode: StatusCodes.Status426UpgradeRequired).ExecuteAsync(context);
            return;
        }

        if (lifecycle.Serving is not { } organization)
        {
            await StatusPage.Moving(context);
            return;
        }

        using var browser = await context.WebSockets.AcceptWebSocketAsync();
        var ticket = organization.Tickets.VerifyOnce(context.Request.Query["ticket"], ContainerTicket.TerminalAudience, containerId);
        if (ticket is not { Terminal: { } terminal } || !ContainerVisitor.TryParse(ticket.Subject, out var visitor))
        {
            await End(browser, Close.Unauthenticated, "The ticket is not good any more; ask for another one.");
            return;
        }

        var visit = organization.Containers.Visit(containerId, visitor);
        bool known;
        try
        {
            known = await organization.Containers.Refresh(visit, context.RequestAborted);
        }
        catch (FencedException)
        {
            known = false;
        }

        using var stream = new OpenTerminal(visit.Grant);
        if (!known || visit.Grant is null || !visit.Add(stream))
        {
            await End(browser, known ? Close.Revoked : Close.TryAgainLater, known ? "You have no access to this container." : "Your access can't be checked at the moment.");
            return;
        }

        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stream.Ended, context.RequestAborted);
            using var web = await control.OpenTerminal(
                organization.Config.GatewayToken, new GatewayVisit(containerId, visit.Visitor), terminal, Number("columns", 80), Number("rows", 24), ending.Token);
            organization.Containers.Touch(visit.Container);
            organization.Touch();
            await Pass(browser, web, stream, organization, visit, ending.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            await End(browser, stream.Code ?? Close.TryAgainLater, stream.Reason ?? "The terminal's server can't be reached at the moment.");
        }
        finally
        {
            visit.Remove(stream);
        }

        int Number(string name, int otherwise) =>
            int.TryParse(context.Request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1000 ? number : otherwise;
    }

    private static async Task Pass(WebSocket browser, WebSocket web, OpenTerminal stream, ServedOrganization organization, Visit visit, CancellationToken ended)
    {
        using var cancelling = new CancellationTokenSource();
        var down = Copy(web, browser, int.MaxValue, _ => organization.Touch(), cancelling.Token);
        var up = Copy(browser, web, MaxMessage, type =>
        {
            organization.Touch();
            if (type == WebSocketMessageType.Binary)
                organization.Containers.Touch(visit.Container);
        }, cancelling.Token);
        var first = await Task.WhenAny(down, up, Task.Delay(Timeout.Infinite, ended));
        if (first == down && web.CloseStatus is { } status)
            stream.Say((int)status, web.CloseStatusDescription ?? "");
        else if (first == up)
            stream.Say((int)WebSocketCloseStatus.NormalClosure, "");
        // Both are still read: a read that is cancelled breaks its socket before the last word is out.
        var (code, reason) = (stream.Code ?? Close.TryAgainLater, stream.Reason ?? "The terminal's server can't be reached at the moment.");
        await Task.WhenAll(CloseOutput(browser, (WebSocketCloseStatus)code, reason), CloseOutput(web, WebSocketCloseStatus.NormalClosure, null));
        cancelling.CancelAfter(Patience);
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task Copy(WebSocket from, WebSocket to, int maxMessage, Action<WebSocketMessageType> passed, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 << 10);
        try
        {
            var length = 0;
            while (true)
            {
                var result = await from.ReceiveAsync(buffer.AsMemory(), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close)
                    return;
                length = result.EndOfMessage ? 0 : length + result.Count;
                if (length > maxMessage)
                    return;
                passed(result.MessageType);
                await to.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Says why and waits for the answer, on a socket that nobody reads.</summary>
    private static async Task End(WebSocket socket, int code, string reason)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
            return;
        using var patience = new CancellationTokenSource(Patience);
        await socket.CloseAsync((WebSocketCloseStatus)code, reason, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task CloseOutput(WebSocket socket, WebSocketCloseStatus code, string? reason)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
            return;
        using var patience = new CancellationTokenSource(Patience);
        await socket.CloseOutputAsync(code, reason, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Somebody's open terminal: ends when their rights change.</summary>
    private sealed class OpenTerminal(GatewayGrant? grant) : OpenStream, IDisposable
    {
        private readonly CancellationTokenSource ended = new();

        public CancellationToken Ended => ended.Token;

        public int? Code { get; private set; }

        public string? Reason { get; private set; }

        /// <summary>Why it ends; the first word counts.</summary>
        public void Say(int code, string reason)
        {
            Code ??= code;
            Reason ??= reason;
        }

        public override void Changed(GatewayGrant? now)
        {
            if (now is not null && now.MayControl == grant?.MayControl)
                return;
            Say(now is null ? Close.Revoked : Close.Changed, now is null ? "You have no access to this container any more." : "Your rights changed; open the terminal again.");
            _ = ended.CancelAsync();
        }

        public void Dispose() => ended.Dispose();
    }
}
