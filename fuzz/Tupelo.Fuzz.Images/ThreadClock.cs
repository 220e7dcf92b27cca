using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tupelo.Fuzz.Images;

/// <summary>Time that the calling thread has spent computing: what the thing under test costs, however busy the machine is. Where the
/// system's clock for that is not known, wall time.</summary>
internal static partial class ThreadClock
{
    private const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID, Linux

    public static TimeSpan Now
    {
        get
        {
            if (OperatingSystem.IsLinux() && Environment.Is64BitProcess && ClockGetTime(ThreadCpuTime, out Reading reading) == 0)
            {
                return TimeSpan.FromTicks((reading.Seconds * TimeSpan.TicksPerSecond) + (reading.Nanoseconds / TimeSpan.NanosecondsPerTick));
            }
            return Stopwatch.GetElapsedTime(0);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Reading reading);

    private struct Reading
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
