// Random runs, and what must hold of the runner itself.
namespace Tupelo.Conformance.Differential;

public sealed class DifferentialTests(ITestOutputHelper output)
{
    private const int CallsPerRun = 500;

    // Two machines of the host against each other: whatever the judge calls a difference here is a fault of the judge or the runner.
    [Fact]
    public void HostAgainstItself_IsTheSame_AndEveryKindOfCallSucceedsNowAndThen()
    {
        long[] succeeded = new long[Enum.GetValues<CallKind>().Length];
        DifferentialCampaign campaign = new(static () => new HostMachine(), DifferentialCampaign.ChooseSeed(), CallsPerRun, output.WriteLine);
        Assert.Null(campaign.Run(60_000, succeeded));
        string[] never = [.. Enum.GetValues<CallKind>().Where(kind => succeeded[(int)kind] == 0).Select(kind => kind.ToString())];
        Assert.True(never.Length <= 2, $"these calls never succeeded: {string.Join(", ", never)}");
    }

    // A machine that is wrong in one thing: its files get another mode. The runner must find it and leave only the calls that show it.
    [Fact]
    public void MachineThatDiffers_IsFound_AndTheRunIsShrunk()
    {
        DifferentialCampaign campaign = new(static () => new HostMachine(umask: 0x3F), DifferentialCampaign.ChooseSeed(), CallsPerRun, output.WriteLine);
        string? failure = campaign.Run(20_000, new long[Enum.GetValues<CallKind>().Length]);
        Assert.NotNull(failure);
        output.WriteLine(failure);
        Assert.True(campaign.ShrunkCalls is > 0 and <= 4, failure);
    }

    private sealed class HostMachine(uint umask = 0x12) : MachineUnderTest
    {
        public override ReadOnlySpan<byte> ScratchType => "tmpfs"u8;

        public override ISyscalls Boot()
        {
            HostSyscalls process = HostTmpfsMount.BootHost();
            _ = process.Umask(umask);
            return process;
        }
    }
}
