using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Containers.Remote;

public static class RemoteRegistration
{
    /// <summary>People's own machines. The gateways' side of it is registered with the gateways.</summary>
    public static IServiceCollection AddRemoteMachines(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<RemoteOptions>().Bind(configuration.GetSection(RemoteOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RemoteNetworks>();
        services.AddSingleton<RemoteMachines>();
        services.AddSingleton<RemoteReports>();
        services.AddSingleton<RemoteWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<RemoteWatch>());
        return services;
    }
}
