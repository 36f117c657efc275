using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Containers;

public static class ContainersRegistration
{
    /// <summary>Containers on the board: what people ask for, and what keeps the engines to it.</summary>
    public static IServiceCollection AddContainers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ContainerOptions>().Bind(configuration.GetSection(ContainerOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Installation>();
        services.AddSingleton<ContainerUrls>();
        services.AddSingleton<ContainerAccess>();
        services.AddSingleton<ContainerChanges>();
        services.AddHostedService(provider => provider.GetRequiredService<ContainerChanges>());
        services.AddSingleton<ContainerService>();
        return services;
    }
}
