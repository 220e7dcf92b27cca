using System.Globalization;

namespace Tupelo.Tfs.Tests;

/// <summary>What a step of a data run does.</summary>
internal enum DataStepKind
{
    Write,
    Read,
    Append,
    Truncate,
    Allocate,
    AllocateKeepingSize,
    Punch,
    ZeroRange,
    ZeroRangeKeepingSize,
    Collapse,
    Insert,
    CopyRange,
    MapRead,
    MapWrite,
    DirectWrite,
    DirectRead,
    SeekData,
    FSync,
    Recreate,
    Sync,
    Compact,
    Remount,
    Begin,
    Commit,
    Abort,
}

/// <summary>One step with its arguments. It means something whatever came before, so that a run can be shortened.</summary>
internal readonly record struct DataStep(DataStepKind Kind, int File, int OtherFile, int Offset, int Length, int Other, int Seed)
{
    /// <summary>A step by chance: mostly writes and reads, near each other, at odd and at round places.</summary>
    public static DataStep Make(Random random, int files, int maxFileBytes, ref int focus)
    {
        DataStepKind kind = random.Next(1000) switch
        {
            < 280 => DataStepKind.Write,
            < 480 => DataStepKind.Read,
            < 530 => DataStepKind.Append,
            < 610 => DataStepKind.Truncate,
            < 640 => DataStepKind.Allocate,
            < 660 => DataStepKind.AllocateKeepingSize,
            < 720 => DataStepKind.Punch,
            < 745 => DataStepKind.ZeroRange,
            < 760 => DataStepKind.ZeroRangeKeepingSize,
            < 785 => DataStepKind.Collapse,
            < 810 => DataStepKind.Insert,
            < 850 => DataStepKind.CopyRange,
            < 870 => DataStepKind.MapRead,
            < 900 => DataStepKind.MapWrite,
            < 920 => DataStepKind.DirectWrite,
            < 935 => DataStepKind.DirectRead,
            < 955 => DataStepKind.SeekData,
            < 970 => DataStepKind.FSync,
            < 977 => DataStepKind.Recreate,
            < 984 => DataStepKind.Sync,
            < 986 => DataStepKind.Compact,
            < 988 => DataStepKind.Remount,
            < 992 => DataStepKind.Begin,
            < 996 => DataStepKind.Commit,
            _ => DataStepKind.Abort,
        };
        if (random.Next(12) == 0)
        {
            focus = random.Next(maxFileBytes);
        }
        int offset = random.Next(4) == 0 ? random.Next(maxFileBytes) : Math.Min(maxFileBytes - 1, focus + random.Next(20_000));
        int length = random.Next(5) switch { 0 => random.Next(1, 100), 1 => random.Next(1, 5000), 2 => 512 * random.Next(1, 20), 3 => 4096 * random.Next(1, 8), _ => random.Next(1, 60_000) };
        int round = random.Next(4) switch { 0 => 512, 1 => 4096, _ => 1 };
        return new DataStep(kind, random.Next(files), random.Next(files), offset / round * round, length, random.Next(maxFileBytes), random.Next());
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Kind} file {File} at {Offset} length {Length} (other file {OtherFile} at {Other}, seed {Seed})");
}
