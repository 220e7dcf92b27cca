// The checker and the repairer of volumes at rest: `tupelo fsck`. Place: the command line calls it; below are VolumeExamination, which
// looks at everything and puts the tuples right in memory, and LogRewriter, which writes them as a new log.
//
// A repair never changes what is sound, nor anything in place: files that share sectors get copies in free ones, the whole tree goes into
// a new log in free sectors, all of it is flushed, and then one sector, sector 0, leads to the new log instead of the old one. A crash at
// any moment leaves the volume as it was before, or repaired. What was in the way stays where it is until somebody overwrites it.
using System.Globalization;

namespace Tupelo.Tfs;

/// <summary>How a volume is repaired.</summary>
public sealed record TfsRepairOptions
{
    /// <summary>Do everything but write: the report tells what would be done. The check afterwards is of what would be there.</summary>
    public bool DryRun { get; init; }

    /// <summary>Where the time stamps of /lost+found come from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>Checks and repairs volumes that nobody has mounted.</summary>
public static class TfsChecker
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Looks at everything. The device is not written to.</summary>
    /// <returns>What was found; never an exception for what the device holds.</returns>
    public static TfsCheckReport Check(BlockDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var examination = new VolumeExamination(device, DateTimeOffset.UnixEpoch);
        examination.Run();
        return examination.Report;
    }

    /// <summary>Checks, and puts right what can be put right. A volume with nothing to repair is not written to.</summary>
    /// <returns>What was found before the repair, what was done, and (<see cref="TfsCheckReport.RepairProblem"/>) why it could not be done.</returns>
    public static TfsCheckReport Repair(BlockDevice device, TfsRepairOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        options ??= new TfsRepairOptions();
        var examination = new VolumeExamination(device, options.TimeProvider.GetUtcNow());
        examination.Run();
        TfsCheckReport report = examination.Report;
        if (!report.NeedsRepair)
        {
            report.RepairProblem = report.IsClean ? "" : "nothing of what is wrong can be repaired";
            return report;
        }
        BlockDevice target = options.DryRun ? new OverlayBlockDevice(device) : device;
        report.RepairProblem = examination.NeedsNewLog ? WriteAnew(target, examination) : WriteHeaderCopy(target, examination);
        if (report.RepairProblem.Length > 0)
        {
            return report;
        }
        TfsCheckReport after = Check(target);
        TfsFinding? left = after.Findings.FirstOrDefault(static finding => finding.Severity == TfsSeverity.Error || finding.IsRepairable);
        report.RepairProblem = left is null ? "" : $"something is wrong still: {left.CodeText}: {left.Message}";
        report.IsRepaired = left is null && !options.DryRun;
        return report;
    }

    private static string WriteAnew(BlockDevice device, VolumeExamination examination)
    {
        ReplayedLog log = examination.Log!;
        TfsAllocator allocator = FreeSpaceOf(examination);
        string problem = MoveDisplaced(device, examination, allocator);
        if (problem.Length > 0)
        {
            return problem;
        }
        var rewriter = new LogRewriter(log.Store, examination.Symbols!);
        Errno errno = rewriter.Begin(device, allocator, log.Info.LastCommitSequence, out TfsLog? written);
        errno = errno == Errno.None ? rewriter.Finish(written!) : errno;
        if (errno == Errno.ENOSPC)
        {
            return "there is no room for a new log: it takes runs of 512 KiB of free space; make the image longer (truncate -s +4M IMAGE, or resize) and come again";
        }
        errno = errno == Errno.None ? LogRewriter.SwitchTo(device, log.Uuid, log.Label, written!, examination.HeaderCopySector) : errno;
        errno = errno == Errno.None ? device.Flush() : errno;
        written?.Close();
        if (errno != Errno.None)
        {
            return $"the device failed: {errno.Describe()}";
        }
        examination.Report.Did(string.Create(CultureInfo.InvariantCulture, $"the log was written anew: {rewriter.EntryCount} entries in {written!.Chain.Count} extensions, from sector {written.Chain[0].Start}"));
        return "";
    }

    private static string WriteHeaderCopy(BlockDevice device, VolumeExamination examination)
    {
        byte[] sector = new byte[TfsFormat.SectorBytes];
        VolumeHeader.Write(sector, examination.Log!.Uuid, examination.Log.Label, examination.Log.Info.Extensions[1].StartSector);
        Errno errno = device.Write(examination.HeaderCopySector * TfsFormat.SectorBytes, sector);
        errno = errno == Errno.None ? device.Flush() : errno;
        if (errno == Errno.None)
        {
            examination.Report.Did("the copy of sector 0 was written anew");
        }
        return errno == Errno.None ? "" : $"the device failed: {errno.Describe()}";
    }

    // What nobody claims, not even wrongly.
    private static TfsAllocator FreeSpaceOf(VolumeExamination examination)
    {
        var allocator = new TfsAllocator(examination.TotalSectors);
        List<(long Start, long Count)> claimed = [.. examination.Sectors.Claimed, (0, 1)];
        if (examination.HeaderCopySector > 0)
        {
            claimed.Add((examination.HeaderCopySector, 1));
        }
        claimed.Sort();
        long taken = 0;
        foreach ((long start, long count) in claimed)
        {
            long from = Math.Max(start, taken);
            long end = Math.Min(examination.TotalSectors, start + count);
            if (end > from)
            {
                bool marked = allocator.MarkUsed(from, end - from);
                System.Diagnostics.Debug.Assert(marked);
                taken = end;
            }
        }
        return allocator;
    }

    private static string MoveDisplaced(BlockDevice device, VolumeExamination examination, TfsAllocator allocator)
    {
        TupleStore store = examination.Log!.Store;
        TfsSymbols symbols = examination.Symbols!;
        byte[] buffer = new byte[CopyBytes];
        foreach (OwnedExtent extent in examination.Sectors.Displaced)
        {
            long count = Math.Max(1, extent.SectorCount);
            if (!allocator.TryAllocate(count, count, 0, 1, 0, out long start, out _))
            {
                return string.Create(CultureInfo.InvariantCulture,
                    $"there is no room for the copy of {count * TfsFormat.SectorBytes} bytes that a file needs; make the image longer (truncate -s +{(count * TfsFormat.SectorBytes / (1 << 20)) + 4}M IMAGE, or resize) and come again");
            }
            Errno errno = extent.IsUninitialized ? Errno.None : SectorCopy.Run(device, extent.StartSector, start, extent.SectorCount, buffer);
            if (errno != Errno.None)
            {
                return $"the device failed: {errno.Describe()}";
            }
            _ = store.Set(extent.Extent, symbols.Offset, TfsValueKind.Integer, (ulong)start);
            _ = store.Set(extent.Extent, symbols.Allocated, TfsValueKind.Integer, (ulong)count);
            examination.Report.Did(string.Create(CultureInfo.InvariantCulture, $"sectors {extent.StartSector}+{count} were copied to {start}, so that two files no longer share them"));
        }
        Errno flushed = examination.Sectors.Displaced.Count > 0 ? device.Flush() : Errno.None;
        return flushed == Errno.None ? "" : $"the device failed: {flushed.Describe()}";
    }
}
