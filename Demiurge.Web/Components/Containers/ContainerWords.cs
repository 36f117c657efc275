using System.Globalization;
using Demiurge.Core.Containers;

namespace Demiurge.Web.Components.Containers;

/// <summary>What is said about containers wherever they are shown, in one place.</summary>
public static class ContainerWords
{
    public static string State(ContainerState state) => state switch
    {
        ContainerState.Pulling => "Fetching image",
        ContainerState.Deleting => "Deleted",
        _ => state.ToString(),
    };

    /// <summary>The state's colour: <c>on</c>, <c>busy</c>, <c>off</c> or <c>bad</c>.</summary>
    public static string Tone(ContainerState state) => state switch
    {
        ContainerState.Running => "on",
        ContainerState.Failed => "bad",
        ContainerState.Stopped or ContainerState.Deleting => "off",
        _ => "busy",
    };

    /// <summary>The state with what matters in it, for a line: “Fetching image, 42 %”, “Queued, 3rd in line”.</summary>
    public static string Line(ContainerInfo info) => info switch
    {
        { State: ContainerState.Queued, QueuePosition: { } position } => $"Queued, {Ordinal(position)} in line",
        { State: ContainerState.Pulling, Progress: { } progress } => $"Fetching image, {Percent(progress)}",
        { State: ContainerState.Failed, ExitCode: { } code and not 0 } => $"Failed, exit code {code}",
        _ => State(info.State),
    };

    /// <summary>A sentence on what goes on, where the state alone doesn't say it; null where it does.</summary>
    public static string? Explanation(ContainerInfo info) => info.Reason ?? info.State switch
    {
        ContainerState.Queued => info.QueuePosition is > 1 ? $"{info.QueuePosition - 1} to be started before it." : "It is next.",
        ContainerState.Pulling => "The image isn't on its host yet. Later starts skip this.",
        ContainerState.Starting => "Waiting for its services to answer.",
        ContainerState.Stopping => "Its programs get a moment to put things away.",
        ContainerState.Stopped => "What is in its volumes is kept.",
        ContainerState.Failed => "It ended by itself. Its logs may say why.",
        _ => null,
    };

    public static string Share(ShareLevel share) => share switch
    {
        ShareLevel.Owner => "Only its owner",
        ShareLevel.Project => "Everybody in the project",
        ShareLevel.Organization => "Everybody in the organization",
        _ => "Everybody with a link",
    };

    public static string Tier(ContainerTierInfo tier) => $"{tier.Name} · {Cpus(tier.Cpus)} · {Bytes(tier.MemoryBytes)}";

    public static string Cpus(double cpus) => $"{cpus.ToString("0.##", CultureInfo.InvariantCulture)} vCPU";

    /// <summary>Zero is free; otherwise as precise as the price is.</summary>
    public static string Price(decimal perHour) => perHour == 0 ? "free" : $"{perHour.ToString("0.00##", CultureInfo.InvariantCulture)} / h";

    public static string Bytes(double bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        var unit = 0;
        for (; bytes >= 1000 && unit < units.Length - 1; unit++)
            bytes /= 1024;
        return $"{bytes.ToString(bytes >= 10 || unit == 0 ? "0" : "0.#", CultureInfo.InvariantCulture)} {units[unit]}";
    }

    public static string Percent(double share) => (Math.Clamp(share, 0, 1) * 100).ToString("0", CultureInfo.InvariantCulture) + " %";

    public static string Ordinal(int number) => number + (number % 100 is 11 or 12 or 13 ? "th" : (number % 10) switch { 1 => "st", 2 => "nd", 3 => "rd", _ => "th" });

    /// <summary>Its state, of the four that a start goes through; -1 when it isn't starting.</summary>
    public static int Step(ContainerState state) => state switch
    {
        ContainerState.Queued => 0,
        ContainerState.Pulling => 1,
        ContainerState.Starting => 2,
        ContainerState.Running => 3,
        _ => -1,
    };
}
