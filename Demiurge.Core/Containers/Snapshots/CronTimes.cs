using System.Globalization;

namespace Demiurge.Core.Containers.Snapshots;

/// <summary>
/// A schedule in cron's five fields (minute, hour, day of the month, month, day of the week), in UTC. A field is <c>*</c> or a list of numbers and
/// ranges, each with an optional <c>/step</c>; 0 and 7 are Sunday. When both days are given, either will do, as cron has it. Immutable.
/// </summary>
public sealed class CronTimes
{
    public const string Hourly = "0 * * * *";
    public const string Daily = "0 3 * * *";

    private static readonly (int Least, int Most)[] Ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

    private readonly ulong[] fields;
    private readonly bool eitherDay;

    private CronTimes(ulong[] fields, bool eitherDay)
    {
        (this.fields, this.eitherDay) = (fields, eitherDay);
    }

    /// <summary>Null when it isn't a schedule, or one that never comes.</summary>
    public static CronTimes? Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != Ranges.Length)
            return null;
        var fields = new ulong[Ranges.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (Field(parts[i], Ranges[i].Least, Ranges[i].Most) is not { } field)
                return null;
            fields[i] = field;
        }
        if ((fields[4] & (1UL << 7)) != 0)
            fields[4] |= 1;
        var times = new CronTimes(fields, parts[2][0] != '*' && parts[4][0] != '*');
        return times.After(DateTimeOffset.UnixEpoch) is null ? null : times;
    }

    /// <summary>The first time later than the given one; null if there is none within eight years.</summary>
    public DateTimeOffset? After(DateTimeOffset time)
    {
        var next = new DateTimeOffset(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero).AddMinutes(1);
        var end = next.AddYears(8);
        while (next < end)
        {
            if (!Has(3, next.Month))
                next = new DateTimeOffset(next.Year, next.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
            else if (!IsDay(next))
                next = new DateTimeOffset(next.Date, TimeSpan.Zero).AddDays(1);
            else if (!Has(1, next.Hour))
                next = next.AddMinutes(60 - next.Minute);
            else if (!Has(0, next.Minute))
                next = next.AddMinutes(1);
            else
                return next;
        }
        return null;
    }

    private bool IsDay(DateTimeOffset time)
    {
        var (month, week) = (Has(2, time.Day), Has(4, (int)time.DayOfWeek));
        return eitherDay ? month || week : month && week;
    }

    private bool Has(int field, int value) => (fields[field] & (1UL << value)) != 0;

    private static ulong? Field(string text, int least, int most)
    {
        ulong found = 0;
        foreach (var part in text.Split(','))
        {
            var stepped = part.Split('/');
            var step = 1;
            if (stepped.Length > 2 || (stepped.Length == 2 && (!Number(stepped[1], out step) || step < 1)))
                return null;
            int from = least, to = most;
            if (stepped[0] != "*")
            {
                var range = stepped[0].Split('-');
                if (range.Length > 2 || !Number(range[0], out from))
                    return null;
                to = from;
                if (range.Length == 2 ? !Number(range[1], out to) : stepped.Length == 2)
                    to = range.Length == 2 ? -1 : most;
            }
            if (from < least || to > most || from > to)
                return null;
            for (var value = from; value <= to; value += step)
                found |= 1UL << value;
        }
        return found;
    }

    private static bool Number(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
