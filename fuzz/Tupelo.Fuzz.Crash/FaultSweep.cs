// A device that fails: at its first read, its second, and so on until a run has no failure any more, and the same for writes and flushes.
// Each run then crashes. What was acknowledged before the failure must be there; what failed may be there or not; a sync after a failed
// write or flush never succeeds; and the volume takes no more changes.
using System.Globalization;
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

/// <summary>How a call fails.</summary>
internal enum FaultKind
{
    /// <summary>EIO, once; nothing was done.</summary>
    Once,

    /// <summary>EIO, now and from then on.</summary>
    ForEver,

    /// <summary>EIO after half of the transfer's sectors: short I/O.</summary>
    Short,

    /// <summary>ENOSPC: the host is full. Writes only.</summary>
    NoSpace,

    /// <summary>EIO, and what the flush was to make durable is lost although reads show it. Flushes only.</summary>
    LostPages,
}

/// <summary>What a sweep came to.</summary>
internal sealed record FaultSweepResult(long Runs, long Faults, long States, IReadOnlyList<string> Failures)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Runs} runs, {Faults} faults, {States} crash states behind them, {Failures.Count} violations");
}

internal static class FaultSweep
{
    private static readonly ExploreOptions FewStates = new()
    {
        Generator = new GeneratorOptions { MaxExhaustive = 3, SampledSubsets = 6, SampledTears = 2, MaxSectorCuts = 3 },
        ProbeEvery = 4,
        MaxStates = 2000,
    };

    /// <summary>All faults of all kinds in one workload.</summary>
    public static FaultSweepResult Run(BaseVolume start, IReadOnlyList<CrashOperation> operations, int seed, Explorer explorer)
    {
        var failures = new List<string>();
        long runs = 0;
        long faults = 0;
        long states = explorer.JudgedCount;
        foreach (BlockOperation operation in new[] { BlockOperation.Read, BlockOperation.Write, BlockOperation.Flush })
        {
            foreach (FaultKind kind in Enum.GetValues<FaultKind>())
            {
                if ((kind == FaultKind.NoSpace && operation != BlockOperation.Write) || (kind == FaultKind.LostPages && operation != BlockOperation.Flush)
                    || (kind == FaultKind.Short && operation == BlockOperation.Flush))
                {
                    continue;
                }
                for (long index = 0; ; index++)
                {
                    runs++;
                    string? wrong = RunOne(start, operations, seed, explorer, operation, kind, index, out bool fired);
                    if (wrong is not null)
                    {
                        failures.Add(string.Create(CultureInfo.InvariantCulture, $"{kind} at {operation} number {index}: {wrong}"));
                    }
                    if (!fired || failures.Count >= 3)
                    {
                        break; // nothing fails any more: every one was tried
                    }
                    faults++;
                }
            }
        }
        return new FaultSweepResult(runs, faults, explorer.JudgedCount - states, failures);
    }

    private static string? RunOne(
        BaseVolume start, IReadOnlyList<CrashOperation> operations, int seed, Explorer explorer, BlockOperation operation, FaultKind kind, long index, out bool fired)
    {
        FaultyDevice? faulty = null;
        var options = new RunOptions
        {
            Between = recorder => faulty = new FaultyDevice((CrashBlockDevice)recorder, operation, kind, index),
            HasFailed = () => faulty!.FaultCount > 0,
            EndsAtFailure = operation == BlockOperation.Read,
        };
        WorkloadRun run = WorkloadRun.Of(start, operations, options);
        fired = faulty!.FaultCount > 0;
        if (run.Wrong is not null)
        {
            return run.Wrong;
        }
        if (fired && operation != BlockOperation.Read && run.SucceededAfterFailure is { } late)
        {
            return string.Create(CultureInfo.InvariantCulture, $"step {late} ({operations[late - 1]}) succeeded after the device had failed");
        }
        return fired ? explorer.Explore(run, seed, FewStates)?.ToString() : null;
    }

    // FlakyBlockDevice, and a flush that fails for good.
    private sealed class FaultyDevice : FilterBlockDevice
    {
        private readonly FlakyBlockDevice _flaky;
        private readonly CrashBlockDevice _recorder;
        private readonly long _loses;
        private long _flushes;
        private long _lost;

        public FaultyDevice(CrashBlockDevice recorder, BlockOperation operation, FaultKind kind, long index)
            : this(recorder, new FlakyBlockDevice(recorder), operation, kind, index)
        {
        }

        private FaultyDevice(CrashBlockDevice recorder, FlakyBlockDevice flaky, BlockOperation operation, FaultKind kind, long index)
            : base(flaky, ownsInner: false)
        {
            _flaky = flaky;
            _recorder = recorder;
            _loses = kind == FaultKind.LostPages ? index : -1;
            if (kind != FaultKind.LostPages)
            {
                Errno errno = kind == FaultKind.NoSpace ? Errno.ENOSPC : Errno.EIO;
                flaky.FailWhen(request => request.Operation != operation || request.Index != index ? default
                    : new Fault(errno, kind == FaultKind.Short ? request.LengthBytes / 1024 * 512 : 0, kind == FaultKind.ForEver ? FaultLatch.Everything : FaultLatch.None));
            }
        }

        public long FaultCount => _flaky.FaultCount + _lost;

        public override Errno Flush()
        {
            if (_flushes++ == _loses)
            {
                _lost++;
                _recorder.FailNextFlush(Errno.EIO);
            }
            return base.Flush();
        }
    }
}
