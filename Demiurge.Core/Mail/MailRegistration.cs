using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Demiurge.Core.Mail;

public static class MailRegistration
{
    /// <summary>A mail server when <c>Demiurge:Mail:Smtp:Host</c> is set; otherwise the developer's outbox, or in production a refusal.</summary>
    public static IServiceCollection AddMail(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<MailOptions>().Bind(configuration.GetSection(MailOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<MailOptions>, MailOptionsValidation>();
        services.AddSingleton<Outbox>();
        services.AddSingleton<IMailSender>(provider =>
            provider.GetRequiredService<IOptions<MailOptions>>().Value.Smtp.IsConfigured || provider.GetRequiredService<Outbox>().IsOpen
                ? ActivatorUtilities.CreateInstance<OutboxMailSender>(provider)
                : new UnconfiguredMailSender());
        services.AddHostedService<SmtpDelivery>();
        return services;
    }
}
