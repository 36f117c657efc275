using System.Globalization;

namespace Demiurge.Web.Components.Parts;

/// <summary>A moment in words, relative to now: what a person looks for in a list.</summary>
public static class Ago
{
    public static string Text(DateTimeOffset moment, DateTimeOffset now) => (now - moment) switch
    {
        { TotalMinutes: < 1 } => "just now",
        { TotalMinutes: < 2 } => "a minute ago",
        { TotalHours: < 1 } past => $"{(int)past.TotalMinutes} minutes ago",
        { TotalHours: < 2 } => "an hour ago",
        { TotalDays: < 1 } past => $"{(int)past.TotalHours} hours ago",
        { TotalDays: < 2 } => "yesterday",
        { TotalDays: < 14 } past => $"{(int)past.TotalDays} days ago",
        _ => "on " + moment.ToString("d MMMM yyyy", CultureInfo.InvariantCulture),
    };

    /// <summary>How long until a moment still to come.</summary>
    public static string Left(DateTimeOffset moment, DateTimeOffset now) => (moment - now) switch
    {
        { Ticks: <= 0 } => "expired",
        { TotalHours: < 1 } left => $"in {Math.Max(1, (int)left.TotalMinutes)} min",
        { TotalDays: < 2 } left => $"in {Math.Round(left.TotalHours)} h",
        var left => $"in {Math.Round(left.TotalDays)} days",
    };
}
