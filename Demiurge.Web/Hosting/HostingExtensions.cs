using System.Globalization;
using System.Net;
using Demiurge.Core.Persistence;
using Demiurge.Core.Persistence.Embedded;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Npgsql;

namespace Demiurge.Web.Hosting;

/// <summary>Puts Web into its environment: settings, ports, and a database that is up and migrated before anything listens.</summary>
public static partial class HostingExtensions
{
    private const string ConnectionString = "ConnectionStrings:Demiurge";
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Resolves the environment, takes it for this process, binds its ports, and fills in the settings that follow from it.
    /// <c>settings.json</c> in the environment's folder is read, too; environment variables and the command line win over it.
    /// </summary>
    /// <exception cref="SiteEnvironmentException">Another Web runs in it, the port is taken, or a setting can't be used.</exception>
    public static SiteEnvironment AddEnvironment(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        AddSettingsFile(configuration);
        var environment = SiteEnvironment.Resolve(configuration);
        environment.CreateFolder();
        var claim = RunningWeb.Claim(environment.DataPath);
        var held = new HeldPorts();
        try
        {
            environment = environment.ClaimPorts(held);
            claim.Announce(environment);
        }
        catch
        {
            held.Dispose();
            claim.Dispose();
            throw;
        }

        configuration["Demiurge:Environment"] = environment.Name;
        configuration["Demiurge:DataPath"] = environment.DataPath;
        configuration["Demiurge:Domain"] = environment.Domain;
        configuration["Demiurge:PublicUrl"] = environment.PublicUrl;
        configuration["Demiurge:Gateways:BasePort"] ??= environment.GatewayBasePort.ToString(CultureInfo.InvariantCulture);
        configuration["Demiurge:Gateways:ControlUrl"] ??= $"http://127.0.0.1:{environment.ControlPort}";
        builder.Services.AddSingleton(environment);
        builder.Services.AddHostedService(_ => claim);
        builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = held.Release);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (environment.ListensEverywhere)
                kestrel.ListenAnyIP(environment.Port);
            else
                kestrel.ListenLocalhost(environment.Port);
            kestrel.Listen(IPAddress.Loopback, environment.ControlPort);
        });
        return environment;
    }

    /// <summary>
    /// Brings the embedded PostgreSQL up unless <c>ConnectionStrings:Demiurge</c> names a server, and migrates. Call it before the
    /// host runs.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">The embedded server can't run.</exception>
    /// <exception cref="SiteEnvironmentException">The named server doesn't let us in.</exception>
    public static async Task PrepareDatabase(this WebApplication app)
    {
        if (string.IsNullOrEmpty(app.Configuration[ConnectionString]))
        {
            var logger = app.Services.GetRequiredService<ILogger<EmbeddedPostgres>>();
            var server = await EmbeddedPostgres.Start(EmbeddedPostgresOptions(app.Configuration), logger);
            app.Configuration[ConnectionString] = server.ConnectionString;
        }
        else
        {
            await WaitForServer(app);
        }
        await app.Services.GetRequiredService<DatabaseMigrator>().Migrate();
    }

    /// <summary>The embedded server of an environment, as its settings have it.</summary>
    internal static EmbeddedPostgresOptions EmbeddedPostgresOptions(IConfiguration configuration)
    {
        var section = configuration.GetSection("Demiurge:Embedded");
        return new()
        {
            DataPath = Path.Combine(SiteEnvironment.Resolve(configuration).DataPath, "postgresql"),
            BinariesPath = section["BinariesPath"],
            Account = section["Account"],
            Port = SiteEnvironment.ReadPort(section, "Port"),
        };
    }

    /// <summary>Reads the environment's own settings file, below environment variables in rank.</summary>
    internal static void AddSettingsFile(ConfigurationManager configuration)
    {
        var sources = ((IConfigurationBuilder)configuration).Sources;
        var settings = new JsonConfigurationSource
        {
            Path = Path.Combine(SiteEnvironment.Resolve(configuration).DataPath, "settings.json"),
            Optional = true,
        };
        settings.ResolveFileProvider();
        var last = sources.OfType<EnvironmentVariablesConfigurationSource>().LastOrDefault();
        sources.Insert(last is null ? 0 : sources.IndexOf(last), settings);
    }

    /// <summary>A server of one's own may start later than Web: wait for it, then say what is the matter.</summary>
    private static async Task WaitForServer(WebApplication app)
    {
        var time = app.Services.GetRequiredService<TimeProvider>();
        var logger = app.Services.GetRequiredService<ILogger<EmbeddedPostgres>>();
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await app.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
                return;
            }
            catch (ArgumentException e)
            {
                throw new SiteEnvironmentException($"{ConnectionString} is not a connection string: {e.Message} Write it like `Host=db;Database=demiurge;Username=demiurge;Password=…`.", e);
            }
            catch (NpgsqlException e) when (!e.IsTransient || time.GetElapsedTime(started) > DatabasePatience)
            {
                throw new SiteEnvironmentException($"PostgreSQL does not let Demiurge in: {e.Message}. Check the server and ConnectionStrings__Demiurge.", e);
            }
            catch (NpgsqlException e)
            {
                Log.WaitingForDatabase(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(2), time);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "PostgreSQL does not answer yet: {Reason}")]
        public static partial void WaitingForDatabase(ILogger logger, string reason);
    }
}
