namespace Tupelo.Vfs;

/// <summary>Where time stamps come from. Replace it to make runs repeatable. Any thread.</summary>
public abstract class VfsClock
{
    /// <summary>The machine's clock, as exact as a tick of <see cref="Environment.TickCount64"/> plus 100 ns.</summary>
    public static readonly VfsClock System = new SystemClock();

    /// <summary>Wall-clock time.</summary>
    public abstract Timespec Now { get; }

    private sealed class SystemClock : VfsClock
    {
        public override Timespec Now
        {
            get
            {
                (long seconds, long ticks) = Math.DivRem(DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerSecond);
                return new Timespec(seconds, (int)ticks * 100);
            }
        }
    }
}
