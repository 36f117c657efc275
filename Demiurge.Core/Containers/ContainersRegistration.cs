using Demiurge.Core.Containers.EnvSets;
using Demiurge.Core.Containers.Reaching;
using Demiurge.Core.Containers.Reconciler;
using Demiurge.Core.Containers.Repositories;
using Demiurge.Core.Containers.Remote;
using Demiurge.Core.Containers.Runtime;
using Demiurge.Core.Containers.Snapshots;
using Demiurge.Core.Containers.Templates;
using Demiurge.Core.Containers.Tiers;
using Demiurge.Core.Containers.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Containers;

public static class ContainersRegistration
{
    /// <summary>Containers on the board: what people ask for, and what keeps the engines to it.</summary>
    public static IServiceCollection AddContainers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ContainerOptions>().Bind(configuration.GetSection(ContainerOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        services.AddSingleton<Installation>();
        services.AddSingleton<ContainerUrls>();
        services.AddSingleton<ContainerAccess>();
        services.AddSingleton<ContainerChanges>();
        services.AddHostedService(provider => provider.GetRequiredService<ContainerChanges>());
        services.AddSingleton<ContainerActivity>();
        services.AddSingleton<ContainerMetrics>();

        services.AddSingleton<ShippedTemplates>();
        services.AddSingleton<TemplateSeeder>();
        services.AddHostedService(provider => provider.GetRequiredService<TemplateSeeder>());

        services.AddSingleton<TemplateCatalog>();
        services.AddSingleton<TierService>();
        services.AddSingleton<UsageService>();

        services.AddSingleton<ContainerSecrets>();
        services.AddSingleton<EnvSetService>();
        services.AddSingleton<ContainerEnvironment>();
        services.AddSingleton<ContainerQuotas>();
        services.AddSingleton<ContainerInfos>();
        services.AddSingleton<ContainerService>();
        services.AddSingleton<ContainerOffers>();
        services.AddSingleton<ContainerDirectory>();
        services.AddSingleton<PlatformContainers>();
        services.AddReaching();

        services.AddReconciler();
        services.AddSnapshots(configuration);
        services.AddRepositories();
        services.AddRemoteMachines(configuration);
        return services;
    }

    private static void AddReconciler(this IServiceCollection services)
    {
        services.AddSingleton<HealthProbe>();
        services.AddSingleton<ContainerWriter>();
        services.AddSingleton<ContainerLogKeeper>();
        services.AddSingleton<ContainerStarter>();
        services.AddSingleton<ContainerEnder>();
        services.AddSingleton<ContainerHousekeeping>();
        services.AddSingleton<ContainerReconciler>();
        services.AddHostedService(provider => provider.GetRequiredService<ContainerReconciler>());
    }
}
