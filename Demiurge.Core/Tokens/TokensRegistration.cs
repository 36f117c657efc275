using Microsoft.Extensions.DependencyInjection;

namespace Demiurge.Core.Tokens;

public static class TokensRegistration
{
    public static IServiceCollection AddTokens(this IServiceCollection services) => services
        .AddSingleton<SigningKeys>()
        .AddSingleton<TokenService>();
}
