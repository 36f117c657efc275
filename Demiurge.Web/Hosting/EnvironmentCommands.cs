using System.Text.Json;
using Demiurge.Core.Gateways;
using Demiurge.Core.Persistence;
using Demiurge.Core.Persistence.Embedded;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Demiurge.Web.Hosting;

/// <summary>
/// What <c>./demiurge</c> asks of this program besides serving: <c>status [--json]</c>, <c>down</c>, <c>demo [--json]</c>, <c>containers …</c> and <c>gateways …</c>, about the
/// environment that the settings name. None starts anything.
/// </summary>
internal static class EnvironmentCommands
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Runs the command that <paramref name="args"/> begin with; null when they name none and Web is to serve.</summary>
    public static async Task<int?> TryRun(string[] args) => args.FirstOrDefault() switch
    {
        "status" => await Status(args),
        "down" => await Down(args),
        "containers" => await ContainersCommand.Run(SiteEnvironment.Resolve(Configuration([])), args),
        "gateways" => await GatewaysCommand.Run(SiteEnvironment.Resolve(Configuration([])), args),
        "demo" => await DemoCommand.Run(SiteEnvironment.Resolve(Configuration(args)), args.Contains("--json")),
        { Length: > 0 } other when !other.StartsWith('-') => throw new SiteEnvironmentException($"There is no command `{other}`. Commands: status, down, demo, containers, gateways; without one it serves."),
        _ => null,
    };

    private static async Task<int> Status(string[] args)
    {
        await using var parts = await Parts.Find(args);
        var gateways = await parts.Gateways();
        var report = new StatusReport(
            parts.Environment.Name,
            parts.Web switch { null => "stopped", { Ready: true } => "running", _ => "starting" },
            parts.Environment.PublicUrl,
            parts.Environment.DataPath,
            parts.Web is { } web ? new(web.Pid, web.Port, web.ControlPort) : null,
            parts.Server is { } server ? new(server.ProcessId, server.Port) : null,
            [.. gateways.Select(g => new GatewayReport(g.Name, ProcessIdOf(g), g.Port, g.State.ToString().ToLowerInvariant()))]);
        if (args.Contains("--json"))
        {
            Console.WriteLine(JsonSerializer.Serialize(report, Indented));
            return 0;
        }
        Console.WriteLine($"environment  {report.Environment} ({report.DataPath})");
        Console.WriteLine($"web          {(report.Web is { } w ? $"{report.Status}, pid {w.Pid}, {report.Url}" : "stopped")}");
        Console.WriteLine($"postgresql   {(report.Postgresql is { } p ? $"running, pid {p.Pid}, port {p.Port}" : parts.HasOwnServer ? "a server of your own (ConnectionStrings:Demiurge)" : "stopped")}");
        foreach (var gateway in report.Gateways)
            Console.WriteLine($"{gateway.Name,-12} {gateway.State}{(gateway.Pid is { } pid ? $", pid {pid}" : "")}, port {gateway.Port}");
        return 0;
    }

    private static async Task<int> Down(string[] args)
    {
        await using var parts = await Parts.Find(args);
        var gateways = await parts.Gateways();
        if (parts.Web is null && parts.Server is null && gateways.Count == 0)
        {
            Console.WriteLine($"Nothing runs in {parts.Environment.DataPath}.");
            return 0;
        }
        if (parts.Web is { } web)
        {
            Console.WriteLine($"Stopping Web (pid {web.Pid})");
            await web.Stop(parts.Environment.DataPath, TimeSpan.FromSeconds(40));
        }
        foreach (var gateway in await parts.Gateways())
        {
            Console.WriteLine($"Stopping {gateway.Name} (pid {ProcessIdOf(gateway)})");
            await parts.GatewayHost.Kill(gateway.HostReference!, CancellationToken.None);
        }
        if (parts.Server is { } server)
        {
            Console.WriteLine($"Stopping PostgreSQL (pid {server.ProcessId})");
            await server.Stop();
        }
        return 0;
    }

    private static ConfigurationManager Configuration(string[] args)
    {
        var configuration = WebApplication.CreateBuilder(args).Configuration;
        HostingExtensions.AddSettingsFile(configuration);
        return configuration;
    }

    private static int? ProcessIdOf(Gateway gateway)
        => int.TryParse(gateway.HostReference?.Split('@')[0], out var pid) ? pid : null;

    private sealed record StatusReport(
        string Environment, string Status, string Url, string DataPath, WebReport? Web, ServerReport? Postgresql, IReadOnlyList<GatewayReport> Gateways);

    private sealed record WebReport(int Pid, int Port, int ControlPort);

    private sealed record ServerReport(int Pid, int Port);

    private sealed record GatewayReport(string Name, int? Pid, int Port, string State);

    /// <summary>The running parts of an environment.</summary>
    private sealed class Parts : IAsyncDisposable
    {
        private readonly ServiceProvider? services;

        private Parts(SiteEnvironment environment, RunningWeb? web, EmbeddedPostgres? server, bool hasOwnServer, IConfiguration configuration)
        {
            Environment = environment;
            Web = web;
            Server = server;
            HasOwnServer = hasOwnServer;
            GatewayHost = new ProcessGatewayHost(Options.Create(new GatewayPoolOptions()), configuration);
            if (server is not null || hasOwnServer)
                services = new ServiceCollection().AddSingleton(configuration).AddLogging().AddPersistence().BuildServiceProvider();
        }

        public SiteEnvironment Environment { get; }

        public RunningWeb? Web { get; }

        public EmbeddedPostgres? Server { get; }

        /// <summary>Whether the database is a server that isn't ours to stop.</summary>
        public bool HasOwnServer { get; }

        public ProcessGatewayHost GatewayHost { get; }

        public static async Task<Parts> Find(string[] args)
        {
            var configuration = Configuration(args);
            var environment = SiteEnvironment.Resolve(configuration);
            var hasOwnServer = !string.IsNullOrEmpty(configuration.GetConnectionString("Demiurge"));
            var server = hasOwnServer ? null : await EmbeddedPostgres.FindRunning(HostingExtensions.EmbeddedPostgresOptions(configuration));
            if (server is not null)
                configuration["ConnectionStrings:Demiurge"] = server.ConnectionString;
            return new(environment, RunningWeb.Find(environment.DataPath), server, hasOwnServer, configuration);
        }

        /// <summary>The gateways that run, by name.</summary>
        public async Task<IReadOnlyList<Gateway>> Gateways()
        {
            if (services is null)
                return [];
            try
            {
                await using var db = await services.GetRequiredService<IDbContextFactory<DemiurgeDbContext>>().CreateDbContextAsync();
                var running = new List<Gateway>();
                foreach (var gateway in await db.Set<Gateway>().AsNoTracking().Where(g => g.HostReference != null).OrderBy(g => g.Ordinal).ToListAsync())
                {
                    if (await GatewayHost.IsRunning(gateway.HostReference!, CancellationToken.None))
                        running.Add(gateway);
                }
                return running;
            }
            catch (Exception e) when (e is NpgsqlException || e.InnerException is NpgsqlException)
            {
                return []; // Not migrated yet, or the server has just gone.
            }
        }

        public ValueTask DisposeAsync() => services?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
