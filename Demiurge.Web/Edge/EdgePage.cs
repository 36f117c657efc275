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
            body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #14161a); color: light-dark(#1c2128, #e6e8eb) }
            main { max-width: 26rem; margin: 1.5rem; padding: 2rem; border-radius: 12px; background: light-dark(#fff, #1d2026); box-shadow: 0 1px 3px #0003 }
            h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25 }
            p { margin: 0 0 1.5rem; color: light-dark(#57606a, #a3abb5) }
            a { display: inline-block; padding: .5rem 1rem; border-radius: 8px; background: #4f46e5; color: #fff; text-decoration: none }
            a:focus-visible { outline: 2px solid light-dark(#1c2128, #fff); outline-offset: 2px }
            </style>
            </head>
            <body><main><h1>{{WebUtility.HtmlEncode(title)}}</h1><p>{{WebUtility.HtmlEncode(detail)}}</p><a href="{{WebUtility.HtmlEncode(home)}}">Go to the home page</a></main></body>
            </html>
            """, "text/html; charset=utf-8", statusCode: status).ExecuteAsync(context);
    }
}
