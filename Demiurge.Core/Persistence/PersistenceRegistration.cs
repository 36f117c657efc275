using Demiurge.Core.Persistence.DataProtection;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Core.Persistence;

public static class PersistenceRegistration
{
    /// <summary>The database of <c>ConnectionStrings:Demiurge</c>, and the data-protection keys kept in it.</summary>
    public static IServiceCollection AddPersistence(this IServiceCollection services)
    {
        services.AddSingleton(provider => NpgsqlDataSource.Create(
            provider.GetRequiredService<IConfiguration>().GetConnectionString("Demiurge")
            ?? throw new InvalidOperationException(
                "ConnectionStrings:Demiurge is missing: set ConnectionStrings__Demiurge to a PostgreSQL connection string.")));
        services.AddDbContextFactory<DemiurgeDbContext>((provider, options) => options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton<DatabaseMigrator>();

        services.AddDataProtection().SetApplicationName("Demiurge");
        services.AddSingleton<IXmlRepository, DatabaseXmlRepository>();
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(
            options => options.XmlRepository = provider.GetRequiredService<IXmlRepository>()));
        return services;
    }
}
