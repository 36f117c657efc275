using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Demiurge.Core;

/// <summary>Where people reach this installation. Bound to the configuration section <c>Demiurge</c>, checked at start.</summary>
public sealed record SiteOptions
{
    public const string Section = "Demiurge";

    /// <summary>The host name of the UI; organizations live at <c>org-{id}.{Domain}</c>.</summary>
    [Required(ErrorMessage = "Demiurge:Domain is missing: set it to the host name people will use, for example demiurge.localhost.")]
    public string Domain { get; init; } = "demiurge.localhost";

    /// <summary>Scheme, host and port of the UI without a trailing slash; the start of every link in a mail.</summary>
    [Required(ErrorMessage = "Demiurge:PublicUrl is missing: set it to the address people will use, for example http://demiurge.localhost:5080.")]
    [Url(ErrorMessage = "Demiurge:PublicUrl is not an http or https address, for example http://demiurge.localhost:5080.")]
    public string PublicUrl { get; init; } = "http://demiurge.localhost:5080";

    /// <summary>The page on which an invitation is read and accepted.</summary>
    public string InvitationLink(string token) => $"{PublicUrl.TrimEnd('/')}/invitations/{Uri.EscapeDataString(token)}";

    /// <summary>The page on which a new password is chosen.</summary>
    public string PasswordResetLink(string email, string token) =>
        $"{PublicUrl.TrimEnd('/')}/account/reset-password?email={Uri.EscapeDataString(email)}&token={Uri.EscapeDataString(token)}";
}

public static class SiteRegistration
{
    public static IServiceCollection AddSite(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SiteOptions>().Bind(configuration.GetSection(SiteOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        return services;
    }
}
