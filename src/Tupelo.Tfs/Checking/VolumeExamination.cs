// One examination of a volume, from sector 0 to the last extent: what a check reports, and what a repair goes on from. The device is only
// read. When Run is through, the store holds the tree as a repair would write it.
using System.Globalization;

namespace Tupelo.Tfs;

internal sealed class VolumeExamination
{
    private readonly BlockDevice _device;
    private readonly DateTimeOffset _now;

    public VolumeExamination(BlockDevice device, DateTimeOffset now)
    {
        _device = device;
        _now = now;
        TotalSectors = device.SizeBytes / TfsFormat.SectorBytes;
        Report = new TfsCheckReport { TotalSectors = TotalSectors };
        Sectors = new SectorExaminer(TotalSectors, Report);
    }

    public TfsCheckReport Report { get; }

    public long TotalSectors { get; }

    /// <summary>The log; null when there is none to go on with.</summary>
    public ReplayedLog? Log { get; private set; }

    /// <summary>The names that mean something; null as <see cref="Log"/>.</summary>
    public TfsSymbols? Symbols { get; private set; }

    public SectorExaminer Sectors { get; }

    /// <summary>The extents of all files, by sector.</summary>
    public List<OwnedExtent> Extents { get; private set; } = [];

    /// <summary>Where the copy of sector 0 belongs; -1 when a file has the place, or there never was one.</summary>
    public long HeaderCopySector { get; private set; } = -1;

    /// <summary>True when the log has to be written anew, and not only the copy of sector 0.</summary>
    public bool NeedsNewLog { get; private set; }

    public void Run()
    {
        Log = ReadLog();
        if (Log is null)
        {
            return;
        }
        Symbols = new TfsSymbols(Log.Store.Symbols);
        ReportLog(Log);
        var tree = new TreeExaminer(Log.Store, Symbols, TotalSectors, Report, _now);
        tree.Run();
        Extents = tree.Extents;
        Sectors.Run(Log.Info.Extensions, tree.Extents, tree.PathOf);
        NeedsNewLog = Report.NeedsRepair;
        ExamineHeaderCopy(Log, tree.Extents);
    }

    private ReplayedLog? ReadLog()
    {
        ReplayedLog log = ReplayedLog.Read(_device);
        if (log.Damage is { Errno: not (Errno.EUCLEAN or Errno.EFBIG) } failure)
        {
            Report.Add(new TfsFinding(TfsFindingCode.DeviceError, TfsSeverity.Error, $"{failure.Message}; copy what can be read to a sound disk, and repair the copy") { OffsetBytes = failure.OffsetBytes });
            return null;
        }
        if (log.HasRoot)
        {
            return log;
        }
        string problem = log.Damage?.Message ?? "the log holds no record, so there is no root";
        ReplayedLog? other = HeaderFinder.Find(_device, out string how);
        if (other is null)
        {
            Report.Add(new TfsFinding(log.Info.Extensions.Count > 1 ? TfsFindingCode.LogDamaged : TfsFindingCode.HeaderDamaged, TfsSeverity.Error, $"{problem}; nothing that could take its place was found") { OffsetBytes = 0 });
            return null;
        }
        Report.Add(new TfsFinding(TfsFindingCode.HeaderDamaged, TfsSeverity.Error, problem) { OffsetBytes = 0, Remedy = $"sector 0 is written anew, from {how}" });
        return other;
    }

