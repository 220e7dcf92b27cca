using System.Globalization;

namespace Tupelo.Cli;

/// <summary>Times and sizes as text.</summary>
internal static class TimeText
{
    /// <summary>ISO 8601, UTC, nanoseconds: 2026-11-21T08:15:30.123456789Z.</summary>
    public static string Exact(Timespec time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.ToDateTimeOffset():yyyy-MM-ddTHH:mm:ss}.{time.Nanoseconds:D9}Z");

    /// <summary>For listings: 2026-11-21 08:15 in UTC, or a dash of the same width.</summary>
    public static string Short(Timespec time) =>
        time == default ? "               -" : time.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>A size as people read it: 512, 1.5K, 20M, 1.2G.</summary>
    public static string Human(long bytes)
    {
        if (bytes < 1024)
        {
            return bytes.ToString(CultureInfo.InvariantCulture);
        }
        double value = bytes;
        int unit = -1;
        while (value >= 1024 && unit < 5)
        {
            value /= 1024;
            unit++;
        }
        if (value >= 999.5 && unit < 5)
        {
            value /= 1024;
            unit++;
        }
        // As ls and du do: rounded up, one decimal below ten.
        double shown = value < 9.95 ? Math.Ceiling(value * 10) / 10 : Math.Ceiling(value);
        return string.Create(CultureInfo.InvariantCulture, $"{(value < 9.95 ? shown.ToString("0.0", CultureInfo.InvariantCulture) : shown.ToString("0", CultureInfo.InvariantCulture))}{"KMGTPE"[unit]}");
    }
}
