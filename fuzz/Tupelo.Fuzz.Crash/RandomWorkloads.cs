// Workloads by seed: 10 to 200 steps on a few paths, so that steps meet each other: names that are there and names that are not,
// writes over each other, everything with everything. Data ranges end at, before and behind the borders of sectors and pages.
namespace Tupelo.Fuzz.Crash;

internal static class RandomWorkloads
{
    private const int MaxFileBytes = 28_000;

    private static readonly string[] Names = ["/foo", "/bar", "/A/foo", "/A/bar", "/A/twin", "/B/foo", "/C", "/A/C", "/B/bar", "/A", "/B"];

    /// <summary>All kinds of steps.</summary>
    /// <param name="seed">Of this workload.</param>
    /// <param name="tree">What it starts from; it is changed. Most steps are chosen so that they succeed.</param>
    public static List<CrashOperation> Make(int seed, ModelTree tree)
    {
        var random = new Random(seed);
        int length = random.Next(8) switch { 0 => random.Next(60, 200), < 4 => random.Next(10, 20), _ => random.Next(20, 60) };
        int syncs = random.Next(3) == 0 ? random.Next(20, 100) : random.Next(3, 12); // one step in so many: also commits of many sectors
        var workload = new List<CrashOperation>(length);
        for (int i = 1; i <= length; i++)
        {
            CrashOperation step = default;
            for (int attempt = 0; attempt < 4; attempt++)
            {
                step = random.Next(syncs) == 0 ? Sync(random) : random.Next(2) == 0 ? NameStep(random) : DataStep(random, Names[random.Next(5)]);
                if (tree.TryApply(step, i))
                {
                    break;
                }
            }
            workload.Add(step);
        }
        workload.Add(new CrashOperation(OperationKind.Sync));
        return workload;
    }

    /// <summary>As fsx does: reads aside, every way to change the data of a few files, nothing else.</summary>
    public static List<CrashOperation> MakeDataOnly(int seed)
    {
        var random = new Random(seed);
        int length = random.Next(10, 80);
        var workload = new List<CrashOperation>(length);
        for (int i = 0; i < length; i++)
        {
            string path = Names[random.Next(2)];
            workload.Add(random.Next(5) == 0 ? new CrashOperation(random.Next(2) == 0 ? OperationKind.FSync : OperationKind.Sync, path) : DataStep(random, path));
        }
        return [.. workload.Select(static step => step.Kind == OperationKind.Sync ? new CrashOperation(OperationKind.Sync) : step)];
    }

    /// <summary>Around the borders of the log: attributes whose records end just at, before and behind the end of a sector, then a few steps.</summary>
    /// <param name="number">Each 600 of them go through the lengths byte by byte.</param>
    public static List<CrashOperation> MakeGeometry(int number)
    {
        var random = new Random(number);
        var workload = new List<CrashOperation>
        {
            new(OperationKind.SetXattr, "/foo", "edge", 400 + (number % 600)),
            new(OperationKind.FSync, "/foo"),
        };
        for (int i = random.Next(2, 12); i > 0; i--)
        {
            workload.Add(random.Next(6) switch
            {
                0 => new CrashOperation(OperationKind.SetXattr, Names[random.Next(Names.Length)], "edge", random.Next(1, 1500)),
                1 => new CrashOperation(OperationKind.SetXattr, "/foo", "long", random.Next(2000, 40_000)),
                2 => new CrashOperation(OperationKind.Compact),
                3 => DataStep(random, Names[random.Next(5)]),
                4 => NameStep(random),
                _ => Sync(random),
            });
        }
        // A commit of many sectors.
        for (int i = number % 3 == 0 ? random.Next(10, 60) : 0; i > 0; i--)
        {
            workload.Add(new CrashOperation(OperationKind.SetXattr, random.Next(2) == 0 ? "/foo" : "/A", $"key{(char)('a' + random.Next(26))}", random.Next(1, 300)));
        }
        workload.Add(new CrashOperation(OperationKind.Sync));
        return workload;
    }

    private static CrashOperation Sync(Random random) => random.Next(12) switch
    {
        < 4 => new CrashOperation(OperationKind.FSync, Names[random.Next(Names.Length)]),
        4 => new CrashOperation(OperationKind.FDataSync, Names[random.Next(Names.Length)]),
        5 => new CrashOperation(OperationKind.FSyncDirectory, "/A"),
        6 => new CrashOperation(OperationKind.Compact),
        7 => new CrashOperation(OperationKind.Remount),
        _ => new CrashOperation(OperationKind.Sync),
    };

