using Tupelo.Fuzz.Images;

namespace Tupelo.Fuzz;

public sealed class PartitionCampaignTests(ITestOutputHelper output)
{
    private const ulong Seed = 20260719;
    private const long Disks = 20_000;

    [Fact]
    public void DamagedPartitionTables_LeadToVolumesInsideOfTheDiskOrAreRefused()
    {
        long opened = 0;
        for (long number = 0; number < Disks; number++)
        {
            byte[] disk = PartitionTarget.Build(Seed, number);
            string? verdict = Judge.Try(disk, PartitionTarget.Run, out ImageOutcome outcome);
            Assert.True(verdict is null, $"seed {Seed} case {number}: {verdict}");
            opened += outcome.Refused is null ? 1 : 0;
        }
        output.WriteLine($"seed {Seed}: {Disks} disks, {opened} with a volume that opens");
        Assert.InRange(opened, Disks / 4, Disks - 1);
    }
}
