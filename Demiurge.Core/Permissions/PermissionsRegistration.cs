using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Permissions;

public static class PermissionsRegistration
{
    public static IServiceCollection AddPermissions(this IServiceCollection services) => services
        .AddSingleton<ProjectAccess>()
        .AddSingleton<AccessChanges>();
}
