using Demiurge.Core.Persistence;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Accounts;

public static class AccountsRegistration
{
    /// <summary>Accounts without any way to sign in by a browser: cookies are the web's affair.</summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AccountOptions>().Bind(configuration.GetSection(AccountOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<CredentialThrottle>();
        services.AddSingleton<AccountService>();
        services.AddSingleton<BrowserSessions>();
        services.AddIdentityCore<User>()
            .AddEntityFrameworkStores<DemiurgeDbContext>()
            .AddDefaultTokenProviders();
        services.AddOptions<IdentityOptions>().Configure<IOptions<AccountOptions>>((identity, accounts) =>
        {
            identity.User.RequireUniqueEmail = true;
            identity.User.AllowedUserNameCharacters = ""; // any: it is the e-mail address, checked as such
            identity.Password = new PasswordOptions
            {
                // Length is what counts (NIST SP 800-63B, 3.1.1.2): no rules about kinds of characters.
                RequiredLength = AccountService.MinPasswordLength,
                RequiredUniqueChars = 4,
                RequireDigit = false,
                RequireLowercase = false,
                RequireUppercase = false,
                RequireNonAlphanumeric = false,
            };
            identity.Lockout.MaxFailedAccessAttempts = accounts.Value.LockoutThreshold;
            identity.Lockout.DefaultLockoutTimeSpan = TimeSpan.FromMinutes(accounts.Value.LockoutMinutes);
        });
        services.Configure<DataProtectionTokenProviderOptions>(options => options.TokenLifespan = TimeSpan.FromHours(2));
        return services;
    }
}
