namespace Tupelo.Bench;

/// <summary>compare: runs the races that are asked for and reports them.</summary>
internal static class CompareCommand
{
    private static readonly Suite[] _suites = [new VfsSuite(), new TfsSuite(), new DataSuite(), new OpenSuite()];

    public static int Run(BenchOptions options)
    {
        if (options.Suites.FirstOrDefault(name => name != "all" && !_suites.Any(suite => suite.Name == name)) is { } unknown)
        {
            Console.Error.WriteLine($"Tupelo.Bench: there is no suite {unknown}: {string.Join(", ", _suites.Select(static suite => suite.Name))}, all");
            return 2;
        }
        string machine = MachineState.Describe(Path.GetDirectoryName(options.WorkFile("x"))!);
        Console.WriteLine(machine);
        var table = new TableReport(Console.Out);
        var results = new List<RaceResult>();
        foreach (Suite suite in _suites.Where(suite => options.Wants(suite.Name)))
        {
            foreach (Race race in suite.Races(options))
            {
                if (!$"{suite.Name}: {race.Name}".Contains(options.Filter, StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }
                RaceResult result = RaceRunner.Run(race with { Suite = suite.Name }, options.Rounds);
                table.Add(result);
                results.Add(result);
            }
        }
        if (options.JsonFile is not null)
        {
            JsonReport.Write(options.JsonFile, machine, results);
        }
        if (options.SvgFile is not null)
        {
            SvgReport.Write(options.SvgFile, machine, results);
        }
        if (results.Count == 0)
        {
            Console.Error.WriteLine($"Tupelo.Bench: no row has \"{options.Filter}\" in its name");
            return 2;
        }
        return 0;
    }
}
