using System.ComponentModel.DataAnnotations;

namespace Demiurge.Core.Containers.Remote;

/// <summary>People's own machines; bound to the configuration section <c>Demiurge:Remote</c>, checked at start.</summary>
public sealed record RemoteOptions
{
    public const string Section = "Demiurge:Remote";

    /// <summary>The address at which machines reach Web, where that isn't <see cref="SiteOptions.PublicUrl"/>.</summary>
    [Url(ErrorMessage = "Demiurge:Remote:Url is not an http or https address, for example https://demiurge.example.org.")]
    public string? Url { get; init; }

    /// <summary>The host at which machines reach the gateways' VPN ports, where that isn't the host of <see cref="Url"/>.</summary>
    public string? VpnHost { get; init; }

    /// <summary>What people run; <c>images/join</c> makes it.</summary>
    [Required(ErrorMessage = "Demiurge:Remote:Image is missing: set it to the name under which people can have images/join.")]
    [RegularExpression(@"[A-Za-z0-9][\w./:@-]*", ErrorMessage = "Demiurge:Remote:Image is not the name of an image.")]
    public string Image { get; init; } = "demiurge/join:latest";

    /// <summary>How long a command can be used.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00", ErrorMessage = "Demiurge:Remote:TokenTime must lie between ten seconds and a day.")]
    public TimeSpan TokenTime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How often a machine tells what listens on it.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "Demiurge:Remote:ReportInterval must lie between a second and five minutes.")]
    public TimeSpan ReportInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A machine not heard of for so long is dropped until it speaks again.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "01:00:00", ErrorMessage = "Demiurge:Remote:SilenceLimit must lie between two seconds and an hour.")]
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a machine's certificate is good; it is renewed after half of that.</summary>
    [Range(typeof(TimeSpan), "00:02:00", "30.00:00:00", ErrorMessage = "Demiurge:Remote:CertificateTime must lie between two minutes and thirty days.")]
    public TimeSpan CertificateTime { get; init; } = TimeSpan.FromDays(1);

    internal Uri WebUrl(SiteOptions site) => new(string.IsNullOrEmpty(Url) ? site.PublicUrl : Url);

    /// <summary>Where machines find gateways' VPN ports.</summary>
    internal string VpnHostOf(SiteOptions site) => string.IsNullOrEmpty(VpnHost) ? WebUrl(site).Host : VpnHost;
}
