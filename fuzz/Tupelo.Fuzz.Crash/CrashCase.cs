// A case is everything that a finding depends on, as a small text: base volume, kind, seed, steps, and the state. Failing cases are
// saved as such, and those that were once a bug are kept and run again by every ./test.
using System.Globalization;
using System.Text;
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

/// <summary>What is expected of the device that a workload runs on.</summary>
internal enum DeviceKind
{
    /// <summary>Sectors are written whole or not at all, and a flush makes durable.</summary>
    Honest,

    /// <summary>Sectors may be torn: what is torn must be noticed or survived.</summary>
    TornSectors,

    /// <summary>Flush does nothing: there must be an answer, any answer.</summary>
    Lying,
}

/// <summary>One workload, and how its crash states are made.</summary>
internal sealed record CrashCase(BaseVolumeOptions Start, IReadOnlyList<CrashOperation> Operations, int Seed, DeviceKind Device = DeviceKind.Honest, int AgainEvery = 0)
{
    /// <summary>The one state to look at; null for all.</summary>
    public CrashState? State { get; init; }

    /// <summary>Most states; a sample of none: the first ones.</summary>
    public int MaxStates { get; init; } = int.MaxValue;

    /// <summary>Runs it. Null when all is well.</summary>
    public Violation? Run(Explorer explorer, Func<BlockDevice, BlockDevice>? between = null) => explorer.Explore(BaseVolume.Of(Start), Operations, Seed, new ExploreOptions
    {
        Generator = new GeneratorOptions { TearsSectors = Device == DeviceKind.TornSectors },
        Run = new RunOptions { IgnoresFlush = Device == DeviceKind.Lying, Between = between },
        AgainEvery = AgainEvery,
        MaxStates = MaxStates,
        Only = State,
    });

    public override string ToString()
    {
        var text = new StringBuilder();
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"base {Start}");
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"device {Device}");
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"seed {Seed}");
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"again {AgainEvery}");
        if (State is not null)
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"state {State}");
        }
        foreach (CrashOperation operation in Operations)
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"step {operation}");
        }
        return text.ToString();
    }

    /// <summary>The case that <see cref="ToString"/> wrote. Lines that begin with # are notes.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static CrashCase Parse(string text)
    {
        var operations = new List<CrashOperation>();
        var start = new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true);
        var device = DeviceKind.Honest;
        CrashState? state = null;
        int seed = 0;
        int again = 0;
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = line.Split(' ', 2);
            string rest = parts.ElementAtOrDefault(1) ?? "";
            switch (parts[0])
            {
                case "base":
                    start = BaseVolumeOptions.Parse(rest);
                    break;
                case "device":
                    device = Enum.Parse<DeviceKind>(rest);
                    break;
                case "seed":
                    seed = int.Parse(rest, CultureInfo.InvariantCulture);
                    break;
                case "again":
                    again = int.Parse(rest, CultureInfo.InvariantCulture);
                    break;
                case "state":
                    state = CrashState.Parse(rest);
                    break;
                case "step":
                    operations.Add(CrashOperation.Parse(rest));
                    break;
                default:
                    if (line[0] != '#')
                    {
                        throw new FormatException("no line of a crash case: " + line);
                    }
                    break;
            }
        }
        return new CrashCase(start, operations, seed, device, again) { State = state };
    }
}
