// Runs a race: every round runs each contender once, in turn (A B A B ...), so that a slow minute of the machine hits all alike. A ratio
// is taken within each round and the median of these ratios is reported, with their quartiles.
namespace Tupelo.Bench;

/// <summary>One contender in one round.</summary>
internal readonly record struct Sample(double WallNs, double CpuNs, double AllocatedBytes);

/// <summary>A contender over all rounds, per operation.</summary>
internal sealed record Standing(string Name, IReadOnlyList<Sample> Samples, double? MemoryPerOperation)
{
    public Spread Wall => Spread.Of(Samples.Select(static sample => sample.WallNs));

    public Spread Cpu => Spread.Of(Samples.Select(static sample => sample.CpuNs));

    public Spread Allocated => Spread.Of(Samples.Select(static sample => sample.AllocatedBytes));
}

/// <summary>A race that was run.</summary>
internal sealed record RaceResult(Race Race, IReadOnlyList<Standing> Standings, double LoadAverage)
{
    public Standing Tupelo => Standings[0];

    /// <summary>How many times faster than a peer Tupelo was, by a clock.</summary>
    public RatioVerdict RatioTo(int peer, Metric metric) => RatioVerdict.Of(Standings[peer].Samples.Zip(
        Tupelo.Samples, (theirs, ours) => metric == Metric.Cpu ? theirs.CpuNs / ours.CpuNs : theirs.WallNs / ours.WallNs));

    /// <summary>The judgement of the row's goal; null when it has none.</summary>
    public bool? MeetsGoal
    {
        get
        {
            if (Race.Goal is not { } goal)
            {
                return null;
            }
            double time = (Race.Metric == Metric.Cpu ? Tupelo.Cpu : Tupelo.Wall).Median;
            return !(time > goal.AtMostNanoseconds)
                && !(Tupelo.Allocated.Median > goal.AtMostBytes)
                && !(Tupelo.MemoryPerOperation > goal.AtMostMemory)
                && (goal.AtLeastTimesFaster is not { } factor || RatioTo(1, Race.Metric).Ratio.Median >= factor);
        }
    }
}

internal static class RaceRunner
{
    // The runtime compiles anew what ran often, in the background, after a pause: a warm-up leaves it time to.
    private static readonly TimeSpan _compilerPause = TimeSpan.FromMilliseconds(150);

    public static RaceResult Run(Race race, int rounds)
    {
        for (int i = 0; i < race.WarmUps; i++)
        {
            foreach (Contender contender in race.Contenders)
            {
                _ = RunOnce(contender);
            }
            Thread.Sleep(_compilerPause);
        }
        double?[] memory = [.. race.Contenders.Select(static contender => contender.MemoryPerOperation?.Invoke())];
        List<Sample>[] samples = [.. race.Contenders.Select(static _ => new List<Sample>())];
        double load = MachineState.LoadAverage;
        for (int round = 0; round < Math.Min(rounds, race.MaxRounds); round++)
        {
            for (int i = 0; i < race.Contenders.Length; i++)
            {
                samples[i].Add(RunOnce(race.Contenders[i]));
            }
        }
        load = Math.Max(load, MachineState.LoadAverage);
        return new RaceResult(race, [.. race.Contenders.Select((contender, i) => new Standing(contender.Name, samples[i], memory[i]))], load);
    }

    private static Sample RunOnce(Contender contender)
    {
        contender.Before?.Invoke();
        bool own = contender.Scope == CpuScope.Thread;
        long allocated = own ? GC.GetAllocatedBytesForCurrentThread() : GC.GetTotalAllocatedBytes(precise: true);
        long cpu = HostClock.CpuNanoseconds(contender.Scope);
        long wall = HostClock.WallNanoseconds;
        double operations = contender.Run();
        wall = HostClock.WallNanoseconds - wall;
        cpu = HostClock.CpuNanoseconds(contender.Scope) - cpu;
        allocated = (own ? GC.GetAllocatedBytesForCurrentThread() : GC.GetTotalAllocatedBytes(precise: true)) - allocated;
        contender.After?.Invoke();
        return new Sample(wall / operations, cpu / operations, allocated / operations);
    }
}
