// Many runs from one seed, by one or more workers; failing ones are shrunk and written out for a person.
//
// Each run depends on its own seed only (the campaign's plus the run's number), so workers share nothing but the next number, and a
// failing run is repeated alone by giving its seed. A campaign stops at the first failure, or, to see at once what there is, when it
// has so many that are not alike.
using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Conformance.Differential;

/// <summary>Random runs against the host's kernel.</summary>
internal sealed class DifferentialCampaign
{
    private const int MostUnrepeated = 20;

    private static readonly TimeSpan s_progressEvery = TimeSpan.FromSeconds(20);

    private readonly Func<MachineUnderTest> _machine;
    private readonly int _seed;
    private readonly int _callsPerRun;
    private readonly Action<string> _log;
    private readonly Themes _themes;

    private readonly Lock _mu = new(); // Guards what follows.
    private readonly SortedDictionary<string, string> _failures = new(StringComparer.Ordinal);
    private readonly Stopwatch _clock = new();
    private long[] _succeeded = [];
    private int _nextRun;
    private long _done;
    private int _unrepeated;
    private TimeSpan _nextProgress = s_progressEvery;

    /// <param name="machine">Makes a machine under test for each worker.</param>
    /// <param name="seed">The first run's seed; the next run has the next number.</param>
    public DifferentialCampaign(Func<MachineUnderTest> machine, int seed, int callsPerRun, Action<string> log, Themes themes = Themes.All)
    {
        _machine = machine;
        _seed = seed;
        _callsPerRun = callsPerRun;
        _log = log;
        _themes = themes;
        log($"seed {seed} (set TUPELO_SEED to repeat)");
    }

    /// <summary>How many threads make runs.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Failures that do not look alike, after which to stop.</summary>
    public int MostFailures { get; init; } = 1;

    /// <summary>Calls that were left of the last failing run; 0 before.</summary>
    public int ShrunkCalls { get; private set; }

    /// <summary>The environment's TUPELO_SEED, or always the same one: campaigns look for new calls, ./test that the known ones hold.</summary>
    public static int ChooseSeed() => Number("TUPELO_SEED", 20_261_121);

    /// <summary>A number from the environment.</summary>
    public static int Number(string variable, int otherwise) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given
        ? int.Parse(given, CultureInfo.InvariantCulture)
        : otherwise;

    /// <summary>Makes at least so many calls.</summary>
    /// <param name="succeeded">Counts the calls that did not fail, by kind.</param>
    /// <returns>Null, or what differs and the calls that lead to it.</returns>
    public string? Run(long calls, long[] succeeded)
    {
        _succeeded = succeeded;
        WarmUp();
        _clock.Start();
        Thread[] threads = [.. Enumerable.Range(1, Workers - 1).Select(i => new Thread(() => Work(calls)) { Name = $"campaign {i}" })];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        Work(calls);
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        _log($"{Rate()}, {succeeded.Sum()} of which succeeded, seeds {_seed} to {_seed + _nextRun - 1}");
        return _failures.Count == 0 ? null : string.Join(Environment.NewLine, _failures.Values);
    }

    // What a run needs is loaded before: the threads that runs are made on cannot open this program's files.
    private void WarmUp()
    {
        using ISyscalls process = _machine().Boot();
        CallExecutor executor = new(process, HostSyscalls.ReservedDescriptor, _machine().ScratchType);
        CallGenerator generator = new(_seed, HostSyscalls.ReservedDescriptor, _themes);
        Outcome outcome = new();
        for (int i = 0; i < _callsPerRun; i++)
        {
            executor.Execute(generator.Next(), outcome);
        }
        Judge judge = new(executor.Devices());
        _ = judge.Compare(outcome, outcome);
        _ = TreeSnapshot.Compare(executor.TakeTree(), executor.TakeTree(), judge);
        executor.Dispose();
    }

    private void Work(long calls)
    {
        MachineUnderTest machine = _machine();
        long[] succeeded = new long[_succeeded.Length];
        while (true)
        {
            int run;
            lock (_mu)
            {
                if (_done >= calls || _failures.Count >= MostFailures)
                {
                    break;
                }
                run = _nextRun++;
            }
            int made = MakeRun(machine, run, succeeded);
            lock (_mu)
            {
                _done += made;
                if (_clock.Elapsed > _nextProgress)
                {
                    _nextProgress = _clock.Elapsed + s_progressEvery;
                    _log(Rate());
                }
            }
        }
        lock (_mu)
        {
            for (int kind = 0; kind < succeeded.Length; kind++)
            {
                _succeeded[kind] += succeeded[kind];
            }
        }
    }

    private int MakeRun(MachineUnderTest machine, int run, long[] succeeded)
    {
        int seed = _seed + run;
        CallGenerator generator = new(seed, HostSyscalls.ReservedDescriptor, _themes);
        List<Call> made = [];
        if (DifferentialRun.Run(generator, _callsPerRun, machine, made, succeeded) is not { } difference)
        {
            return made.Count;
        }
        string likeness = difference.Likeness;
        lock (_mu)
        {
            if (_failures.Count >= MostFailures || !_failures.TryAdd(likeness, $"seed {seed}"))
            {
                return made.Count; // Known, or another worker has found the last one.
            }
            _log($"seed {seed} differs, shrinking: {difference.Text}");
        }
        if (DifferentialRun.Run(made, machine) is not { } again || again.Likeness != likeness)
        {
            // The runtime shares the host's threads with the calls, and now and then a descriptor of its own is among theirs.
            lock (_mu)
            {
                _ = _failures.Remove(likeness);
                _unrepeated++;
                _log($"seed {seed} did not differ when it was repeated, {_unrepeated} so far");
                if (_unrepeated > MostUnrepeated)
                {
                    _failures.Add(likeness, $"{_unrepeated} runs differed once, the last one was seed {seed}: {difference.Text}");
                }
            }
            return made.Count;
        }
        (IReadOnlyList<Call> shortest, difference) = DifferentialRun.Shrink(made, difference, machine);
        lock (_mu)
        {
            ShrunkCalls = shortest.Count;
            _failures[likeness] = DifferentialRun.Describe(seed, generator.Themes, shortest, difference);
            if (MostFailures > 1)
            {
                _log(_failures[likeness]);
            }
        }
        return made.Count;
    }

    private string Rate() => string.Create(CultureInfo.InvariantCulture,
        $"{_done} calls in {_clock.Elapsed.TotalSeconds:F1} s, {_done / _clock.Elapsed.TotalSeconds:F0} a second");
}
