using System.Collections.Concurrent;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Gateways;
using Demiurge.Gateway;
using Demiurge.Gateway.Lifecycle;
using Demiurge.Gateway.Proxy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Demiurge.Tests.Containers.Reaching;

/// <summary>What a gateway asks of Web about visitors; Web is a server here that knows one good token and counts.</summary>
public sealed class VisitDirectoryTests : IAsyncLifetime
{
    private readonly Guid containerId = Guid.NewGuid();
    private readonly string good = ContainerVisitor.Token("good").ToString();
    private readonly ConcurrentQueue<int> checks = [];
    private readonly SemaphoreSlim answering = new(0);
    private WebApplication web = null!;
    private ControlPlane control = null!;
    private VisitDirectory directory = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        web = builder.Build();
        web.MapPost("/gateway/containers/resolve", async (HttpContext context) =>
        {
            var ask = await context.Request.ReadFromJsonAsync<GatewayContainersResolve>(GatewayContracts.Json);
            return Results.Json(new GatewayContainers([.. ask!.ContainerIds.Select(GatewayContainer? (_) => null)]), GatewayContracts.Json);
        });
        web.MapPost("/gateway/containers/check", async (HttpContext context) =>
        {
            var ask = await context.Request.ReadFromJsonAsync<GatewayVisitsCheck>(GatewayContracts.Json);
            checks.Enqueue(ask!.Visits.Count);
            await answering.WaitAsync();
            return Results.Json(new GatewayGrants([.. ask.Visits.Select(visit => visit.Visitor == good ? new GatewayGrant(false, "Good") : null)]), GatewayContracts.Json);
        });
        await web.StartAsync();
        var url = web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        control = new(Options.Create(new GatewayOptions { Name = "gw-1", PoolToken = "x", ControlUrl = new Uri(url) }), TimeProvider.System);
        directory = new(
            control,
            new GatewayConfig(Guid.NewGuid(), 1, "token", "issuer", [], new(), TimeSpan.FromMinutes(5), new GatewaySite("demiurge.localhost", "http://demiurge.localhost"), new byte[32]),
            TimeProvider.System, NullLogger.Instance);
    }

    public async Task DisposeAsync()
    {
        answering.Release(1000);
        control.Dispose();
        await web.DisposeAsync();
        answering.Dispose();
    }

    [Fact]
    public async Task Visitors_WhoComeTogether_AreAskedAboutTogether()
    {
        var first = directory.Refresh(directory.Visit(containerId, "good"), default).AsTask();
        while (checks.IsEmpty)
            await Task.Delay(10);
        // Whatever is tried while Web answers is one question more, and not one for each.
        var tries = Enumerable.Range(0, 300).Select(i => directory.Refresh(directory.Visit(containerId, $"made up {i}"), default).AsTask()).ToList();
        answering.Release(1000);

        Assert.True(await first);
        Assert.All(await Task.WhenAll(tries), Assert.True);
        Assert.Equal([1, 300], checks);
        Assert.NotNull(directory.Visit(containerId, "good").Grant);
        Assert.Null(directory.Visit(containerId, "made up 7").Grant);
    }

    [Fact]
    public async Task Visitors_WhoWereRefused_AreNotAskedAboutAgainByThemselves()
    {
        answering.Release(1000);
        await directory.Refresh(directory.Visit(containerId, "good"), default);
        await directory.Refresh(directory.Visit(containerId, "bad"), default);
        checks.Clear();

        await directory.Look(default);

        Assert.Equal([1], checks);
        // What Web says has changed is another matter.
        await directory.Changed([containerId], default);
        Assert.Equal([1, 2], checks);
    }

    [Fact]
    public async Task Directory_Closed_LetsNobodyIn()
    {
        answering.Release(1000);
        var visit = directory.Visit(containerId, "good");
        Assert.True(await directory.Refresh(visit, default));
        var open = new Stream();
        Assert.True(visit.Add(open));

        directory.Close();

        Assert.True(open.Ended);
        Assert.False(visit.Add(new Stream()));
    }

    private sealed class Stream : OpenStream
    {
        public bool Ended { get; private set; }

        public override void Changed(GatewayGrant? grant) => Ended = grant is null;
    }
}
