using Tupelo.Fuzz.Images;

namespace Tupelo.Fuzz;

public sealed class ManifestCampaignTests(ITestOutputHelper output)
{
    private const ulong Seed = 20260720;
    private const long Texts = 100_000;

    [Fact]
    public void DamagedManifests_AreReadOrRefusedWithAPlace()
    {
        long read = 0;
        for (long number = 0; number < Texts; number++)
        {
            byte[] text = ManifestTarget.Build(Seed, number);
            string? verdict = Judge.Try(text, ManifestTarget.Run, out ImageOutcome outcome);
            Assert.True(verdict is null, $"seed {Seed} case {number}: {verdict}");
            read += outcome.Refused is null ? 1 : 0;
        }
        output.WriteLine($"seed {Seed}: {Texts} manifests, {read} read");
        Assert.InRange(read, Texts / 10, Texts * 9 / 10);
    }
}
