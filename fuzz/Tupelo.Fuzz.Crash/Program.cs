// Crash campaigns as a program: dotnet run --project fuzz/Tupelo.Fuzz.Crash -c Release -- --kind mixed --states 10000000 --seed 7
using System.Globalization;
using Tupelo.Fuzz.Crash;

const string Usage = """
    Runs workloads on a mounted volume, makes every image that a power failure could have left, and looks at each of them.

      --kind K        seq1, seq2 (all sequences of one or two operations), seq3, mixed (default)
      --states N      enough distinct states (default: all cases)
      --cases N       most workloads
      --seed N        of the campaign (default 1)
      --first N       number of the first case (default 0)
      --case N        only this case
      --file FILE     a saved case
      --workers N     threads (default: one a core)
      --minutes N     ends it
      --mutants WORD  seeds bugs in copies of the sources, those with WORD in their description (all: "all"); each must be found
      --hunt SEED     the short hunt that has to find a seeded bug
      --out DIR       where failing cases go, shrunk (default: out/crash)

    Exit code 0: no violation. 1: violations. 2: wrong usage.
    """;

if (args is ["--hunt", var huntSeed])
{
    string? found = SeededBugHunt.Find(new SeededBug("none", static inner => new SeededBugDevice(inner)), int.Parse(huntSeed, CultureInfo.InvariantCulture), out int cases);
    found ??= SeededBugHunt.FindByFaults(int.Parse(huntSeed, CultureInfo.InvariantCulture));
    Console.WriteLine(found is null ? "nothing" : string.Create(CultureInfo.InvariantCulture, $"case {cases}: {found.Split('\n')[0]}"));
    return found is null ? 0 : 1;
}
if (args is ["--mutants", var word])
{
    return SourceMutant.TryAll(Environment.CurrentDirectory, Path.GetFullPath(Path.Combine("out", "mutants")), word == "all" ? "" : word, Console.Out) ? 0 : 1;
}
var options = new CampaignOptions { Directory = Path.Combine("out", "crash") };
string? file = null;
for (int i = 0; i < args.Length; i += 2)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    bool isNumber = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number);
    CampaignOptions? changed = args[i] switch
    {
        "--kind" when Enum.TryParse(value, ignoreCase: true, out CampaignKind kind) => options with { Kind = kind },
        "--states" when isNumber => options with { States = number },
        "--cases" when isNumber => options with { Cases = number },
        "--seed" when isNumber => options with { Seed = (int)number },
        "--first" when isNumber => options with { First = number },
        "--case" when isNumber => options with { First = number, Cases = 1, Workers = 1 },
        "--workers" when isNumber => options with { Workers = (int)number },
        "--minutes" when isNumber => options with { Time = TimeSpan.FromMinutes(number) },
        "--out" when value.Length > 0 => options with { Directory = value },
        "--file" when File.Exists(value) => options,
        _ => null,
    };
    if (changed is null)
    {
        Console.Error.WriteLine(Usage);
        return 2;
    }
    options = changed;
    file = args[i] == "--file" ? value : file;
}
if (file is not null)
{
    // The numbers of epochs change with the product: the steps are what is kept, and all their states are looked at.
    Violation? violation = (CrashCase.Parse(File.ReadAllText(file)) with { State = null }).Run(new Explorer());
    Console.WriteLine(violation?.ToString() ?? "no violation");
    return violation is null ? 0 : 1;
}
Console.WriteLine($"{options.Kind}, seed {options.Seed}; failing cases go to {Path.GetFullPath(options.Directory!)}");
CampaignResult result = CrashCampaign.Run(options, Console.Out);
Console.WriteLine(result);
return result.Failures.Count == 0 ? 0 : 1;
