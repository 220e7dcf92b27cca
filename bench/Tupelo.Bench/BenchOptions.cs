using System.Globalization;

namespace Tupelo.Bench;

/// <summary>What the command line asked for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        usage: Tupelo.Bench compare [--suite NAME] [--filter TEXT] [--rounds N] [--json FILE] [--svg FILE] [--work DIR] [--cpu N] [--size MIB]
               Tupelo.Bench counts [--check FILE | --write FILE]

          --suite NAME   vfs, tfs, data, open or all (the default); several: vfs,tfs
          --filter TEXT  only rows whose name contains it
          --rounds N     rounds of each row, 2 to 1000 (default 9)
          --json FILE    every sample of every round
          --svg FILE     the ratios as a picture
          --work DIR     where files go that need a disk (default: tupelo-bench in the temporary directory)
          --cpu N        stay on one CPU
          --size MIB     length of the large file of the suite data (default 1024)
        """;

    public string Verb { get; private init; } = "compare";

    public string[] Suites { get; private init; } = ["all"];

    public string Filter { get; private init; } = "";

    public int Rounds { get; private init; } = 9;

    public string? JsonFile { get; private init; }

    public string? SvgFile { get; private init; }

    public string WorkDirectory { get; private init; } = Path.Combine(Path.GetTempPath(), "tupelo-bench");

    public int? Cpu { get; private init; }

    public int LargeFileMiB { get; private init; } = 1024;

    public string? CheckFile { get; private init; }

    public string? WriteFile { get; private init; }

    /// <summary>Reads a command line; null, and a sentence, when it cannot be understood.</summary>
    public static BenchOptions? Parse(string[] arguments, out string problem)
    {
        problem = "";
        if (arguments.Length == 0 || arguments[0] is not ("compare" or "counts"))
        {
            problem = "compare or counts?";
            return null;
        }
        var options = new BenchOptions { Verb = arguments[0] };
        for (int i = 1; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
            {
                problem = $"{arguments[i]} needs a value";
                return null;
            }
            string value = arguments[i + 1];
            bool isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
            BenchOptions? next = arguments[i] switch
            {
                "--suite" => options with { Suites = value.Split(',') },
                "--filter" => options with { Filter = value },
                "--rounds" when isNumber && number is >= 2 and <= 1000 => options with { Rounds = number },
                "--json" => options with { JsonFile = value },
                "--svg" => options with { SvgFile = value },
                "--work" => options with { WorkDirectory = value },
                "--cpu" when isNumber && number < Environment.ProcessorCount => options with { Cpu = number },
                "--size" when isNumber && number >= 1 => options with { LargeFileMiB = number },
                "--check" => options with { CheckFile = value },
                "--write" => options with { WriteFile = value },
                _ => null,
            };
            if (next is null)
            {
                problem = $"{arguments[i]} {value} makes no sense";
                return null;
            }
            options = next;
        }
        return options;
    }

    public bool Wants(string suite) => Suites.Contains("all") || Suites.Contains(suite);

    /// <summary>A file's place in the work directory, which is made.</summary>
    public string WorkFile(string name)
    {
        _ = Directory.CreateDirectory(WorkDirectory);
        return Path.Combine(WorkDirectory, name);
    }
}
