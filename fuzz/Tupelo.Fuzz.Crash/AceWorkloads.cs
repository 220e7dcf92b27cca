// Bounded-exhaustive workloads, after ACE (B3, OSDI 2018): all sequences of one, two or three operations out of a fixed set, on a few
// files and directories that are there and a few that are not, each operation followed by nothing, by a sync of its file, or by a sync
// of everything; the last one always by a sync. They are made by number, never stored.
namespace Tupelo.Fuzz.Crash;

internal static class AceWorkloads
{
    /// <summary>The operations.</summary>
    public static CrashOperation[] Operations { get; } =
    [
        new(OperationKind.Create, "/bar"),
        new(OperationKind.Create, "/A/bar"),
        new(OperationKind.Create, "/B/foo"),
        new(OperationKind.MakeDirectory, "/C"),
        new(OperationKind.MakeDirectory, "/A/C"),
        new(OperationKind.MakeFifo, "/bar"),
        new(OperationKind.MakeDevice, "/A/bar", "", 0x501),
        new(OperationKind.Symlink, "/bar", "nowhere"),
        new(OperationKind.Symlink, "/A/bar", "nowhere"),
        new(OperationKind.Link, "/foo", "/bar"),
        new(OperationKind.Link, "/foo", "/A/bar"),
        new(OperationKind.Link, "/A/foo", "/B/foo"),
        new(OperationKind.Unlink, "/foo"),
        new(OperationKind.Unlink, "/A/foo"),
        new(OperationKind.Unlink, "/A/twin"),
        new(OperationKind.RemoveDirectory, "/B"),
        new(OperationKind.Rename, "/foo", "/bar"),
        new(OperationKind.Rename, "/foo", "/A/foo"),
        new(OperationKind.Rename, "/A/foo", "/foo"),
        new(OperationKind.Rename, "/A/foo", "/B/foo"),
        new(OperationKind.Rename, "/A", "/B"),
        new(OperationKind.Rename, "/A", "/C"),
        new(OperationKind.Rename, "/B", "/A/C"),
        new(OperationKind.RenameNoReplace, "/foo", "/B/foo"),
        new(OperationKind.Exchange, "/foo", "/A/foo"),
        new(OperationKind.Exchange, "/A", "/B"),
        new(OperationKind.Exchange, "/foo", "/B"),
        new(OperationKind.Whiteout, "/foo", "/bar"),
        new(OperationKind.Whiteout, "/A/foo", "/foo"),
        new(OperationKind.Append, "/foo", "", 3000),
        new(OperationKind.Append, "/A/foo", "", 1000),
        new(OperationKind.Append, "/bar", "", 5000),
        new(OperationKind.Write, "/foo", "", 0, 4096),
        new(OperationKind.Write, "/foo", "", 1000, 5000),
        new(OperationKind.Write, "/foo", "", 20000, 3000),
        new(OperationKind.Write, "/A/foo", "", 0, 5000),
        new(OperationKind.WriteDirect, "/foo", "", 4096, 8192),
        new(OperationKind.WriteSync, "/foo", "", 100, 200),
        new(OperationKind.Rewrite, "/foo", "", 6000),
        new(OperationKind.Truncate, "/foo"),
        new(OperationKind.Truncate, "/foo", "", 3000),
        new(OperationKind.Truncate, "/foo", "", 30000),
        new(OperationKind.Truncate, "/A/foo", "", 4096),
        new(OperationKind.Allocate, "/foo", "", 12288, 12288),
        new(OperationKind.AllocateKeepSize, "/foo", "", 16384, 8192),
        new(OperationKind.PunchHole, "/foo", "", 4096, 4096),
        new(OperationKind.PunchHole, "/foo", "", 5000, 6000),
        new(OperationKind.ZeroRange, "/foo", "", 4096, 16384),
        new(OperationKind.ZeroRangeKeepSize, "/foo", "", 1000, 7000),
        new(OperationKind.CollapseRange, "/foo", "", 4096, 4096),
        new(OperationKind.InsertRange, "/foo", "", 4096, 4096),
        new(OperationKind.SetXattr, "/foo", "new", 40),
        new(OperationKind.SetXattr, "/foo", "old", 700),
        new(OperationKind.SetXattr, "/A", "new", 10),
        new(OperationKind.RemoveXattr, "/foo", "old"),
        new(OperationKind.ChangeMode, "/foo", "", 0x180),
        new(OperationKind.ChangeOwner, "/A", "", 7, 8),
        new(OperationKind.SetTimes, "/foo", "", 1_000_000_000),
        new(OperationKind.TemporaryThenLink, "/bar", "", 4500),
        new(OperationKind.WriteUnlinked, "/A/foo", "", 9000),
        new(OperationKind.Compact),
        new(OperationKind.Remount),
    ];

    // What may follow an operation: nothing; its file; its file, content only; everything.
    private const int Persistence = 4;
    private const int LastPersistence = 3;

    /// <summary>How many workloads of <paramref name="length"/> operations there are.</summary>
    public static long Count(int length)
    {
        long count = Operations.Length * LastPersistence;
        for (int i = 1; i < length; i++)
        {
            count *= Operations.Length * Persistence;
        }
        return count;
    }

    /// <summary>One of them.</summary>
    public static List<CrashOperation> Make(int length, long number)
    {
        var workload = new List<CrashOperation>();
        for (int i = 0; i < length; i++)
        {
            bool isLast = i == length - 1;
            int choices = isLast ? LastPersistence : Persistence;
            (number, long persistence) = Math.DivRem(number, choices);
            (number, long which) = Math.DivRem(number, Operations.Length);
            CrashOperation operation = Operations[which];
            workload.Add(operation);
            // The file may have another name by now.
            string path = operation.Kind is OperationKind.Rename or OperationKind.RenameNoReplace or OperationKind.Whiteout or OperationKind.Link or OperationKind.Exchange ? operation.B : operation.A;
            switch (isLast ? persistence + 1 : persistence)
            {
                case 1:
                    workload.Add(new CrashOperation(OperationKind.FSync, path.Length > 0 ? path : "/"));
                    break;
                case 2:
                    workload.Add(new CrashOperation(OperationKind.FDataSync, path.Length > 0 ? path : "/"));
                    break;
                case 3:
                    workload.Add(new CrashOperation(OperationKind.Sync));
                    break;
                default:
                    break;
            }
        }
        return workload;
    }
}
