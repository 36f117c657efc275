using Demiurge.Core;
using Demiurge.Core.Accounts;
using Demiurge.Core.Audit;
using Demiurge.Core.Containers;
using Demiurge.Core.Containers.Docker;
using Demiurge.Core.Gateways;
using Demiurge.Core.Mail;
using Demiurge.Core.Organizations;
using Demiurge.Core.Permissions;
using Demiurge.Core.Persistence;
using Demiurge.Core.Projects;
using Demiurge.Core.Tokens;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace Demiurge.Tests.Infrastructure;

/// <summary>
/// A fresh, migrated database on the real PostgreSQL for one test class (<c>IClassFixture&lt;PostgresFixture&gt;</c>), and the
/// services of Core over it.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private ServiceProvider? services;

    public string ConnectionString { get; private set; } = "";

    /// <summary>The clock of <see cref="Services"/>; tests move it.</summary>
    public MovableTime Time { get; } = new();

    /// <summary>Core's services over this database, as Web registers them.</summary>
    public IServiceProvider Services => services ??= Build();

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public DemiurgeDbContext CreateContext() => Get<IDbContextFactory<DemiurgeDbContext>>().CreateDbContext();

    /// <summary>Core's services with other settings or parts; the caller disposes of them.</summary>
    public ServiceProvider Build(Dictionary<string, string?>? settings = null, Action<IServiceCollection>? configure = null, string environment = "Development")
    {
        settings ??= [];
        settings.TryAdd("ConnectionStrings:Demiurge", ConnectionString);
        settings.TryAdd("Demiurge:Accounts:SignInsPerEmail", "1000");
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var collection = new ServiceCollection();
        collection.AddSingleton<IConfiguration>(configuration);
        collection.AddSingleton<IHostEnvironment>(new HostingEnvironment { EnvironmentName = environment });
        collection.AddSingleton<IHostApplicationLifetime, ApplicationLifetime>();
        collection.AddSingleton<TimeProvider>(Time);
        collection.AddLogging();
        collection.AddSite(configuration);
        collection.AddPersistence();
        collection.AddMail(configuration);
        collection.AddAccounts(configuration);
        collection.AddPermissions();
        collection.AddOrganizations();
        collection.AddProjects();
        collection.AddAudit();
        collection.AddTokens();
        collection.AddGateways(configuration);
        collection.AddContainers(configuration);
        collection.AddDocker(configuration);
        // Hundreds of people register in these tests, and nobody is after their passwords.
        collection.Configure<PasswordHasherOptions>(options => options.IterationCount = 100);
        configure?.Invoke(collection);
        return collection.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    public async Task InitializeAsync() => ConnectionString = await (await PostgresServer.Get()).CreateDatabase();

    public async Task DisposeAsync()
    {
        if (services is not null)
            await services.DisposeAsync();
        await (await PostgresServer.Get()).DropDatabase(ConnectionString);
    }
}
