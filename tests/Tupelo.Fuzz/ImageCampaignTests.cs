using Tupelo.Fuzz.Images;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz;

/// <summary>No image breaks the reader: a hundred thousand damaged ones here, any number by the campaign program.</summary>
public sealed class ImageCampaignTests(ITestOutputHelper output)
{
    private const ulong Seed = 20260718;
    private const long Images = 100_000;

    public static TheoryData<int> ForgedSeeds() => [.. Enumerable.Range(0, SeedImages.ForgedCount)];

    [Theory]
    [MemberData(nameof(ForgedSeeds))]
    public void Seed_IsSoundAndReadAlikeByBothReaders(int number)
    {
        byte[] image = SeedImages.Forge(number).Document.Emit();
        IndependentVolume independent = IndependentVolume.Read(new ImageBytes(image));
        Assert.Empty(independent.Log.Remarks);
        Assert.True(independent.Log.Records.Count >= 2);
        Agreement agreement = Differential.Compare(image, out string why);
        Assert.True(agreement == Agreement.SameTree, $"{agreement}: {why}");
    }

    [Fact]
    public void GoldenSeeds_AreReadAlikeByBothReaders()
    {
        foreach (SeedImage seed in SeedImages.Golden)
        {
            Agreement agreement = Differential.Compare(seed.Document.Emit(), out string why);
            Assert.True(agreement == Agreement.SameTree, $"{seed.Name}: {agreement}: {why}");
        }
    }

    [Fact]
    public void HundredThousandDamagedImages_AreReadOrRefused()
    {
        string directory = Path.Combine(FuzzCorpus.Root, "out", "fuzz");
        using var log = new StringWriter();
        CampaignResult result = Campaign.Run(new CampaignOptions(Seed, 0, Images, directory), log);
        output.WriteLine($"seed {Seed}: {result}");
        Assert.True(result.Failures.Count == 0, log.ToString());
        Assert.Equal(Images, result.Cases);
        // A campaign in which nothing gets in, or nothing is damaged, tests nothing.
        Assert.InRange(result.Clean, Images / 10, Images / 2);
        Assert.InRange(result.Faulty, Images / 100, Images / 2);
        Assert.InRange(result.Refused, Images / 4, Images);
    }

    [Fact]
    public void DamagedImages_AreReadAlikeByBothReadersButForKnownReasons()
    {
        using var log = new StringWriter();
        bool agreed = AgreementSurvey.Run(Seed, 0, 40_000, log);
        output.WriteLine($"seed {Seed}:\n{log}");
        Assert.True(agreed, log.ToString());
    }

    [Fact]
    public void Case_IsTheSameEachTimeItIsBuilt()
    {
        for (long number = 0; number < 200; number++)
        {
            Assert.Equal(new FuzzCase(Seed, number).Build(), new FuzzCase(Seed, number).Build());
        }
    }

    [Fact]
    public void Mutations_AllHappen()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (long number = 0; number < 3000; number++)
        {
            var steps = new List<string>();
            _ = new FuzzCase(Seed, number).Build(steps);
            seen.UnionWith(steps);
        }
        Assert.Superset(LogMutator.All.Select(mutation => mutation.Name).Append("bytes").Append("splice").ToHashSet(StringComparer.Ordinal), seen);
    }

    [Fact]
    public void Corpus_IsReadOrRefused()
    {
        string[] files = FuzzCorpus.Files();
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            string? verdict = Judge.Try(FuzzCorpus.Load(file), out _);
            Assert.True(verdict is null, $"{Path.GetFileName(file)}: {verdict}");
        }
    }
}
