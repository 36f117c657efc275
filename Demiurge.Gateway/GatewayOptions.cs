using System.ComponentModel.DataAnnotations;

namespace Demiurge.Gateway;

/// <summary>Who this gateway is and whom it reports to; bound to the section <c>Gateway</c>, set by the host that starts it.</summary>
public sealed record GatewayOptions
{
    public const string Section = "Gateway";

    [Required(ErrorMessage = "Gateway:Name is missing. Gateways are started by Demiurge.Web; see docs/architecture.md.")]
    public string Name { get; init; } = "";

    public Guid InstanceId { get; init; }

    /// <summary>Loopback port to listen on.</summary>
    [Range(1, 65535, ErrorMessage = "Gateway:Port must lie between 1 and 65535.")]
    public int Port { get; init; }

    /// <summary>Web's control port.</summary>
    [Required(ErrorMessage = "Gateway:ControlUrl is missing: set it to Web's control address, for example http://127.0.0.1:5079.")]
    public Uri? ControlUrl { get; init; }

    [Required(ErrorMessage = "Gateway:PoolToken is missing: it is the secret shared with Web.")]
    public string PoolToken { get; init; } = "";

    /// <summary>When Web can't be reached for so long the gateway ends: nobody would ever use or stop it.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "Gateway:AbsenceLimit must lie between one second and a day.")]
    public TimeSpan AbsenceLimit { get; init; } = TimeSpan.FromSeconds(60);
}
