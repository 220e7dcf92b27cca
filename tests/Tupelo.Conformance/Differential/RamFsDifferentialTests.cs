// RamFs against the host's tmpfs: random calls must give the same answers and leave the same tree.
namespace Tupelo.Conformance.Differential;

public sealed class RamFsDifferentialTests(ITestOutputHelper output)
{
    private const int CallsPerRun = 500;

    // An immutable or append-only file refuses writes through descriptors that were open before, as on ext4; tmpfs lets them pass.
    private const Themes Compared = Themes.All & ~Themes.InodeFlags;

    // Not part of every run yet: some rare pairs of errors still come in another order than on the host (CONTRIBUTING.md, "Campaigns").
    // TUPELO_CALLS makes it as long as you like.
    [Fact(Explicit = true)]
    public void RandomCalls_AnswerAsTheHostDoes_AndLeaveTheSameTree()
    {
        long calls = Environment.GetEnvironmentVariable("TUPELO_CALLS") is { Length: > 0 } given ? long.Parse(given) : 200_000;
        DifferentialCampaign campaign = new(static () => new RamFsMachine(), DifferentialCampaign.ChooseSeed(), CallsPerRun, output.WriteLine, Compared)
        {
            Workers = DifferentialCampaign.Number("TUPELO_WORKERS", 1),
            MostFailures = DifferentialCampaign.Number("TUPELO_FAILURES", 1),
        };
        string? failure = campaign.Run(calls, new long[Enum.GetValues<CallKind>().Length]);
        Assert.True(failure is null, failure);
    }

    private sealed class RamFsMachine : MachineUnderTest
    {
        private readonly RamFsMount _mount = new();

        public override ReadOnlySpan<byte> ScratchType => "ramfs"u8;

        public override ISyscalls Boot() => _mount.Boot();
    }
}
