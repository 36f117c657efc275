using System.Net;

namespace Demiurge.Web.Edge;

/// <summary>What the edge says itself: a small page to browsers, problem details to everyone else. It needs nothing that could fail.</summary>
internal static class EdgePage
{
    public static Task Write(HttpContext context, int status, string title, string detail, string home)
    {
        if (!context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
            return Results.Problem(detail, statusCode: status, title: title).ExecuteAsync(context);
        context.Response.Headers.CacheControl = "no-store";
        return Results.Content(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{WebUtility.HtmlEncode(title)}} · Demiurge</title>
            <style>
            :root { color-scheme: light dark }
            body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f5, #111413); color: light-dark(#151a18, #eaeeec) }
            main { max-width: 26rem; margin: 1.5rem; padding: 2rem; border-radius: 12px; background: light-dark(#fff, #191d1b); box-shadow: 0 1px 3px #0003 }
            h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25 }
            p { margin: 0 0 1.5rem; color: light-dark(#56605b, #a4aea9) }
            a { display: inline-block; padding: .5rem 1rem; border-radius: 8px; background: light-dark(#0b7667, #29b69f); color: light-dark(#fff, #04211c); text-decoration: none }
            a:focus-visible { outline: 2px solid light-dark(#0b7667, #29b69f); outline-offset: 2px }
            </style>
            </head>
            <body><main><h1>{{WebUtility.HtmlEncode(title)}}</h1><p>{{WebUtility.HtmlEncode(detail)}}</p><a href="{{WebUtility.HtmlEncode(home)}}">Go to the home page</a></main></body>
            </html>
            """, "text/html; charset=utf-8", statusCode: status).ExecuteAsync(context);
    }
}
