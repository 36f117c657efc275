using System.Globalization;

namespace Demiurge.Core.Containers.Snapshots.Archive;

/// <summary>Bytes as people read them.</summary>
public static class Size
{
    private static readonly string[] Units = ["bytes", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>With at most one digit after the point; 1 KB is 1024 bytes.</summary>
    public static string Of(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{value.ToString(unit == 0 || value >= 100 ? "0" : "0.#", CultureInfo.InvariantCulture)} {Units[unit]}");
    }
}
