using Demiurge.Core.Gateways;
using Demiurge.Web.Api;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Demiurge.Tests.Infrastructure;

/// <summary>Web itself over a fresh database on the real PostgreSQL, without gateways, reached in memory.</summary>
public class WebFixture : WebApplicationFactory<ApiProblem>, IAsyncLifetime
{
    private readonly string dataPath = Directory.CreateTempSubdirectory("demiurge-web-").FullName;
    private string connectionString = "";

    /// <summary>Settings beside those that every test needs.</summary>
    protected virtual IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string>();

    public async Task InitializeAsync() => connectionString = await (await PostgresServer.Get()).CreateDatabase();

    async Task IAsyncLifetime.DisposeAsync()
    {
        await base.DisposeAsync();
        await (await PostgresServer.Get()).DropDatabase(connectionString);
        Directory.Delete(dataPath, recursive: true);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("ConnectionStrings:Demiurge", connectionString);
        builder.UseSetting("Demiurge:DataPath", dataPath);
        builder.UseSetting("Demiurge:Gateways:AllocationTimeout", "00:00:00");
        builder.UseSetting("Demiurge:Containers:Engine", "");
        builder.UseSetting("Demiurge:Accounts:CredentialRequestsPerMinute", "10000");
        builder.UseSetting("Logging:LogLevel:Default", "Warning");
        foreach (var (key, value) in Settings)
            builder.UseSetting(key, value);
        // Gateways call back over the network, which this host isn't on.
        builder.ConfigureTestServices(services =>
            services.Remove(services.Single(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType == typeof(GatewaySupervisor))));
    }
}
