// Random runs, and what must hold of the runner itself.
namespace Tupelo.Conformance.Differential;

public sealed class DifferentialTests(ITestOutputHelper output)
{
    // Two machines of the host against each other: whatever the judge calls a difference here is a fault of the judge or the runner.
    [Fact]
    public void HostAgainstItself_IsTheSame()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        long[] succeeded = new long[Enum.GetValues<CallKind>().Length];
        for (int run = 0; run < 200; run++)
        {
            CallGenerator generator = new(seed + run, HostSyscalls.ReservedDescriptor);
            List<Call> calls = [];
            Difference? difference = DifferentialRun.Run(generator, 500, new HostMachine(), calls, succeeded);
            Assert.True(difference is null, difference is null ? "" : DifferentialRun.Describe(seed + run, generator.Themes, calls.Take(difference.Index + 1).TakeLast(5).ToList(), difference));
        }
        for (int i = 0; i < succeeded.Length; i++)
        {
            output.WriteLine($"{(CallKind)i}: {succeeded[i]}");
        }
    }

    private sealed class HostMachine : MachineUnderTest
    {
        public override ReadOnlySpan<byte> ScratchType => "tmpfs"u8;

        public override ISyscalls Boot() => HostTmpfsMount.BootHost();
    }
}
