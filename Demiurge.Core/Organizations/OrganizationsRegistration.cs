using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Organizations;

public static class OrganizationsRegistration
{
    public static IServiceCollection AddOrganizations(this IServiceCollection services) => services
        .AddSingleton<OrganizationService>()
        .AddSingleton<MembershipService>()
        .AddSingleton<InvitationService>();
}
