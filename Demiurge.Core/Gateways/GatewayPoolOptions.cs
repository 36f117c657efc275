using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Gateways;

/// <summary>The pool of gateways; bound to the configuration section <c>Demiurge:Gateways</c>, checked at start.</summary>
public sealed record GatewayPoolOptions
{
    public const string Section = "Demiurge:Gateways";

    /// <summary>Gateways kept running; with none, one is started when it is needed.</summary>
    [Range(0, 1000, ErrorMessage = "Demiurge:Gateways:PoolSize must lie between 0 and 1000.")]
    public int PoolSize { get; init; } = 3;

    /// <summary>How far the pool grows while all of them are taken.</summary>
    [Range(1, 1000, ErrorMessage = "Demiurge:Gateways:MaximumSize must lie between 1 and 1000.")]
    public int MaximumSize { get; init; } = 12;

    /// <summary>HTTP port of <c>gw-pool-0</c>; N uses <c>BasePort + N</c>, or another where that is taken. 0 takes whatever is free.</summary>
    [Range(0, 64000, ErrorMessage = "Demiurge:Gateways:BasePort must lie between 0 (any free port) and 64000.")]
    public int BasePort { get; init; } = 7100;

    /// <summary>Web's own loopback address for gateways. It must stay the same over a restart, or running gateways can't be adopted.</summary>
    [Required(ErrorMessage = "Demiurge:Gateways:ControlUrl is missing: set it to a free loopback address, for example http://127.0.0.1:5079.")]
    public Uri ControlUrl { get; init; } = new("http://127.0.0.1:5079");

    /// <summary>Time without activity after which a gateway gives its organization back.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "365.00:00:00", ErrorMessage = "Demiurge:Gateways:IdleTimeout must lie between half a second and a year.")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long somebody who opens a project waits for a gateway when none is free.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", ErrorMessage = "Demiurge:Gateways:AllocationTimeout must lie between 0 and five minutes.")]
    public TimeSpan AllocationTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A gateway not heard of for so long is replaced. Gateways report every two seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:03", "00:10:00", ErrorMessage = "Demiurge:Gateways:LeaseTime must lie between 3 seconds and ten minutes.")]
    public TimeSpan LeaseTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a gateway may take to start, to take an organization, or to become ready again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "Demiurge:Gateways:StartTimeout must lie between one second and ten minutes.")]
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Path of <c>Demiurge.Gateway.dll</c>; found beside Web or in the source tree when empty.</summary>
    public string? AssemblyPath { get; init; }

    /// <summary>Folder of the gateways' log files; <c>{Demiurge:DataPath}/gateways</c> when empty.</summary>
    public string? LogPath { get; init; }
}
