using System.Globalization;
using System.Text.RegularExpressions;

namespace Demiurge.Web.Hosting;

/// <summary>
/// One separate installation: its folder, ports and domain. <c>./demiurge up --env NAME</c> gives each name its own.
/// Immutable; resolved once from configuration before the host is built.
/// </summary>
public sealed partial record SiteEnvironment
{
    /// <summary>The environment that <c>./demiurge up</c> means when none is named.</summary>
    public const string DefaultName = "local";

    private const string BaseDomain = "demiurge.localhost";

    private string? publicUrl;
    private bool chosen;

    /// <summary>A DNS label; <c>local</c> unless configured by <c>Demiurge:Environment</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The folder of everything this environment keeps outside PostgreSQL, and of the embedded PostgreSQL itself.</summary>
    public required string DataPath { get; init; }

    /// <summary>The public port.</summary>
    public required int Port { get; init; }

    /// <summary>The port on which gateways reach Web; loopback only.</summary>
    public required int ControlPort { get; init; }

    /// <summary>Where the local gateway processes' ports begin.</summary>
    public required int GatewayBasePort { get; init; }

    /// <summary>The address that browsers use.</summary>
    public string PublicUrl => publicUrl ?? $"http://{Domain}{(Port == 80 ? "" : $":{Port}")}";

    /// <summary>The host name of the UI.</summary>
    public required string Domain { get; init; }

    /// <summary>Whether all of the machine's addresses are listened on, or loopback alone.</summary>
    public required bool ListensEverywhere { get; init; }

    /// <summary>Reads the settings, fills in what isn't set, and chooses and keeps ports at an environment's first start.</summary>
    /// <exception cref="SiteEnvironmentException">A setting can't be used; the message names its key.</exception>
    public static SiteEnvironment Resolve(IConfiguration configuration)
    {
        var section = configuration.GetSection("Demiurge");
        var name = section["Environment"] ?? DefaultName;
        if (!Label().IsMatch(name))
            throw new SiteEnvironmentException($"Demiurge:Environment is `{name}`: use 1 to 30 small letters, digits and hyphens, beginning with a letter.");
        var dataPath = Path.GetFullPath(section["DataPath"] ?? Path.Combine(CheckoutFolder() ?? Directory.GetCurrentDirectory(), ".demiurge", name));
        var before = KeptPorts.Read(dataPath);
        var kept = before ?? KeptPorts.Choose(dataPath);
        var wanted = ReadPort(section, "Port");
        if (wanted is { } port)
            kept = kept with { Port = port };
        if (ReadPort(section, "ControlPort") is { } controlPort)
            kept = kept with { ControlPort = controlPort };
        if (section["Gateways:BasePort"] != "0" && ReadPort(section, "Gateways:BasePort") is { } gatewayBasePort)
            kept = kept with { GatewayBasePort = gatewayBasePort };
        var domain = section["Domain"] ?? (name == DefaultName ? BaseDomain : $"{name}.{BaseDomain}");
        return new()
        {
            Name = name,
            DataPath = dataPath,
            Port = kept.Port,
            ControlPort = kept.ControlPort,
            GatewayBasePort = kept.GatewayBasePort,
            Domain = domain,
            chosen = before is null && wanted is null,
            publicUrl = section["PublicUrl"]?.TrimEnd('/'),
            ListensEverywhere = section["Listen"] switch
            {
                null or "loopback" => false,
                "everywhere" => true,
                var other => throw new SiteEnvironmentException($"Demiurge:Listen is `{other}`: use `loopback` or `everywhere`."),
            },
        };
    }

    /// <summary>
    /// Binds the public and the control port, for whoever listens on them later, and keeps their numbers for the next start. At a first
    /// start another environment may be choosing at the same moment; whoever comes second chooses again.
    /// </summary>
    /// <exception cref="SiteEnvironmentException">The public port is taken.</exception>
    internal SiteEnvironment ClaimPorts(HeldPorts held)
    {
        var claimed = this;
        for (var attempts = 1; !held.TryHold(claimed.Port, ListensEverywhere); attempts++)
        {
            if (!chosen || attempts == 20)
            {
                throw new SiteEnvironmentException(
                    $"Port {Port} is taken by another program. Stop that one, or choose another port: `./demiurge up --port {Port + 1}` (Demiurge:Port).");
            }
            claimed = this with { Port = KeptPorts.Choose(DataPath).Port };
        }
        if (!held.TryHold(ControlPort))
            claimed = claimed with { ControlPort = held.HoldAny() };
        new KeptPorts(claimed.Port, claimed.ControlPort, claimed.GatewayBasePort).Write(DataPath);
        return claimed;
    }

    internal static int? ReadPort(IConfiguration section, string key) => section[key] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 => port,
        var text => throw new SiteEnvironmentException($"{(section as IConfigurationSection)?.Path}:{key} is `{text}`: use a port number from 1 to 65535."),
    };

    /// <summary>Makes the folder of a first start.</summary>
    /// <exception cref="SiteEnvironmentException">It can't be made.</exception>
    public void CreateFolder()
    {
        try
        {
            Directory.CreateDirectory(DataPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SiteEnvironmentException($"The data folder {DataPath} can't be created: {e.Message} Choose another by DEMIURGE_DATA or Demiurge:DataPath.", e);
        }
    }

    private static string? CheckoutFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Demiurge.sln")))
                return folder.FullName;
        }
        return null;
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,28}[a-z0-9]$|^[a-z]$")]
    private static partial Regex Label();
}