    private void ReportLog(ReplayedLog log)
    {
        if (log.Damage is { } damage)
        {
            TfsFindingCode code = damage.IsChecksumMismatch ? TfsFindingCode.LogChecksum
                : damage.IsRecordWithinRecord ? TfsFindingCode.LogRecordWithinRecord : TfsFindingCode.LogDamaged;
            Report.Add(new TfsFinding(code, TfsSeverity.Error, damage.Message)
            {
                OffsetBytes = damage.OffsetBytes,
                Remedy = log.Info.LastCommitSequence > 0
                    ? string.Create(CultureInfo.InvariantCulture, $"the log is cut there: {log.RecordCount} records are kept, up to commit {log.Info.LastCommitSequence}; what was changed later is lost")
                    : string.Create(CultureInfo.InvariantCulture, $"the log is cut there: {log.RecordCount} records are kept; what was changed later is lost"),
            });
        }
        foreach (TfsFault fault in log.Faults)
        {
            Report.Add(fault.Kind switch
            {
                TfsFaultKind.PartialRecord => new TfsFinding(TfsFindingCode.LogPartialRecord, TfsSeverity.Warning, $"{fault.Message}: if Nanos writes to this volume now, the log becomes unreadable")
                {
                    OffsetBytes = fault.OffsetBytes,
                    Remedy = "the log is written anew without it",
                },
                TfsFaultKind.AbandonedRecord => new TfsFinding(TfsFindingCode.LogRecordWithinRecord, TfsSeverity.Error, fault.Message)
                {
                    OffsetBytes = fault.OffsetBytes,
                    Remedy = "the piece is left out; what was written in front of it and behind it is kept",
                },
                _ => new TfsFinding(TfsFindingCode.LogUnfinishedCommit, TfsSeverity.Info, $"{fault.Message}; the next mount for writing removes it") { OffsetBytes = fault.OffsetBytes },
            });
        }
        int twice = log.FindNameTwice();
        if (twice != 0)
        {
            Report.Add(new TfsFinding(TfsFindingCode.LogNameTwice, TfsSeverity.Warning,
                $"the log writes the name {TfsText.Quote(log.Store.Symbols.NameOf(twice))} out twice: Nanos would miscount, and make the log unreadable when it writes") { Remedy = "the log is written anew" });
        }
        if (log.ObsoleteEntries >= 8192 && log.TotalEntries <= 2 * log.ObsoleteEntries)
        {
            Report.Add(new TfsFinding(TfsFindingCode.LogCompactionDue, TfsSeverity.Info,
                string.Create(CultureInfo.InvariantCulture, $"{log.ObsoleteEntries} of the log's {log.TotalEntries} entries are obsolete: `tupelo compact` makes it smaller")));
        }
    }

    private void ExamineHeaderCopy(ReplayedLog log, List<OwnedExtent> extents)
    {
        long last = TotalSectors - 1;
        bool isOwned = last <= 0 || log.Info.Extensions.Any(extension => extension.StartSector + extension.SectorCount > last)
            || extents.Any(extent => extent.StartSector + extent.AllocatedSectors > last);
        Span<byte> copy = stackalloc byte[TfsFormat.SectorBytes];
        bool exists = !isOwned && HeaderFinder.TryRead(_device, last, copy) && HeaderFinder.IsHeader(copy) && HeaderFinder.UuidOf(copy).SequenceEqual(log.Uuid);
        HeaderCopySector = exists ? last : -1;
        Report.HeaderCopySectors = exists ? 1 : 0;
        if (!exists)
        {
            Report.Add(new TfsFinding(TfsFindingCode.HeaderCopyMissing, TfsSeverity.Info, isOwned
                ? "a file has the volume's last sector, so there is no copy of sector 0" : "there is no copy of sector 0 in the last sector, as on all volumes that Tupelo did not make"));
            return;
        }
        Span<byte> expected = stackalloc byte[TfsFormat.SectorBytes];
        if (log.Info.Extensions.Count > 1 && log.Info.Extensions[1].SectorCount == TfsFormat.ExtensionSectors)
        {
            VolumeHeader.Write(expected, log.Uuid, log.Label, log.Info.Extensions[1].StartSector);
            if (!copy.SequenceEqual(expected))
            {
                Report.Add(new TfsFinding(TfsFindingCode.HeaderCopyStale, TfsSeverity.Warning, "the copy of sector 0 in the last sector does not lead to the log that sector 0 leads to")
                {
                    OffsetBytes = last * TfsFormat.SectorBytes,
                    Remedy = "the copy is written anew",
                });
            }
        }
    }
}
