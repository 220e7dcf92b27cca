namespace Tupelo.Bench;

/// <summary>Prints each row as soon as it is there.</summary>
internal sealed class TableReport(TextWriter output)
{
    private string _suite = "";

    public void Add(RaceResult result)
    {
        if (result.Race.Suite != _suite)
        {
            _suite = result.Race.Suite;
            output.WriteLine($"\n{_suite}: medians per operation; x: how many times Tupelo's time the peer takes, (lower..upper quartile) where the rounds differ by more than that");
            output.WriteLine($"{"",-56}{"",-22}{"CPU",10}{"CPU x",14}{"wall",10}{"wall x",14}{"alloc B",9}{"memory B",10}{"load",6}");
        }
        for (int i = 0; i < result.Standings.Count; i++)
        {
            Standing standing = result.Standings[i];
            string name = i == 0 ? $"{result.Race.Name}, per {result.Race.Unit}" : "";
            string cpuRatio = i == 0 ? "" : Figures.Ratio(result.RatioTo(i, Metric.Cpu));
            string wallRatio = i == 0 ? "" : Figures.Ratio(result.RatioTo(i, Metric.Wall));
            string memory = standing.MemoryPerOperation is { } bytes ? Figures.Bytes(bytes) : "";
            string load = i == 0 ? Figures.Digits(result.LoadAverage) : "";
            output.WriteLine(
                $"{name,-56}{standing.Name,-22}{Figures.Time(standing.Cpu.Median),10}{cpuRatio,14}{Figures.Time(standing.Wall.Median),10}{wallRatio,14}"
                + $"{(result.Race.Contenders[i].Scope == CpuScope.Children ? "" : Figures.Bytes(standing.Allocated.Median)),9}{memory,10}{load,6}{(i == 0 ? Verdict(result) : "")}");
        }
        output.Flush();
    }

    public static string Verdict(RaceResult result) => result.MeetsGoal switch
    {
        null => "",
        true => $"  met: {Describe(result.Race)}",
        false => $"  SHORT: {Describe(result.Race)}",
    };

    public static string Describe(Race race)
    {
        var parts = new List<string>();
        if (race.Goal?.AtMostNanoseconds is { } time)
        {
            parts.Add("<= " + Figures.Time(time));
        }
        if (race.Goal?.AtLeastTimesFaster is { } factor)
        {
            parts.Add($">= {Figures.Digits(factor)} x {race.Contenders[1].Name}");
        }
        if (race.Goal?.AtMostBytes is { } bytes)
        {
            parts.Add(bytes == 0 ? "0 bytes" : $"<= {Figures.Bytes(bytes)} bytes");
        }
        if (race.Goal?.AtMostMemory is { } memory)
        {
            parts.Add($"memory <= {Figures.Bytes(memory)} B");
        }
        return string.Join(", ", parts) + (race.Metric == Metric.Wall ? " (wall)" : "");
    }
}
