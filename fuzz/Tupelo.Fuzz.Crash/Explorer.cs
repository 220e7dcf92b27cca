// Runs one workload and looks at all of its crash states: generator, checker and oracle brought together. States that were met before
// in this workload are judged again by what was found then; what is counted are states that this explorer has never met.
// One thread; each has an explorer of its own.
using System.Globalization;
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

/// <summary>What is done to a workload.</summary>
internal sealed record ExploreOptions
{
    public GeneratorOptions Generator { get; init; } = new();

    public RunOptions Run { get; init; } = new();

    /// <summary>Every so many states is written to and mounted again; 1 is all of them.</summary>
    public int ProbeEvery { get; init; } = 1;

    /// <summary>For every so many states crashes during recovery and the first writes are tried as well; 0 never.</summary>
    public int AgainEvery { get; init; }

    /// <summary>Most states of one workload.</summary>
    public int MaxStates { get; init; } = int.MaxValue;

    /// <summary>The one state to look at, instead of all.</summary>
    public CrashState? Only { get; init; }
}

/// <summary>A state that is not as it must be, or a workload that went wrong by itself.</summary>
/// <param name="Run">The workload.</param>
/// <param name="Seed">Of the generator.</param>
/// <param name="State">The state; null when the run itself was wrong.</param>
/// <param name="Message">What is wrong.</param>
internal sealed record Violation(WorkloadRun Run, int Seed, CrashState? State, string Message)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Message}\nbase volume: {Run.Start.Options}; generator seed {Seed}; state {State?.ToString() ?? "none"}\n{string.Join('\n', Run.Operations.Select((operation, i) => string.Create(CultureInfo.InvariantCulture, $"  {i + 1}: {operation} = {Run.Results[i]}")))}");
}

internal sealed class Explorer(DistinctStates? distinct = null)
{
    private const int MaxRemembered = 200_000;

    private readonly StateChecker _checker = new();
    private readonly DistinctStates _distinct = distinct ?? new DistinctStates();
    private readonly Dictionary<UInt128, StateOutcome> _outcomes = [];
    private readonly HashSet<UInt128> _epochs = [];
    private readonly CrashRecorder _recorder = new();
    private BaseVolume? _start;
    private long _examined;

    /// <summary>States met for the first time.</summary>
    public long DistinctCount { get; private set; }

    /// <summary>States judged, the same image at another moment included.</summary>
    public long JudgedCount { get; private set; }

    /// <summary>Workloads run.</summary>
    public long WorkloadCount { get; private set; }

    /// <summary>Runs a workload and looks at its states. Null when all is well.</summary>
    public Violation? Explore(BaseVolume start, IReadOnlyList<CrashOperation> operations, int seed, ExploreOptions options)
    {
        WorkloadCount++;
        WorkloadRun run = WorkloadRun.Of(start, operations, options.Run);
        return run.Wrong is not null ? new Violation(run, seed, null, run.Wrong) : Explore(run, seed, options);
    }

