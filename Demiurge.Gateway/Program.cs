using System.Net;
using Demiurge.Gateway;
using Demiurge.Gateway.Lifecycle;
using Demiurge.Gateway.Proxy;
using Demiurge.Gateway.Rooms;
using Demiurge.Gateway.Vpn;
using Microsoft.Extensions.Options;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddOptions<GatewayOptions>().Bind(builder.Configuration.GetSection(GatewayOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<VpnOptions>().Bind(builder.Configuration.GetSection(VpnOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<ControlPlane>();
builder.Services.AddSingleton<GatewayLifecycle>();
builder.Services.AddHostedService(services => services.GetRequiredService<GatewayLifecycle>());
builder.Services.AddContainerProxy();
builder.Services.AddProblemDetails();
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(15));
builder.Services.Configure<HostOptions>(host => host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.StopHost);
// Tickets travel in the query, which is why requests are not logged.
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning);
builder.Services.AddOptions<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>().Configure<IOptions<GatewayOptions>>((kestrel, gateway) =>
{
    kestrel.AddServerHeader = false;
    // The edge has refused what is too large, and adds to what it lets through.
    kestrel.Limits.MaxRequestHeadersTotalSize = 64 << 10;
    kestrel.Limits.MaxRequestHeaderCount = 200;
    kestrel.Limits.MaxRequestLineSize = 16 << 10;
    kestrel.Listen(IPAddress.Loopback, gateway.Value.Port);
});

var app = builder.Build();
app.UseContainerProxy();
app.UseExceptionHandler();
app.UseStatusCodePages();
// A half-open socket is found within half a minute.
app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(15) });
app.MapControl();
app.MapRooms();
app.MapTerminals();
app.Run();
