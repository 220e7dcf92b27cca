// What is measured: a race has two or more contenders that do the same work, Tupelo first. Suites yield races; RaceRunner runs them.
namespace Tupelo.Bench;

/// <summary>One way to do the work.</summary>
/// <param name="Name">As the report calls it.</param>
/// <param name="Run">One round: does the work and returns how many operations it was.</param>
internal sealed record Contender(string Name, Func<long> Run)
{
    /// <summary>Whose CPU time counts.</summary>
    public CpuScope Scope { get; init; } = CpuScope.Thread;

    /// <summary>Before each round, not measured.</summary>
    public Action? Before { get; init; }

    /// <summary>After each round, not measured.</summary>
    public Action? After { get; init; }

    /// <summary>Asked once, after the warm-up: memory that the contender keeps, in bytes per operation of a round.</summary>
    public Func<double>? MemoryPerOperation { get; init; }
}

/// <summary>Which clock a race is decided by.</summary>
internal enum Metric
{
    Cpu,
    Wall,
}

/// <summary>What a row has to reach; all that are given must hold.</summary>
internal sealed record Goal
{
    /// <summary>Tupelo's time per operation, by the race's clock.</summary>
    public double? AtMostNanoseconds { get; init; }

    /// <summary>The peer's time divided by Tupelo's, at least.</summary>
    public double? AtLeastTimesFaster { get; init; }

    /// <summary>Bytes allocated per operation, at most.</summary>
    public double? AtMostBytes { get; init; }

    /// <summary>Memory kept per operation's object, at most.</summary>
    public double? AtMostMemory { get; init; }
}

/// <summary>A row of the report.</summary>
internal sealed record Race(string Name, string Unit, params Contender[] Contenders)
{
    public string Suite { get; init; } = "";

    /// <summary>What decides.</summary>
    public Metric Metric { get; init; }

    public Goal? Goal { get; init; }

    /// <summary>Rounds at most, for work that takes long.</summary>
    public int MaxRounds { get; init; } = int.MaxValue;

    /// <summary>Runs before the rounds, so that everything is compiled and cached.</summary>
    public int WarmUps { get; init; } = 3;
}

/// <summary>A group of races that share what is set up for them.</summary>
internal abstract class Suite
{
    public abstract string Name { get; }

    /// <summary>Yields races one after another: each is run before the next is made, and files made for one may be gone then.</summary>
    public abstract IEnumerable<Race> Races(BenchOptions options);
}
