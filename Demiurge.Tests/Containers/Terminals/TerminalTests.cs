using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Persistence;
using Demiurge.Tests.Containers.Docker;
using Demiurge.Tests.Infrastructure;
using Microsoft.EntityFrameworkCore;

namespace Demiurge.Tests.Containers.Terminals;

/// <summary>The platform as processes, on the tests' own engine.</summary>
public sealed class EngineSiteFixture : PlatformFixture, IAsyncLifetime
{
    private readonly DockerFixture docker = new();

    protected override (string Key, string Value)[] Settings => [("Demiurge:Containers:Engine", docker.Endpoint)];

    async Task IAsyncLifetime.InitializeAsync()
    {
        await docker.InitializeAsync();
        if (DockerFactAttribute.WhyNot is null)
            await InitializeAsync();
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await DisposeAsync();
        await docker.DisposeAsync();
    }
}

/// <summary>A real container, reached through edge and gateway: its terminal, shared, and its service.</summary>
public sealed class TerminalTests(EngineSiteFixture site) : IClassFixture<EngineSiteFixture>
{
    [DockerFact]
    public async Task Terminal_OfARealContainer_IsSharedAndEndsWithAccess()
    {
        var (owner, organizationId, projectId) = await site.CreateProject();
        var viewer = await site.Join(owner, organizationId);
        await Account.Read(await owner.Http.PutAsJsonAsync($"projects/{projectId}/members/{viewer.Id}", new { role = "view" }));
        var id = await Start(owner, projectId);
        try
        {
            using var mine = await Open(owner, id);
            var screen = new StringBuilder();
            await mine.Send("stty size; echo ready-$((40+2))\r");
            await Until(mine, screen, "ready-42");
            Assert.Contains("24 80", screen.ToString());

            // Who joins sees what was, sees what comes, and types in vain without the role for it.
            using var theirs = await Open(viewer, id);
            var watched = new StringBuilder();
            await Until(theirs, watched, "ready-42");
            await theirs.Send("echo intruder-$((1+1))\r");
            await mine.Send("echo shared-$((50+5))\r");
            await Until(theirs, watched, "shared-55");
            Assert.DoesNotContain("intruder-2", watched.ToString());

            // The connection breaks; the shell and what was typed go on.
            await mine.Send("KEPT=yes\r");
            mine.Abort();
            using var again = await Open(owner, id);
            await again.Send("echo kept-$KEPT\r");
            await Until(again, screen.Clear(), "kept-yes");

            // A ticket works once.
            await Account.Read(await owner.Http.DeleteAsync($"organizations/{organizationId}/members/{viewer.Id}"));
            Assert.Equal((WebSocketCloseStatus)4403, await Closed(theirs));

            await again.Send("exit 3\r");
            await Until(again, screen.Clear(), "\"type\":\"exit\",\"code\":3");
            Assert.Equal(WebSocketCloseStatus.NormalClosure, await Closed(again));

            // Its service, by a script's token; the program sees nothing of the token.
            var token = (string)(await Account.Read(await owner.Http.PostAsJsonAsync($"containers/{id}/tokens", new { name = "test" })))["token"]!;
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{site.Site.Url.Port}") };
            http.DefaultRequestHeaders.Host = $"uc-{id}.org-{organizationId}.{site.Site.Url.Authority}";
            http.DefaultRequestHeaders.Add("Demiurge-Token", token);
            Assert.DoesNotContain(token, await http.GetStringAsync("/cgi-bin/env"));
        }
        finally
        {
            await owner.Http.DeleteAsync($"containers/{id}");
            await PlatformFixture.Until(async () => (string)(await Account.Read(await owner.Http.GetAsync($"containers/{id}")))["state"]! == "deleting", "the container to go");
        }
    }

    private async Task<Guid> Start(Account owner, Guid projectId)
    {
        await using var db = new DemiurgeDbContext(new DbContextOptionsBuilder<DemiurgeDbContext>().UseNpgsql(site.Database).Options);
        var template = await db.Set<Template>().SingleAsync(row => row.Slug == "image");
        var created = await Account.Read(await owner.Http.PostAsJsonAsync(
            $"projects/{projectId}/containers", new { templateId = template.Id, options = new { image = DockerFixture.Tiny, data = "/www" } }));
        var id = (Guid)created["id"]!;
        JsonNode? now = null;
        await PlatformFixture.Until(async () => (string)(now = await Account.Read(await owner.Http.GetAsync($"containers/{id}")))["state"]! is "running" or "failed", "the container to run");
        Assert.Equal("running", (string)now!["state"]!);
        return id;
    }

    private static async Task<ClientWebSocket> Open(Account account, Guid containerId)
    {
        var invitation = await Account.Read(await account.Http.PostAsJsonAsync($"containers/{containerId}/terminal", new { }));
        var url = new Uri((string)invitation["url"]!);
        var socket = new ClientWebSocket();
        socket.Options.Proxy = null;
        socket.Options.SetRequestHeader("Host", url.Authority);
        await socket.ConnectAsync(new UriBuilder(url) { Host = "127.0.0.1" }.Uri, CancellationToken.None);
        return socket;
    }

    private static async Task Until(ClientWebSocket socket, StringBuilder screen, string text)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var buffer = new byte[64 << 10];
        while (!screen.ToString().Contains(text))
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            Assert.False(result.MessageType == WebSocketMessageType.Close, $"{socket.CloseStatus} {socket.CloseStatusDescription}: {screen}");
            screen.Append(Encoding.UTF8.GetString(buffer, 0, result.Count));
        }
    }

    private static async Task<WebSocketCloseStatus?> Closed(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var buffer = new byte[64 << 10];
        while ((await socket.ReceiveAsync(buffer.AsMemory(), patience.Token)).MessageType != WebSocketMessageType.Close)
        {
        }
        return socket.CloseStatus;
    }
}

internal static class Typing
{
    public static Task Send(this ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Binary, true, CancellationToken.None);
}
