using Demiurge.Core.Containers.Hosts;
using Demiurge.Core.Containers.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Containers.Docker;

public static class DockerRegistration
{
    /// <summary>Docker engines as what containers run on.</summary>
    public static IServiceCollection AddDocker(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DockerOptions>().Bind(configuration.GetSection(DockerOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<HostKeys>();
        services.AddSingleton<IHostProbe, DockerHostProbe>();
        services.AddSingleton<ContainerHostService>();
        services.AddSingleton<HostWatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<HostWatcher>());
        services.AddSingleton<DockerContainerRuntimes>();
        services.AddSingleton<IContainerRuntimes>(provider => provider.GetRequiredService<DockerContainerRuntimes>());
        services.AddSingleton<IContainerVolumes, DockerVolumes>();
        return services;
    }
}
