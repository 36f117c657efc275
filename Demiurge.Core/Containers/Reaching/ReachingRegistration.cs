using Demiurge.Core.Containers.Sharing;
using Demiurge.Core.Containers.Terminals;
using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Containers.Reaching;

internal static class ReachingRegistration
{
    /// <summary>How people and scripts get to containers: tickets, links, tokens, and the answers that gateways need.</summary>
    public static IServiceCollection AddReaching(this IServiceCollection services) => services
        .AddSingleton<ContainerCookieKeys>()
        .AddSingleton<ContainerTickets>()
        .AddSingleton<ContainerEngine>()
        .AddSingleton<ContainerPorts>()
        .AddSingleton<ContainerReach>()
        .AddSingleton<ShareLinks>()
        .AddSingleton<ContainerTokens>()
        .AddSingleton<TerminalSessions>();
}
