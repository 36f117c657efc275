using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demiurge.Core.Containers;
using Demiurge.Core.Gateways;

namespace Demiurge.Gateway.Proxy;

/// <summary>
/// What is shown on a container's host instead of the container: to people a page that reloads itself when the container answers, to
/// programs problem details. It needs nothing that could fail. Pages carry no text that isn't encoded, and run the one script that they bring.
/// </summary>
internal static class StatusPage
{
    /// <summary>Why there is no answer.</summary>
    /// <param name="Code">Of the problem details.</param>
    /// <param name="IsFinal">Whether waiting or starting won't help, so that no page waits.</param>
    /// <param name="CanStart">Whether starting is what helps.</param>
    /// <param name="NeedsDiagnosis">Whether its last lines, and the ports that do listen, help.</param>
    public sealed record Kind(
        string Code, int Status, string Title, string Detail, bool IsFinal = false, bool CanStart = false, bool NeedsDiagnosis = false, int RetryAfter = 2);

    /// <param name="FormToken">For the start button.</param>
    /// <param name="Path">Where the person wants to go.</param>
    /// <param name="Notice">What went wrong with what they did last.</param>
    public sealed record Model(
        Kind Kind, GatewayContainer Container, string Service, bool MayControl, string FormToken, string Path, GatewayDiagnosis Diagnosis, string? Notice, string PublicUrl);

    public static readonly Kind DeadPort = new(
        "container.not_answering", StatusCodes.Status502BadGateway, "It runs, but doesn't answer",
        "Nothing in the container takes connections for this service yet. This page opens it as soon as something does.", NeedsDiagnosis: true);

    private static readonly Kind Gone = new("container.not_found", StatusCodes.Status404NotFound, "No such container", "It was deleted, or never existed.", IsFinal: true);
    private static readonly Kind NoService = new(
        "container.no_such_service", StatusCodes.Status404NotFound, "No such service", "The container has no service of that name.", IsFinal: true);
    private static readonly Kind Deleted = new(
        "container.deleted", StatusCodes.Status410Gone, "The container was deleted", "Whoever manages it can take that back for a while, on its board.", IsFinal: true);
    private static readonly Kind Queued = new("container.queued", 503, "It waits for its turn", "Others were first. This page opens it when it runs.", RetryAfter: 5);
    private static readonly Kind Pulling = new("container.pulling", 503, "Its image is being fetched", "The first start takes longer. This page opens it when it runs.", RetryAfter: 5);
    private static readonly Kind Starting = new("container.starting", 503, "It is starting", "This page opens it as soon as it answers.", NeedsDiagnosis: true);
    private static readonly Kind Stopping = new("container.stopping", 503, "It is being stopped", "It can be started again when it has stopped.", RetryAfter: 5);
    private static readonly Kind Stopped = new("container.stopped", 503, "It is stopped", "Its files are kept. Start it to go on.", CanStart: true, NeedsDiagnosis: true, RetryAfter: 10);
    private static readonly Kind Away = new(
        "container.machine_away", 503, "Its machine isn't connected", "It runs on somebody's own machine. This page opens it when that machine is back.", RetryAfter: 10);
    private static readonly Kind Failed = new("container.failed", 503, "It could not run", "See what it wrote last, then try again.", CanStart: true, NeedsDiagnosis: true, RetryAfter: 10);

    public static Kind StatusOf(GatewayContainer? container, string service) => container switch
    {
        null => Gone,
        { Deleted: true } => Deleted,
        _ when container.Services.All(candidate => candidate.Name != service) => NoService,
        { State: ContainerState.Queued } => Queued,
        { State: ContainerState.Pulling } => Pulling,
        { State: ContainerState.Starting } => Starting,
        { State: ContainerState.Stopping } => Stopping,
        { State: ContainerState.Stopped, OnOwnMachine: true } => Away,
        { State: ContainerState.Stopped } => Stopped,
        { State: ContainerState.Failed } => Failed,
        { State: ContainerState.Deleting } => Deleted,
        _ => DeadPort,
    };

    /// <summary>Differs when the page should be another one.</summary>
    public static string KeyOf(GatewayContainer? container) => container is null ? "none" : container.Deleted ? "deleted" : container.State.ToString();

    /// <summary>The organization is being moved to another gateway.</summary>
    public static Task Moving(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Refuse(context, StatusCodes.Status503ServiceUnavailable, "gateway.moving", "The workspace is being moved to another server. Try again in a moment.");
    }

    public static Task Unchecked(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "2";
        return Refuse(context, StatusCodes.Status503ServiceUnavailable, "container.unchecked", "Your access can't be checked at the moment. Try again in a moment.");
    }

