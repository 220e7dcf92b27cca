using System.Globalization;
using System.Text;

namespace Tupelo.Tfs.Tests;

/// <summary>Random reads and changes of several files' content, against arrays of bytes: over syncs, remounts, compactions and transactions,
/// with a small and a large page cache, on roomy volumes and on full ones. After fsx.</summary>
public sealed class DataExerciserTests(ITestOutputHelper output)
{
    private const int StepsPerRun = 5000;

    // TUPELO_DATA_STEPS makes it as long as you like (CONTRIBUTING.md, "Campaigns").
    private static readonly long Steps = long.Parse(Environment.GetEnvironmentVariable("TUPELO_DATA_STEPS") is { Length: > 0 } given ? given : "300000", CultureInfo.InvariantCulture);
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("TUPELO_SEED") is { Length: > 0 } given ? given : "1", CultureInfo.InvariantCulture);

    [Fact]
    public void RandomSteps_LeaveTheBytesThatTheModelHas()
    {
        output.WriteLine($"seed {Seed} (set TUPELO_SEED to repeat), {Steps} steps");
        long done = 0;
        for (int run = 0; done < Steps; run++)
        {
            int seed = Seed + run;
            var setting = DataSetting.Of(seed);
            List<DataStep> steps = Generate(seed, setting);
            if (DataMachine.Run(setting, i => i < steps.Count ? steps[i] : null) is { } failure)
            {
                Assert.Fail(Describe(seed, setting, steps, failure));
            }
            done += steps.Count;
        }
        output.WriteLine($"{done} steps, no difference");
    }

    [Fact]
    public void RunThatDiffers_IsFoundAndShrunk()
    {
        // A model that is wrong on purpose cannot be had from outside; a step that lies is as good: writes that are said to be reads.
        var setting = DataSetting.Of(1);
        List<DataStep> steps = Generate(1, setting);
        int lie = steps.FindIndex(static step => step.Kind == DataStepKind.Write && step.Offset > 1000);
        (int Index, string Text)? Try(List<DataStep> tried)
        {
            int at = tried.IndexOf(steps[lie]);
            return at < 0 ? null : DataMachine.Run(setting, i => i < tried.Count ? tried[i] : null) ?? (at, "the lie");
        }
        (List<DataStep> shortest, _) = Shrink(steps, (lie, ""), Try, TimeSpan.FromSeconds(60));
        Assert.Equal([steps[lie]], shortest);
    }

    private static List<DataStep> Generate(int seed, DataSetting setting)
    {
        var random = new Random(seed);
        int focus = 0;
        return [.. Enumerable.Range(0, StepsPerRun).Select(_ => DataStep.Make(random, setting.Files, setting.MaxFileBytes, ref focus))];
    }

    private static string Describe(int seed, DataSetting setting, List<DataStep> steps, (int Index, string Text) failure)
    {
        (List<DataStep> shortest, (int Index, string Text) last) = Shrink(steps, failure,
            tried => DataMachine.Run(setting, i => i < tried.Count ? tried[i] : null), TimeSpan.FromMinutes(3));
        var text = new StringBuilder();
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"seed {seed}, {setting}: step {failure.Index}: {failure.Text}; shrunk to {shortest.Count} steps:");
        foreach (DataStep step in shortest)
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"  {step}");
        }
        return text.AppendLine(CultureInfo.InvariantCulture, $"  -> {last.Text}").ToString();
    }

    // Leaves out as much as possible, in ever smaller pieces, while it still fails.
    private static (List<DataStep> Steps, (int Index, string Text) Failure) Shrink(
        List<DataStep> steps, (int Index, string Text) failure, Func<List<DataStep>, (int Index, string Text)?> run, TimeSpan limit)
    {
        DateTime end = DateTime.UtcNow + limit;
        List<DataStep> best = [.. steps.Take(failure.Index + 1)];
        for (int piece = Math.Max(1, best.Count / 2); piece >= 1 && DateTime.UtcNow < end; piece /= 2)
        {
            for (int start = best.Count - piece; start > -piece && DateTime.UtcNow < end; start -= piece)
            {
                int from = Math.Max(0, start);
                List<DataStep> shorter = [.. best.Take(from), .. best.Skip(from + piece)];
                if (shorter.Count < best.Count && run(shorter) is { } again)
                {
                    best = [.. shorter.Take(again.Index + 1)];
                    failure = again;
                    start = Math.Min(start, best.Count);
                }
            }
        }
        return (best, failure);
    }
}
