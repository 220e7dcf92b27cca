namespace Tupelo;

/// <summary>A point in time: seconds since 1970-01-01 UTC (may be negative) and nanoseconds 0..999,999,999. Source: timespec(3type).</summary>
public readonly record struct Timespec(long Seconds, int Nanoseconds) : IComparable<Timespec>
{
    /// <summary>The same instant in whole nanoseconds; 128 bits hold every one.</summary>
    public Int128 TotalNanoseconds => ((Int128)Seconds * 1_000_000_000) + Nanoseconds;

    /// <summary>The instant of <paramref name="time"/>, to its resolution of 100 ns.</summary>
    public static Timespec FromDateTimeOffset(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        (long seconds, long rest) = Math.DivRem(ticks, TimeSpan.TicksPerSecond);
        if (rest < 0)
        {
            rest += TimeSpan.TicksPerSecond;
            seconds--;
        }
        return new Timespec(seconds, (int)rest * 100);
    }

    /// <summary>The instant as a date, clamped to the years that <see cref="DateTimeOffset"/> can hold.</summary>
    public DateTimeOffset ToDateTimeOffset()
    {
        const long MinSeconds = -62_135_596_800;
        const long MaxSeconds = 253_402_300_799;
        return DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(Seconds, MinSeconds, MaxSeconds)).AddTicks(Nanoseconds / 100);
    }

    public int CompareTo(Timespec other)
    {
        int bySeconds = Seconds.CompareTo(other.Seconds);
        return bySeconds != 0 ? bySeconds : Nanoseconds.CompareTo(other.Nanoseconds);
    }

    public static bool operator <(Timespec left, Timespec right) => left.CompareTo(right) < 0;

    public static bool operator >(Timespec left, Timespec right) => left.CompareTo(right) > 0;

    public static bool operator <=(Timespec left, Timespec right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Timespec left, Timespec right) => left.CompareTo(right) >= 0;
}
