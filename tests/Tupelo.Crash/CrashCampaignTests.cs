using System.Globalization;
using Tupelo.Fuzz.Crash;

namespace Tupelo.Crash;

/// <summary>Strict prefix consistency: whatever a crash leaves mounts, checks clean, and shows names and attributes as they were after
/// exactly one step between the last sync that returned and the crash; files have the content, length and time that they had since their
/// last sync, and never a byte of another file or another time; the volume can be written to, and is the same when it is mounted again.
/// Longer campaigns: CONTRIBUTING.md, "Crash campaigns".</summary>
public sealed class CrashCampaignTests(ITestOutputHelper output)
{
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("TUPELO_SEED") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public void EverySequenceOfOneOperation_SurvivesEveryCrash_AndASecondOneWhileItRecovers() =>
        Run(new CampaignOptions { Kind = CampaignKind.Seq1, Seed = Seed }, minStates: 5_000);

    [Fact]
    public void EverySequenceOfTwoOperations_SurvivesEveryCrash() =>
        Run(new CampaignOptions { Kind = CampaignKind.Seq2, Seed = Seed }, minStates: 100_000);

    [Fact]
    public void RandomWorkloads_SurviveEveryCrash() =>
        Run(new CampaignOptions { Kind = CampaignKind.Mixed, Seed = Seed, States = 60_000 }, minStates: 60_000);

    private void Run(CampaignOptions options, long minStates)
    {
        CampaignResult result = CrashCampaign.Run(options with { Directory = Path.Combine(AppContext.BaseDirectory, "crash-failures") }, TextWriter.Null);
        output.WriteLine($"{options.Kind}, seed {options.Seed}: {result}");
        Assert.True(result.Failures.Count == 0, string.Join("\n\n", result.Failures));
        Assert.True(result.Distinct >= minStates, $"only {result.Distinct} distinct states");
    }
}