    private static CrashOperation NameStep(Random random)
    {
        string a = Names[random.Next(Names.Length)];
        string b = Names[random.Next(Names.Length)];
        return random.Next(20) switch
        {
            0 => new CrashOperation(OperationKind.Create, a),
            1 => new CrashOperation(OperationKind.MakeDirectory, a),
            2 => new CrashOperation(OperationKind.MakeFifo, a),
            3 => new CrashOperation(OperationKind.MakeDevice, a, "", random.Next(1, 1 << 20)),
            4 => new CrashOperation(OperationKind.Symlink, a, "nowhere"),
            5 => new CrashOperation(OperationKind.Link, a, b),
            6 => new CrashOperation(OperationKind.Unlink, a),
            7 => new CrashOperation(OperationKind.RemoveDirectory, a),
            8 or 9 or 10 => new CrashOperation(OperationKind.Rename, a, b),
            11 => new CrashOperation(OperationKind.RenameNoReplace, a, b),
            12 => new CrashOperation(OperationKind.Exchange, a, b),
            13 => new CrashOperation(OperationKind.Whiteout, a, b),
            14 => new CrashOperation(OperationKind.SetXattr, a, random.Next(2) == 0 ? "old" : "new", random.Next(1, random.Next(3) == 0 ? 3000 : 100)),
            15 => new CrashOperation(OperationKind.RemoveXattr, a, random.Next(2) == 0 ? "old" : "new"),
            16 => new CrashOperation(OperationKind.ChangeMode, a, "", random.Next(0x200)),
            17 => new CrashOperation(OperationKind.ChangeOwner, a, "", random.Next(1000), random.Next(1000)),
            18 => new CrashOperation(OperationKind.SetTimes, a, "", random.Next(1, int.MaxValue)),
            _ => new CrashOperation(OperationKind.TemporaryThenLink, a, "", random.Next(1, 9000)),
        };
    }

    private static CrashOperation DataStep(Random random, string path)
    {
        long offset = Border(random);
        long length = Math.Max(1, Math.Min(random.Next(3) == 0 ? random.Next(1, 600) : Border(random), MaxFileBytes - offset));
        long pageOffset = random.Next(6) * 4096L;
        long pageLength = random.Next(1, 4) * 4096L;
        return random.Next(20) switch
        {
            < 5 => new CrashOperation(OperationKind.Write, path, "", offset, length),
            5 or 6 => new CrashOperation(OperationKind.Append, path, "", random.Next(1, 5000)),
            7 => new CrashOperation(OperationKind.WriteSync, path, "", offset, length),
            8 => new CrashOperation(OperationKind.WriteDirect, path, "", pageOffset, pageLength),
            9 => new CrashOperation(OperationKind.Rewrite, path, "", random.Next(1, 9000)),
            10 or 11 => new CrashOperation(OperationKind.Truncate, path, "", offset),
            12 => new CrashOperation(OperationKind.Allocate, path, "", offset, length),
            13 => new CrashOperation(OperationKind.AllocateKeepSize, path, "", offset, length),
            14 => new CrashOperation(OperationKind.PunchHole, path, "", offset, length),
            15 => new CrashOperation(OperationKind.ZeroRange, path, "", offset, length),
            16 => new CrashOperation(OperationKind.ZeroRangeKeepSize, path, "", offset, length),
            17 => new CrashOperation(OperationKind.CollapseRange, path, "", pageOffset, pageLength),
            18 => new CrashOperation(OperationKind.InsertRange, path, "", pageOffset, Math.Min(pageLength, 8192)),
            _ => new CrashOperation(OperationKind.WriteUnlinked, path, "", length),
        };
    }

    // Offsets where something changes: borders of pages and sectors, and a byte on either side.
    private static long Border(Random random) => random.Next(4) switch
    {
        0 => random.Next(MaxFileBytes),
        1 => random.Next(7) * 4096L,
        2 => Math.Max(0, (random.Next(7) * 4096L) + random.Next(-1, 2)),
        _ => Math.Max(0, (random.Next(54) * 512L) + random.Next(-1, 2)),
    };
}