    /// <summary>Looks at the states of a workload that was run.</summary>
    public Violation? Explore(WorkloadRun run, int seed, ExploreOptions options)
    {
        if (_start != run.Start || _outcomes.Count > MaxRemembered)
        {
            _outcomes.Clear();
            _epochs.Clear();
            _start = run.Start;
        }
        var moments = new Moments(run.Recording);
        var durable = new DurableSectors(run.Start);
        var generator = new StateGenerator(options.Generator, seed);
        UInt128 durableFingerprint = run.Start.Identity;
        CopyOnWriteImage before = run.Start.Image;
        int states = 0;
        foreach (CrashEpoch epoch in run.Recording.Epochs)
        {
            durableFingerprint += epoch.Durable.Fingerprint(before);
            before = epoch.Durable;
            if (options.Only is null ? _epochs.Add(KeyOf(run, epoch, moments, durableFingerprint)) : options.Only.Epoch == epoch.Index)
            {
                foreach (List<KeptChange> kept in options.Only is null ? generator.Of(epoch, durable) : [[.. options.Only.Kept]])
                {
                    CopyOnWriteImage image = epoch.Materialize(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept));
                    CrashMoment moment = moments.Of(run.History, epoch, kept, options.Generator.TearsSectors || options.Run.IgnoresFlush);
                    string? wrong = Look(run, image, durableFingerprint + image.Fingerprint(epoch.Durable), moment, options);
                    if (wrong is not null)
                    {
                        return new Violation(run, seed, new CrashState(epoch.Index, [.. kept]), wrong);
                    }
                    if (++states >= options.MaxStates)
                    {
                        return null;
                    }
                }
            }
            foreach (CrashEvent change in epoch.Changes)
            {
                durable.Add(change);
            }
        }
        return null;
    }

    // The same writes in the middle of the same steps, as two workloads have that begin alike: looked at once.
    private static UInt128 KeyOf(WorkloadRun run, CrashEpoch epoch, Moments moments, UInt128 durableFingerprint)
    {
        var key = new Digest(5);
        key.Add(durableFingerprint);
        (int returned, int begun) = moments.Around(epoch, []);
        int last = Math.Max(begun, returned);
        foreach (CrashEvent change in epoch.Changes)
        {
            key.Add((ulong)change.Kind);
            key.Add((ulong)change.OffsetBytes);
            key.Add((ulong)change.LengthBytes);
            key.Add(change.Data.Span);
            last = Math.Max(last, moments.BegunAt(change.Sequence));
            key.Add((ulong)moments.BegunAt(change.Sequence));
        }
        key.Add((ulong)returned);
        for (int step = 0; step < Math.Min(last, run.Operations.Count); step++)
        {
            run.Operations[step].AddTo(ref key);
        }
        return key.Value;
    }

    private string? Look(WorkloadRun run, CopyOnWriteImage image, UInt128 fingerprint, in CrashMoment moment, ExploreOptions options)
    {
        JudgedCount++;
        if (!_outcomes.TryGetValue(fingerprint, out StateOutcome? outcome))
        {
            _examined++;
            bool again = options.AgainEvery > 0 && _examined % options.AgainEvery == 0;
            outcome = _checker.Examine(image, again || _examined % options.ProbeEvery == 0, again ? _recorder : null);
            if (again && outcome.Wrong is null && outcome.Refusal is null)
            {
                outcome = outcome with { Wrong = LookAgain(outcome, fingerprint, image) };
            }
            _outcomes.Add(fingerprint, outcome);
            DistinctCount += _distinct.Add(fingerprint) ? 1 : 0;
        }
        if (options.Run.IgnoresFlush)
        {
            return outcome.Wrong; // nothing is promised but an answer
        }
        return StateChecker.Judge(outcome, run.History, moment, image);
    }

    // Crashes while the state was being recovered and written to: prefixes, each write missing, and the largest write torn.
    private string? LookAgain(StateOutcome outcome, UInt128 fingerprint, CopyOnWriteImage image)
    {
        CrashRecording recording = _recorder.Record();
        var moments = new Moments(recording);
        CopyOnWriteImage before = image;
        foreach (CrashEpoch epoch in recording.Epochs)
        {
            fingerprint += epoch.Durable.Fingerprint(before);
            before = epoch.Durable;
            foreach (List<KeptChange> kept in SecondCrashes(epoch))
            {
                CopyOnWriteImage second = epoch.Materialize(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(kept));
                if (!_distinct.Add(fingerprint + second.Fingerprint(epoch.Durable)))
                {
                    continue;
                }
                DistinctCount++;
                JudgedCount++;
                (int returned, int begun) = moments.Around(epoch, kept);
                string? wrong = _checker.JudgeAgain(outcome, second, StateChecker.ProbeDurableAt(returned), Math.Max(begun, returned));
                if (wrong is not null)
                {
                    return string.Create(CultureInfo.InvariantCulture, $"{wrong}\n(second crash: {new CrashState(epoch.Index, [.. kept])})");
                }
            }
        }
        return null;
    }

    private static IEnumerable<List<KeptChange>> SecondCrashes(CrashEpoch epoch)
    {
        int count = epoch.Changes.Count;
        for (int kept = 0; kept <= count; kept++)
        {
            yield return [.. KeptChange.AllOf(kept)];
        }
        for (int which = 0; which < count; which++)
        {
            List<KeptChange> others = [.. KeptChange.AllOf(count)];
            others.RemoveAt(which);
            yield return others;
            long sectors = epoch.Changes[which].SectorCount(epoch.SectorBytes);
            if (sectors > 1)
            {
                yield return [.. KeptChange.AllOf(which), new KeptChange(which, SectorChoice.First, (ulong)(sectors / 2))];
                yield return [.. KeptChange.AllOf(which), new KeptChange(which, SectorChoice.Last, (ulong)(sectors / 2))];
                yield return [.. KeptChange.AllOf(which), new KeptChange(which, SectorChoice.First, 1)];
                yield return [.. KeptChange.AllOf(which), new KeptChange(which, SectorChoice.Random, (ulong)sectors)];
            }
        }
    }

    // For each event of a recording: the last step that had begun, and the last one that had returned, before it.
    private sealed class Moments
    {
        private readonly int[] _begun;
        private readonly int[] _returned;

        public Moments(CrashRecording recording)
        {
            _begun = new int[recording.Events.Count + 1];
            _returned = new int[recording.Events.Count + 1];
            for (int i = 0; i < recording.Events.Count; i++)
            {
                CrashEvent now = recording.Events[i];
                bool isMark = now.Kind == CrashEventKind.Mark;
                _begun[i + 1] = isMark && now.Mark == CrashMark.OperationBegin ? (int)now.Operation : _begun[i];
                _returned[i + 1] = isMark && now.Mark == CrashMark.OperationEnd ? (int)now.Operation : _returned[i];
            }
        }

        /// <summary>The last step that had begun before an event.</summary>
        public int BegunAt(int sequence) => _begun[sequence];

        // A crash that keeps these changes came after the last of them was issued, and before the epoch's flush had returned. What had
        // returned by then must be there; what had not begun when the last of them was issued cannot be.
        public (int Returned, int Begun) Around(CrashEpoch epoch, List<KeptChange> kept)
        {
            int last = epoch.Changes[0].Sequence;
            foreach (KeptChange change in kept)
            {
                last = Math.Max(last, epoch.Changes[change.Index].Sequence);
            }
            return (_returned[epoch.End?.Sequence ?? _returned.Length - 1], _begun[last]);
        }

        public CrashMoment Of(History history, CrashEpoch epoch, List<KeptChange> kept, bool mayRefuse)
        {
            (int returned, int begun) = Around(epoch, kept);
            int durable = history.DurableAt(Math.Min(returned, history.LastStep));
            return new CrashMoment(durable, Math.Min(returned, history.LastStep), Math.Max(Math.Min(begun, history.LastStep), durable), mayRefuse);
        }
    }
}
