// What a benchmark reads before and after a run: wall time, and the CPU time that a thread, the process or its children spent. On a
// loaded machine wall time tells about the load, CPU time about the code (user and kernel together; what the kernel does later in
// threads of its own, write-back for one, is in neither).
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tupelo.Bench;

/// <summary>Whose CPU time a contender is charged with.</summary>
internal enum CpuScope
{
    /// <summary>The calling thread: work that happens on it alone, garbage collections that it causes included.</summary>
    Thread,

    /// <summary>All threads of this process.</summary>
    Process,

    /// <summary>Programs that the run starts and waits for.</summary>
    Children,
}

internal static partial class HostClock
{
    private const int ProcessCpuTime = 2; // CLOCK_PROCESS_CPUTIME_ID
    private const int ThreadCpuTime = 3;  // CLOCK_THREAD_CPUTIME_ID
    private const int RusageChildren = -1;

    public static long WallNanoseconds => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    public static unsafe long CpuNanoseconds(CpuScope scope)
    {
        if (scope == CpuScope.Children)
        {
            Usage usage;
            return GetRusage(RusageChildren, &usage) == 0 ? (usage.User.Nanoseconds + usage.System.Nanoseconds) : throw Unavailable();
        }
        long* time = stackalloc long[2];
        return ClockGetTime(scope == CpuScope.Thread ? ThreadCpuTime : ProcessCpuTime, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : throw Unavailable();
    }

    /// <summary>Keeps the process, and threads that it starts later, on one CPU.</summary>
    public static unsafe bool PinTo(int cpu)
    {
        ulong* mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        mask[cpu / 64] = 1UL << (cpu % 64);
        return SchedSetAffinity(0, 16 * sizeof(ulong), mask) == 0;
    }

    private static PlatformNotSupportedException Unavailable() => new("the benchmarks need Linux' clocks");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int ClockGetTime(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static unsafe partial int GetRusage(int who, Usage* usage);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static unsafe partial int SchedSetAffinity(int process, nint bytes, ulong* mask);

    private struct TimeValue
    {
        public long Seconds;
        public long Microseconds;

        public readonly long Nanoseconds => (Seconds * 1_000_000_000) + (Microseconds * 1000);
    }

    [StructLayout(LayoutKind.Sequential, Size = 144)]
    private struct Usage
    {
        public TimeValue User;
        public TimeValue System;
    }
}
