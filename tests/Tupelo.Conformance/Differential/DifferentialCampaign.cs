// Many runs, one after the other, from one seed; stops at the first that differs, shrunk and written out for a person.
using System.Globalization;

namespace Tupelo.Conformance.Differential;

/// <summary>Random runs against the host's kernel.</summary>
internal sealed class DifferentialCampaign
{
    private readonly MachineUnderTest _machine;
    private readonly int _seed;
    private readonly int _callsPerRun;
    private readonly Action<string> _log;
    private readonly Themes _themes;

    /// <param name="seed">The first run's seed; the next run has the next number, so that a failing run is repeated alone.</param>
    public DifferentialCampaign(MachineUnderTest machine, int seed, int callsPerRun, Action<string> log, Themes themes = Themes.All)
    {
        _machine = machine;
        _seed = seed;
        _callsPerRun = callsPerRun;
        _log = log;
        _themes = themes;
        log($"seed {seed} (set TUPELO_SEED to repeat)");
    }

    /// <summary>Calls that were left of a failing run; 0 before.</summary>
    public int ShrunkCalls { get; private set; }

    /// <summary>The environment's TUPELO_SEED, or always the same one: campaigns look for new calls, ./test that the known ones hold.</summary>
    public static int ChooseSeed() => Environment.GetEnvironmentVariable("TUPELO_SEED") is { Length: > 0 } given
        ? int.Parse(given, CultureInfo.InvariantCulture)
        : 20_261_121;

    /// <summary>Makes at least so many calls.</summary>
    /// <param name="succeeded">Counts the calls that did not fail, by kind.</param>
    /// <returns>Null, or what differs and the calls that lead to it.</returns>
    public string? Run(long calls, long[] succeeded)
    {
        long done = 0;
        for (int run = 0; done < calls; run++)
        {
            int seed = _seed + run;
            CallGenerator generator = new(seed, HostSyscalls.ReservedDescriptor, _themes);
            List<Call> made = [];
            Difference? difference = DifferentialRun.Run(generator, _callsPerRun, _machine, made, succeeded);
            if (difference is not null)
            {
                _log($"run {run} differs, shrinking: {difference.Text}");
                (IReadOnlyList<Call> shortest, difference) = DifferentialRun.Shrink(made, difference, _machine);
                ShrunkCalls = shortest.Count;
                return DifferentialRun.Describe(seed, generator.Themes, shortest, difference);
            }
            done += made.Count;
        }
        _log($"{done} calls, {succeeded.Sum()} of which succeeded");
        return null;
    }
}
