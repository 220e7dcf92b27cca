// Runs a workload on a recording device, with the oracle's tree beside it. What comes out is the recording, out of which crash states
// are made, and the history, by which they are judged.
using System.Globalization;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Crash;

/// <summary>How a workload is run.</summary>
internal sealed record RunOptions
{
    /// <summary>The device says that it flushed and does not.</summary>
    public bool IgnoresFlush { get; init; }

    /// <summary>Something between the file system and the recording device: a fault, or a seeded bug.</summary>
    public Func<BlockDevice, BlockDevice>? Between { get; init; }

    /// <summary>Whether the device has failed; null when it never does. A step in which it fails may have had its effect or not.</summary>
    public Func<bool>? HasFailed { get; init; }

    /// <summary>Whether the run ends with the step in which the device failed.</summary>
    public bool EndsAtFailure { get; init; }
}

internal sealed class WorkloadRun
{
    private WorkloadRun(BaseVolume start, IReadOnlyList<CrashOperation> operations)
    {
        Start = start;
        Operations = operations;
        History = new History(start.Tree());
        Results = new long[operations.Count];
    }

    public BaseVolume Start { get; }

    public IReadOnlyList<CrashOperation> Operations { get; }

    public History History { get; }

    /// <summary>What each step returned.</summary>
    public long[] Results { get; }

    public CrashRecording Recording { get; private set; } = null!;

    /// <summary>The first sync that succeeded although the device had failed, or null.</summary>
    public int? SucceededAfterFailure { get; private set; }

    private bool _gaveUp;

    /// <summary>What was wrong already while it ran, or null.</summary>
    public string? Wrong { get; private set; }

    /// <summary>A run that did not come about, for messages.</summary>
    public static WorkloadRun NotRun(BaseVolume start, IReadOnlyList<CrashOperation> operations) => new(start, operations);

    /// <summary>Runs it to the end, then unmounts.</summary>
    public static WorkloadRun Of(BaseVolume start, IReadOnlyList<CrashOperation> operations, RunOptions? options = null)
    {
        options ??= new RunOptions();
        var run = new WorkloadRun(start, operations);
        using var recorder = new CrashBlockDevice(start.Image) { IgnoresFlush = options.IgnoresFlush };
        BlockDevice device = options.Between?.Invoke(recorder) ?? recorder;
        var clock = new StepClock();
        CrashMachine? machine = null;
        try
        {
            machine = new CrashMachine(device, clock);
            run.Steps(ref machine, device, recorder, clock, options);
            machine.Dispose();
        }
        catch (TfsFormatException) when (options.HasFailed?.Invoke() == true)
        {
            // It could not be mounted: a clear answer.
        }
        catch (OracleException error)
        {
            run.Wrong = $"step {clock.Step} ({run.Operations[Math.Max(0, clock.Step - 1)]}) succeeded, but {error.Message}";
        }
        run.Recording = recorder.Record();
        return run;
    }

    private void Steps(ref CrashMachine machine, BlockDevice device, CrashBlockDevice recorder, StepClock clock, RunOptions options)
    {
        ModelTree tree = History.Tree;
        var reader = new TreeReader();
        for (int step = 1; step <= Operations.Count; step++)
        {
            CrashOperation operation = Operations[step - 1];
            clock.Step = step;
            _ = recorder.Mark(CrashMark.OperationBegin, step);
            long result;
            if (operation.Kind == OperationKind.Remount)
            {
                machine.Dispose();
                machine = new CrashMachine(device, clock);
                result = 0;
            }
            else
            {
                result = machine.Execute(operation, step, tree.IdFor(operation), tree.Find(operation.A)?.Content.Length ?? 0);
            }
            Results[step - 1] = result;
            bool succeeded = result >= 0;
            bool hasFailed = options.HasFailed?.Invoke() == true;
            // A compaction that finds the host full gives up, and nothing that counts was written.
            _gaveUp |= hasFailed && operation.Kind == OperationKind.Compact && result == -(long)Errno.ENOSPC;
            if (hasFailed && succeeded && operation.IsSync && !_gaveUp)
            {
                SucceededAfterFailure ??= step;
            }
            if (succeeded)
            {
                ModelFile? unlinked = operation.Kind == OperationKind.WriteUnlinked && result > 0 ? tree.Find(operation.A) : null;
                tree.Apply(operation, step, result);
                unlinked?.SetModifyTime(step, clock.Now); // it may have another name
                NoteTimes(machine, operation, step);
                NoteDurable(operation, step);
            }
            else if (hasFailed && result != -(long)Errno.EROFS)
            {
                // Its effect is one of the things that a crash may show.
                _ = tree.TryApply(operation, step);
                (tree.Find(operation.A) is { Type: FileType.Regular } touched ? touched : null)?.SetModifyTime(step, clock.Now);
            }
            History.Take(succeeded && operation.IsSync);
            _ = recorder.Mark(CrashMark.OperationEnd, step);
            if (succeeded && operation.Kind is OperationKind.Sync or OperationKind.Remount && reader.Read(machine.Volume.Volume, false, out _) != History.NamesAt(step))
            {
                Wrong = string.Create(CultureInfo.InvariantCulture, $"after step {step} the live tree is not the oracle's:\n{TreeReader.Describe(machine.Volume.Volume)}oracle:\n{tree.Describe()}");
                return;
            }
            if (options.EndsAtFailure && hasFailed)
            {
                return;
            }
        }
    }

    // What the workload saw of modification times is what a crash may show, no more and no less.
    private void NoteTimes(CrashMachine machine, in CrashOperation operation, int step)
    {
        if (History.Tree.Find(operation.A) is { Type: FileType.Regular } file)
        {
            file.SetModifyTime(step, machine.ModifyTimeOf(operation.A));
        }
    }

    private void NoteDurable(in CrashOperation operation, int step)
    {
        switch (operation.Kind)
        {
            case OperationKind.FSync or OperationKind.FDataSync or OperationKind.WriteSync:
                History.Tree.Find(operation.A)?.SyncedAt.Add(step);
                break;
            case OperationKind.Sync or OperationKind.Remount:
                var files = new Dictionary<UInt128, ModelFile>();
                _ = History.Tree.Names(files);
                foreach (ModelFile file in files.Values)
                {
                    file.SyncedAt.Add(step);
                }
                break;
            default:
                break;
        }
    }
}
