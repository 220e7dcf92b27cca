// RamFs against the host's tmpfs: random calls must give the same answers and leave the same tree.
namespace Tupelo.Conformance.Differential;

public sealed class RamFsDifferentialTests(ITestOutputHelper output)
{
    private const int CallsPerRun = 500;

    // An immutable or append-only file refuses writes through descriptors that were open before, as on ext4; tmpfs lets them pass.
    private const Themes Compared = Themes.All & ~Themes.InodeFlags;

    // In every ./test 200,000 calls with fixed seeds; TUPELO_CALLS, TUPELO_SEED and TUPELO_WORKERS make a campaign of it.
    [Fact]
    public void RandomCalls_AnswerAsTheHostDoes_AndLeaveTheSameTree()
    {
        (int Major, int Minor) kernel = HostTmpfsMount.KernelVersion();
        Assert.SkipUnless(kernel is (6, >= 17) or ( > 6, _), $"the host's Linux {kernel.Major}.{kernel.Minor} is older than the one that RamFs follows (6.17)");
        DifferentialCampaign campaign = new(static () => new RamFsMachine(), DifferentialCampaign.ChooseSeed(), CallsPerRun, output.WriteLine, Compared)
        {
            Workers = DifferentialCampaign.Number("TUPELO_WORKERS", 1),
            MostFailures = DifferentialCampaign.Number("TUPELO_FAILURES", 1),
        };
        string? failure = campaign.Run(DifferentialCampaign.Number("TUPELO_CALLS", 200_000), new long[Enum.GetValues<CallKind>().Length]);
        Assert.True(failure is null, failure);
    }

    private sealed class RamFsMachine : MachineUnderTest
    {
        private readonly RamFsMount _mount = new();

        public override ReadOnlySpan<byte> ScratchType => "ramfs"u8;

        public override ISyscalls Boot() => _mount.Boot();
    }
}
