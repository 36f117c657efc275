using Demiurge.Web.Components.Board;
using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Demiurge.Web.Relay;

public static class RelayRegistration
{
    /// <summary>Boards for Blazor's circuits. Needs gateways (<c>ProjectOpener</c>) and permissions.</summary>
    public static IServiceCollection AddBoards(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<BoardRelayOptions>().Bind(configuration.GetSection("Demiurge:Board"))
            .Validate(options => options.AccessCheck > TimeSpan.Zero && options.AccessCheck <= TimeSpan.FromSeconds(4), "Demiurge:Board:AccessCheck is above zero and at most 00:00:04: access taken away ends within five seconds.")
            .Validate(options => options.JoinTimeout > TimeSpan.Zero, "Demiurge:Board:JoinTimeout is above zero.")
            .Validate(options => options.Linger >= TimeSpan.Zero, "Demiurge:Board:Linger is not negative.")
            .ValidateOnStart();
        services.AddSingleton<BoardRelays>();
        services.AddHostedService<RoomContainers>();
        services.AddScoped<CircuitConnection>();
        services.AddScoped<CircuitHandler>(provider => provider.GetRequiredService<CircuitConnection>());

        // A pasted batch is larger than SignalR's 32 KiB.
        services.Configure<Microsoft.AspNetCore.SignalR.HubOptions>(options => options.MaximumReceiveMessageSize = 1024 * 1024);
        return services;
    }
}
