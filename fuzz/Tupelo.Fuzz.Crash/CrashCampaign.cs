// A campaign: cases by number, on several threads, until so many distinct states were seen or all cases were run. A case depends on the
// seed and its number only.
using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Fuzz.Crash;

/// <summary>What is run.</summary>
internal enum CampaignKind
{
    /// <summary>All sequences of one operation, crashes during recovery at every state.</summary>
    Seq1,

    /// <summary>All sequences of two operations.</summary>
    Seq2,

    /// <summary>Sequences of three, by seed.</summary>
    Seq3,

    /// <summary>Everything by seed, in turns: random programs, data only, log geometry, sequences of three, torn sectors, a lying device.</summary>
    Mixed,
}

/// <summary>A campaign.</summary>
internal sealed record CampaignOptions
{
    public CampaignKind Kind { get; init; } = CampaignKind.Mixed;

    public int Seed { get; init; } = 1;

    /// <summary>Number of the first case.</summary>
    public long First { get; init; }

    /// <summary>Most cases.</summary>
    public long Cases { get; init; } = long.MaxValue;

    /// <summary>Enough distinct states.</summary>
    public long States { get; init; } = long.MaxValue;

    /// <summary>Threads; 0 is one a core.</summary>
    public int Workers { get; init; }

    /// <summary>Where failing cases go; null saves none.</summary>
    public string? Directory { get; init; }

    /// <summary>Ends it.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.MaxValue;

    /// <summary>Failures at which it ends.</summary>
    public int MaxFailures { get; init; } = 5;
}

/// <summary>What came out.</summary>
internal sealed record CampaignResult(long Cases, long Distinct, long Judged, TimeSpan Cpu, TimeSpan Wall, IReadOnlyList<string> Failures)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Cases} workloads, {Distinct} distinct crash states, {Judged} judged, {Failures.Count} violations; {Wall.TotalSeconds:F1} s, {Cpu.TotalSeconds:F1} s of CPU, {Distinct / Math.Max(0.001, Cpu.TotalSeconds):F0} states a second and core");
}

internal static class CrashCampaign
{
    /// <summary>How many cases there are of a kind.</summary>
    public static long CountOf(CampaignKind kind) => kind switch
    {
        CampaignKind.Seq1 => AceWorkloads.Count(1),
        CampaignKind.Seq2 => AceWorkloads.Count(2),
        _ => int.MaxValue,
    };

