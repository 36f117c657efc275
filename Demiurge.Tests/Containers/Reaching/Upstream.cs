using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Demiurge.Tests.Containers.Reaching;

/// <summary>What runs in a container: a server with something of everything that a proxy has to carry, and of what a hostile one tries.</summary>
public sealed class Upstream : IAsyncDisposable
{
    private readonly WebApplication server;

    private Upstream(WebApplication server) => this.server = server;

    public int Port => new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    /// <summary>Streams of events by the id that their reader gave; each string that is written is an event.</summary>
    public ConcurrentDictionary<string, TaskCompletionSource<Func<string, Task>>> Streams { get; } = new();

    /// <summary>Streams whose reader is gone.</summary>
    public ConcurrentDictionary<string, TaskCompletionSource> Gone { get; } = new();

    public static async Task<Upstream> Start(HttpMessageInvoker wire)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        var server = builder.Build();
        var upstream = new Upstream(server);
        server.UseWebSockets();
        server.Map("/headers", context => context.Response.WriteAsJsonAsync(new
        {
            method = context.Request.Method,
            path = context.Request.Path + context.Request.QueryString,
            headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()),
        }));
        server.Map("/gateway/ready", context => context.Response.WriteAsync("the container's own path"));
        server.Map("/hostile", context =>
        {
            context.Response.Headers.SetCookie = new(["a=1; Domain=demiurge.localhost; Path=/; HttpOnly", "__Host-demiurge=stolen; Path=/; Secure", "b=2"]);
            context.Response.Headers["Clear-Site-Data"] = "\"*\"";
            context.Response.Headers["Alt-Svc"] = "h3=\":443\"";
            context.Response.Headers.XFrameOptions = "DENY";
            context.Response.Headers.ContentSecurityPolicy = "default-src *; frame-ancestors *";
            return context.Response.WriteAsync("hostile");
        });
        server.Map("/page", context => Results.Content("<!doctype html><title>Page</title><h1>The container's page</h1>", "text/html").ExecuteAsync(context));
        server.Map("/upload", async context =>
        {
            long length = 0;
            var buffer = new byte[64 << 10];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0;)
                length += read;
            await context.Response.WriteAsync($"{length}");
        });
        server.Map("/zeros/{length:long}", async (HttpContext context, long length) =>
        {
            context.Response.ContentLength = length;
            var buffer = new byte[64 << 10];
            for (var left = length; left > 0; left -= buffer.Length)
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), context.RequestAborted);
        });
        server.Map("/file", context => Results.Bytes(Enumerable.Range(0, 1000).Select(i => (byte)i).ToArray(), "application/octet-stream", enableRangeProcessing: true).ExecuteAsync(context));
        server.Map("/events/{id}", async (HttpContext context, string id) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.FlushAsync();
            upstream.StreamOf(id).SetResult(async text =>
            {
                await context.Response.WriteAsync($"data: {text}\n\n");
                await context.Response.Body.FlushAsync();
            });
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                upstream.GoneOf(id).TrySetResult();
            }
        });
        server.Map("/echo", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[64 << 10];
            try
            {
                while (await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } result)
                    await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
            }
            catch (WebSocketException)
            {
                // The other side went without a word.
            }
        });
        // A container that sends what it gets back to where it came from.
        server.Map("/loop", async context =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{context.Request.Host}/loop");
            foreach (var (name, value) in context.Request.Headers)
                request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);
            // What it isn't given it knows from its owner.
            request.Headers.TryAddWithoutValidation("Demiurge-Token", context.Request.Query["token"].ToString() is { Length: > 0 } token ? token : upstream.LoopToken);
            using var response = await wire.SendAsync(request, CancellationToken.None);
            context.Response.StatusCode = (int)response.StatusCode;
        });
        server.Map("/{**path}", context => context.Response.WriteAsync($"hello from {context.Request.Path}"));
        await server.StartAsync();
        return upstream;
    }

    public string? LoopToken { get; set; }

    public TaskCompletionSource<Func<string, Task>> StreamOf(string id) => Streams.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    public TaskCompletionSource GoneOf(string id) => Gone.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
