using System.Globalization;
using Tupelo.Fuzz.Crash;

namespace Tupelo.Crash;

/// <summary>The device fails at every one of its calls in turn: EIO once and for ever, short I/O, ENOSPC, pages lost by a failed flush.
/// After a failed write or flush no sync succeeds, the volume takes no more changes, and a crash shows what was acknowledged before.</summary>
public sealed class FaultSweepTests(ITestOutputHelper output)
{
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("TUPELO_SEED") ?? "1", CultureInfo.InvariantCulture);

    // Remounting has no way to tell of a failure, so a sweep does not unmount in the middle.
    private static readonly CrashOperation[] Everything =
    [
        .. AceWorkloads.Operations.Where(static operation => operation.Kind != OperationKind.Remount)
            .SelectMany(static (operation, i) => i % 4 == 3 ? new[] { operation, new CrashOperation(OperationKind.Sync) } : [operation]),
        new CrashOperation(OperationKind.Sync),
    ];

    [Fact]
    public void EveryFaultInEveryOperation_IsTold_AndLosesNothingThatWasAcknowledged() => Sweep(Everything, StaleContent.Zeros);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EveryFaultInARandomWorkload_IsTold_AndLosesNothingThatWasAcknowledged(int number)
    {
        IEnumerable<CrashOperation> operations = RandomWorkloads.Make(Seed + number, BaseVolume.Of(new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true)).Tree()).Where(static operation => operation.Kind != OperationKind.Remount);
        Sweep([.. operations.Take(25), new CrashOperation(OperationKind.Sync)], StaleContent.OldVolume);
    }

    private void Sweep(CrashOperation[] operations, StaleContent stale)
    {
        FaultSweepResult result = FaultSweep.Run(BaseVolume.Of(new BaseVolumeOptions(4 << 20, stale, true)), operations, Seed, new Explorer());
        output.WriteLine($"seed {Seed}: {result}");
        Assert.True(result.Failures.Count == 0, string.Join("\n\n", result.Failures));
        Assert.True(result.Faults >= 20, $"only {result.Faults} faults fired");
    }
}