    /// <summary>A case by its number.</summary>
    public static CrashCase Make(CampaignKind kind, int seed, long number)
    {
        int own = unchecked((int)(((ulong)seed * 0x9E3779B97F4A7C15) + ((ulong)number * 0xBF58476D1CE4E5B9) >> 33));
        var files = new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true);
        switch (kind)
        {
            case CampaignKind.Seq1:
                return new CrashCase(files, AceWorkloads.Make(1, number), own, AgainEvery: 1);
            case CampaignKind.Seq2:
                return new CrashCase(files, AceWorkloads.Make(2, number), own, AgainEvery: 16);
            case CampaignKind.Seq3:
                return new CrashCase(files, AceWorkloads.Make(3, own % AceWorkloads.Count(3)), own, AgainEvery: 64);
            default:
                break;
        }
        var stale = (StaleContent)(number / 16 % 3);
        int turn = (int)(number % 16);
        switch (turn)
        {
            case 0:
                return new CrashCase(files with { Stale = stale }, AceWorkloads.Make(3, own % AceWorkloads.Count(3)), own, AgainEvery: 64);
            case 1:
                return new CrashCase(files with { Stale = stale }, RandomWorkloads.Make(own, BaseVolume.Of(files).Tree()), own, DeviceKind.TornSectors);
            case 2:
                return new CrashCase(files with { Stale = stale }, RandomWorkloads.Make(own, BaseVolume.Of(files).Tree()), own, DeviceKind.Lying) { MaxStates = 500 };
            case 3 or 4:
                return new CrashCase(files with { Stale = stale }, RandomWorkloads.MakeGeometry(own), own, AgainEvery: 100) { MaxStates = 1000 };
            case 5:
                return new CrashCase(files with { LogSectorsLeft = 1 + (own % 7), SizeBytes = 6 << 20 }, RandomWorkloads.MakeGeometry(own), own, AgainEvery: 100) { MaxStates = 300 };
            case 6 or 7:
                return new CrashCase(files with { Stale = stale }, RandomWorkloads.MakeDataOnly(own), own, AgainEvery: 100);
            case 8:
                var empty = new BaseVolumeOptions(2 << 20, stale, false);
                return new CrashCase(empty, RandomWorkloads.Make(own, BaseVolume.Of(empty).Tree()), own, AgainEvery: 100);
            default:
                return new CrashCase(files with { Stale = stale }, RandomWorkloads.Make(own, BaseVolume.Of(files).Tree()), own, AgainEvery: 100);
        }
    }

    /// <summary>Runs one.</summary>
    public static CampaignResult Run(CampaignOptions options, TextWriter output)
    {
        var distinct = new DistinctStates();
        var failures = new List<string>();
        var failuresMu = new Lock(); // Guards failures and output.
        var clock = Stopwatch.StartNew();
        TimeSpan cpuBefore = Process.GetCurrentProcess().TotalProcessorTime;
        long next = options.First;
        long end = Math.Min(CountOf(options.Kind), options.Cases == long.MaxValue ? long.MaxValue : options.First + options.Cases);
        long judged = 0;
        long cases = 0;
        void Work()
        {
            var explorer = new Explorer(distinct);
            while (clock.Elapsed < options.Time && distinct.Count < options.States && Volatile.Read(ref judged) >= 0)
            {
                long number = Interlocked.Increment(ref next) - 1;
                if (number >= end)
                {
                    break;
                }
                CrashCase made = Make(options.Kind, options.Seed, number);
                Violation? violation = Try(made, explorer);
                _ = Interlocked.Increment(ref cases);
                if (violation is not null)
                {
                    lock (failuresMu)
                    {
                        failures.Add(Tell(options, number, made, violation, output));
                        if (failures.Count >= options.MaxFailures)
                        {
                            break;
                        }
                    }
                }
                lock (failuresMu)
                {
                    if (failures.Count >= options.MaxFailures)
                    {
                        break;
                    }
                }
            }
            _ = Interlocked.Add(ref judged, explorer.JudgedCount);
        }
        Thread[] workers = [.. Enumerable.Range(0, options.Workers > 0 ? options.Workers : Environment.ProcessorCount).Select(_ => new Thread(Work, 16 << 20))];
        foreach (Thread worker in workers)
        {
            worker.Start();
        }
        while (!Array.TrueForAll(workers, static worker => worker.Join(30_000)))
        {
            lock (failuresMu)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:F0} s: {cases} workloads, {distinct.Count} distinct states, {failures.Count} violations"));
            }
        }
        return new CampaignResult(cases, distinct.Count, judged, Process.GetCurrentProcess().TotalProcessorTime - cpuBefore, clock.Elapsed, failures);
    }

    private static Violation? Try(CrashCase made, Explorer explorer)
    {
        try
        {
            return made.Run(explorer);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new Violation(WorkloadRun.NotRun(BaseVolume.Of(made.Start), made.Operations), made.Seed, null, error.ToString());
        }
    }

    private static string Tell(CampaignOptions options, long number, CrashCase made, Violation violation, TextWriter output)
    {
        (CrashCase smaller, Violation shrunk) = violation.State is null && violation.Run.Recording is null
            ? (made, violation) : CaseShrinker.Shrink(made, violation);
        string name = string.Create(CultureInfo.InvariantCulture, $"{options.Kind}-{options.Seed}-{number}").ToLowerInvariant();
        string told = string.Create(CultureInfo.InvariantCulture, $"FAILED {options.Kind} --seed {options.Seed} --case {number}\n{shrunk}");
        output.WriteLine(told);
        if (options.Directory is not null)
        {
            _ = Directory.CreateDirectory(options.Directory);
            string notes = string.Join('\n', shrunk.Message.Split('\n').Select(static line => "# " + line));
            File.WriteAllText(Path.Combine(options.Directory, name + ".crash"), $"{notes}\n{smaller}");
        }
        return told;
    }
}
