using Demiurge.Core.Containers.Repositories.Running;
using Demiurge.Core.Persistence;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Demiurge.Core.Containers.Repositories;

public static class RepositoriesRegistration
{
    /// <summary>Containers made from Git repositories.</summary>
    public static IServiceCollection AddRepositories(this IServiceCollection services)
    {
        services.TryAddSingleton<AdvisoryLease>();
        services.AddSingleton<RepositorySignal>();
        services.AddSingleton<RepositoryService>();
        services.AddSingleton<RepositoryRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<RepositoryRunner>());
        return services;
    }
}
