using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Rooms;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Gateways;

public static class GatewaysRegistration
{
    /// <summary>The pool of gateways as processes, and the rooms' durable log.</summary>
    public static IServiceCollection AddGateways(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<GatewayPoolOptions>().Bind(configuration.GetSection(GatewayPoolOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RoomLimits>().Bind(configuration.GetSection(RoomLimits.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<RoomCompactionOptions>().Bind(configuration.GetSection(RoomCompactionOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RoomLog>();
        services.AddSingleton<RoomAccess>();
        services.AddSingleton<RoomTickets>();

        services.AddSingleton<GatewayRoutes>();
        services.AddSingleton<GatewayPool>();
        services.AddSingleton(new GatewayClient(new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2), UseProxy = false })));
        services.AddSingleton<GatewayAllocator>();
        services.AddSingleton<RemoteGateways>();
        services.AddSingleton<GatewayHandshake>();
        services.AddSingleton<ProjectOpener>();
        services.AddSingleton<GatewayPoolService>();
        services.AddSingleton<IGatewayHost, ProcessGatewayHost>();
        services.AddHostedService<GatewaySupervisor>();
        services.AddHostedService<AccessForwarder>();
        services.AddHostedService<ContainerForwarder>();
        services.AddHostedService<RoomCompactor>();
        return services;
    }
}
