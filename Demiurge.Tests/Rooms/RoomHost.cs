using System.Net.WebSockets;
using Demiurge.Core;
using Demiurge.Core.Rooms;
using Demiurge.Gateway;
using Demiurge.Gateway.Lifecycle;
using Demiurge.Gateway.Rooms;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Demiurge.Tests.Rooms;

/// <summary>One room behind real sockets, without tickets and without a database: what is appended counts as durable at once.</summary>
internal sealed class RoomHost : IAsyncDisposable
{
    private readonly WebApplication server;
    private readonly ControlPlane control;
    private readonly RoomLimits limits;

    private RoomHost(WebApplication server, RoomRole role, RoomLimits limits, Func<Task> loading, TaskScheduler encoding)
    {
        this.server = server;
        Role = role;
        this.limits = limits;
        Address = new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        control = new ControlPlane(Options.Create(new GatewayOptions { ControlUrl = Address }), TimeProvider.System);
        Log = new LogAppender(control, "token", limits, TimeProvider.System, NullLogger.Instance);
        Room = new Room(Guid.CreateVersion7(), new RoomContext(limits, Log, Load, () => { }, NullLogger.Instance) { Encoding = encoding });
        Log.Advanced += Room.Advanced;

        async Task<Result<IReadOnlyList<RoomRecord>>> Load(Guid projectId)
        {
            await loading();
            return Array.Empty<RoomRecord>();
        }
    }

    public Uri Address { get; }

    /// <summary>Of the peers that come next.</summary>
    public RoomRole Role { get; set; }

    public LogAppender Log { get; }

    public Room Room { get; }

    /// <summary>What Web answers to appends.</summary>
    public int AppendStatus { get; set; } = StatusCodes.Status200OK;

    public static async Task<RoomHost> Start(RoomLimits limits, RoomRole role = RoomRole.Edit, Func<Task>? loading = null, TaskScheduler? encoding = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = builder.Build();
        RoomHost host = null!;
        server.UseWebSockets();
        server.MapPost("/gateway/data/append", async request =>
        {
            await request.Request.Body.CopyToAsync(Stream.Null);
            request.Response.StatusCode = host.AppendStatus;
            await request.Response.WriteAsJsonAsync(new { unknown = Array.Empty<Guid>() });
        });
        server.Map("/room", async request =>
        {
            using var socket = await request.WebSockets.AcceptWebSocketAsync();
            var peer = host.NewPeer(socket);
            await host.Room.Join(peer);
            await peer.Run(host.Room, host.Log.Admit);
            await host.Room.Leave(peer);
        });
        await server.StartAsync();
        host = new RoomHost(server, role, limits, loading ?? (() => Task.CompletedTask), encoding ?? TaskScheduler.Default);
        _ = host.Log.Start();
        return host;
    }

    public Peer NewPeer(WebSocket socket) => new(socket, new RoomTicket
    {
        Issuer = "test",
        Audience = RoomTicket.RoomAudience,
        Subject = Guid.CreateVersion7().ToString(),
        Id = "",
        IssuedAt = 0,
        NotBefore = 0,
        ExpiresAt = long.MaxValue,
        OrganizationId = Guid.CreateVersion7(),
        ProjectId = Room.ProjectId,
        Role = Role,
    }, Role, wantsAcks: true, limits, NullLogger.Instance);

    public RoomClient NewClient(RoomClientOptions? options = null) => new(_ => Task.FromResult(Endpoint), options);

    public Result<RoomEndpoint> Endpoint => new RoomEndpoint(new Uri($"ws://127.0.0.1:{Address.Port}/room"), "token", DateTimeOffset.MaxValue);

    public async ValueTask DisposeAsync()
    {
        Room.Close(RoomProtocol.Close.ServiceRestart, "The test is over.");
        await Room.Completion;
        await Log.DisposeAsync();
        control.Dispose();
        await server.DisposeAsync();
    }
}
