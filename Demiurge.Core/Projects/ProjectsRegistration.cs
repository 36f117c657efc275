using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Projects;

public static class ProjectsRegistration
{
    public static IServiceCollection AddProjects(this IServiceCollection services) => services.AddSingleton<ProjectService>();
}