    /// <summary>A refusal that no waiting changes: a small page to people, problem details to programs.</summary>
    public static Task Refuse(HttpContext context, int status, string code, string detail, string? home = null)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!RequestOrigin.IsNavigation(context.Request))
            return WriteProblem(context, status, code, null, detail, null);
        var title = status switch { 401 or 403 => "Not for you", 404 => "Nothing here", 503 => "A moment, please", _ => "That didn't work" };
        var retry = status == StatusCodes.Status503ServiceUnavailable;
        return WriteHtml(context, status, title, home, $"<h1>{Encode(title)}</h1><p>{Encode(detail)}</p>"
            + (home is null ? "" : $"<p class=\"actions\"><a class=\"button\" href=\"{Encode(home)}\">Go to the home page</a></p>"), retry ? "setTimeout(() => location.reload(), 2000)" : null);
    }

    public static Task Problem(HttpContext context, Kind kind, GatewayContainer? container, string publicUrl)
    {
        if (RequestOrigin.IsNavigation(context.Request))
            return Refuse(context, kind.Status, kind.Code, $"{kind.Title}. {kind.Detail}", container?.BoardUrl ?? publicUrl);
        context.Response.Headers.CacheControl = "no-store";
        if (!kind.IsFinal)
            context.Response.Headers.RetryAfter = kind.RetryAfter.ToString(CultureInfo.InvariantCulture);
        return WriteProblem(context, kind.Status, kind.Code, kind.Title, string.IsNullOrEmpty(container?.Reason) ? kind.Detail : container.Reason, container);
    }

    public static Task Write(HttpContext context, Model model)
    {
        var (kind, container) = (model.Kind, model.Container);
        var service = container.Services.FirstOrDefault(candidate => candidate.Name == model.Service);
        var body = new StringBuilder();
        body.Append(CultureInfo.InvariantCulture, $"<p class=\"name\">{Encode(container.Name)}{(service is null || service.Name == ContainerUrls.MainService ? "" : $" · {Encode(service.Title)}")}</p>");
        body.Append(CultureInfo.InvariantCulture, $"<h1>{Encode(kind.Title)}</h1>");
        if (model.Notice is { } notice)
            body.Append(CultureInfo.InvariantCulture, $"<p class=\"notice\" role=\"alert\">{Encode(notice)}</p>");
        body.Append(CultureInfo.InvariantCulture, $"<p id=\"reason\"{(kind == Failed ? " class=\"bad\"" : "")}>{Encode(string.IsNullOrEmpty(container.Reason) ? kind.Detail : container.Reason)}</p>");
        if (!kind.CanStart && kind != DeadPort && kind != Away)
        {
            body.Append(container.Progress is { } progress
                ? string.Create(CultureInfo.InvariantCulture, $"<progress id=\"progress\" max=\"1\" value=\"{progress:0.###}\"></progress>")
                : "<progress id=\"progress\"></progress>");
        }

        if (kind == Away)
            body.Append(CultureInfo.InvariantCulture, $"<p class=\"small\">{Encode(kind.Detail)}</p>");
        if (kind == DeadPort && service is not null)
            body.Append(Ports(service.ContainerPort, model.Diagnosis.Ports));
        body.Append("<div class=\"actions\">");
        if (kind.CanStart && model.MayControl)
        {
            body.Append(CultureInfo.InvariantCulture,
                $"<form method=\"post\" action=\"/.demiurge/start\"><input type=\"hidden\" name=\"token\" value=\"{Encode(model.FormToken)}\"><input type=\"hidden\" name=\"return\" value=\"{Encode(model.Path)}\"><button class=\"button\" data-testid=\"start\">{(kind == Failed ? "Try again" : "Start it")}</button></form>");
        }

        body.Append(CultureInfo.InvariantCulture, $"<a class=\"button quiet\" href=\"{Encode(container.BoardUrl)}\" target=\"_top\">Go to its board</a></div>");
        if (kind.CanStart && !model.MayControl)
            body.Append("<p class=\"small\">Its owner, or somebody who edits the project, can start it.</p>");
        if (model.Diagnosis.Lines.Count > 0)
            body.Append(CultureInfo.InvariantCulture, $"<details{(kind == Failed || kind == DeadPort ? " open" : "")}><summary>What it wrote last</summary><pre tabindex=\"0\">{Encode(string.Join('\n', model.Diagnosis.Lines))}</pre></details>");
        context.Response.Headers.RetryAfter = kind.RetryAfter.ToString(CultureInfo.InvariantCulture);
        return WriteHtml(context, kind.Status, $"{container.Name}: {kind.Title}", model.PublicUrl, body.ToString(), Script(KeyOf(container)));
    }

    private static string Ports(int expected, IReadOnlyList<int>? ports) => ports switch
    {
        null => $"<p class=\"small\">It should listen on port {expected}, on all addresses (0.0.0.0).</p>",
        [] => $"<p class=\"small\">It should listen on port {expected}. At the moment nothing in it listens on any port that can be reached: programs must listen on 0.0.0.0, not on 127.0.0.1.</p>",
        _ => $"<p class=\"small\">It should listen on port {expected}. These do listen: <strong data-testid=\"ports\">{string.Join(", ", ports)}</strong>.</p>",
    };

    /// <summary>Looks again while the page is seen: more rarely when nothing changes, and not for ever.</summary>
    private static string Script(string key) => $$"""
        const key = {{JsonSerializer.Serialize(key)}};
        let pause = 700, misses = 0;
        async function look() {
          if (document.visibilityState === 'visible') {
            try {
              const answer = await fetch('/.demiurge/status', { headers: { accept: 'application/json' } });
              if (answer.status === 401 || answer.status === 403) return location.reload();
              if (!answer.ok) throw answer.status;
              const now = await answer.json();
              misses = 0;
              if (now.up || now.key !== key) return location.replace(location.pathname === '/.demiurge/start' ? '/' : location.href);
              const bar = document.getElementById('progress');
              if (bar && now.progress != null) bar.value = now.progress;
              if (now.reason) document.getElementById('reason').textContent = now.reason;
            } catch { if (++misses > 10) return location.reload(); }
            pause = Math.min(pause * 1.2, 3000);
          }
          setTimeout(look, pause);
        }
        setTimeout(look, pause);
        """;

    private static Task WriteProblem(HttpContext context, int status, string code, string? title, string detail, GatewayContainer? container)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(
            new ProblemAnswer($"urn:demiurge:{code}", title ?? Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status), status, detail, code, container is null ? null : container.State.ToString().ToLowerInvariant()),
            JsonSerializerOptions.Web, "application/problem+json", context.RequestAborted);
    }

    private static Task WriteHtml(HttpContext context, int status, string title, string? frameOf, string body, string? script)
    {
        var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        var headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'{(frameOf is null ? "" : " " + frameOf)}";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync($$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{Encode(title)}} · Demiurge</title>
            <style nonce="{{nonce}}">
            :root { color-scheme: light dark }
            * { box-sizing: border-box }
            body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f5, #111413); color: light-dark(#151a18, #eaeeec) }
            main { width: min(34rem, 100% - 2rem); margin: 1rem; padding: clamp(1.25rem, 5vw, 2rem); border-radius: 12px; background: light-dark(#fff, #191d1b); box-shadow: 0 1px 3px #0003; overflow-wrap: anywhere }
            h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25 }
            p { margin: 0 0 1rem; color: light-dark(#56605b, #a4aea9) }
            .name { margin-bottom: .25rem; font-size: .875rem }
            .small { font-size: .875rem }
            .bad, .notice { color: light-dark(#b3261e, #f47e73) }
            .actions { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.25rem 0 0 }
            .button { display: inline-block; padding: .5rem 1rem; border: 1px solid transparent; border-radius: 8px; background: light-dark(#0b7667, #29b69f); color: light-dark(#fff, #04211c); font: inherit; text-decoration: none; cursor: pointer }
            .button:hover { background: light-dark(#095f53, #35c9b0) }
            .button.quiet { border-color: light-dark(#c5ccc7, #47514c); background: none; color: inherit }
            .button.quiet:hover { background: light-dark(#eff1ee, #232826) }
            :focus-visible { outline: 2px solid light-dark(#0b7667, #29b69f); outline-offset: 2px }
            progress { width: 100%; height: .5rem; accent-color: light-dark(#0b7667, #29b69f) }
            details { margin-top: 1.25rem; font-size: .875rem }
            summary { cursor: pointer; color: light-dark(#56605b, #a4aea9) }
            pre { max-height: 40vh; margin: .5rem 0 0; padding: .75rem; overflow: auto; border-radius: 8px; background: light-dark(#eff1ee, #111413); font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap }
            .actions + .small { margin: 1rem 0 0 }
            </style>
            </head>
            <body><main data-testid="container-status">{{body}}</main>{{(script is null ? "" : $"<script nonce=\"{nonce}\">{script}</script>")}}</body>
            </html>
            """, context.RequestAborted);
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private sealed record ProblemAnswer(string Type, string Title, int Status, string Detail, string Code, string? State);
}
